import type { Chunker, ChunkerName } from './chunker.ts';
import { createFastcdcChunker } from './fastcdc-chunker.ts';
import { createRabinChunker } from './rabin-chunker.ts';

/** What decides a repository's cuts; all of it is plain data and can be sent to a worker. */
export interface ChunkerParameters {
  /** `chunker_polynomial` of the config. */
  readonly polynomial: bigint;
  /** 32 bytes of deriveGearSeed. */
  readonly gearSeed: Uint8Array;
  /** Default 32 MiB, four times the maximum chunk. */
  readonly windowBytes?: number | undefined;
}

/** A new chunker with a window of its own; throws as createRabinChunker and createFastcdcChunker do. */
export function openChunker(name: ChunkerName, parameters: ChunkerParameters): Chunker {
  switch (name) {
    case 'rabin':
      return createRabinChunker(parameters.polynomial, parameters.windowBytes);
    case 'fastcdc':
      return createFastcdcChunker(parameters.gearSeed, parameters.windowBytes);
  }
}

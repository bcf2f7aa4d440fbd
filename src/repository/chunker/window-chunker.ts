import { UsageError } from '../../base/errors.ts';
import type { Chunker, ChunkerName } from './chunker.ts';
import { chunkSizes } from './chunker.ts';

export interface WindowChunkerOptions {
  readonly name: ChunkerName;
  readonly window: Uint8Array;
  /**
   * The first cut by content at a length in [minimumBytes, limit] of the chunk that starts at `start` of the window,
   * 0 when there is none. `limit` is at least the minimum and at most the maximum.
   */
  readonly findCut: (start: number, limit: number) => number;
}

/** What all chunkers share: minimum, maximum and the end of the file around a cut by content. */
export function createWindowChunker(options: WindowChunkerOptions): Chunker {
  const { name, window, findCut } = options;
  return {
    name,
    window,
    nextChunk(start, end, isLast) {
      if (
        !Number.isInteger(start) ||
        !Number.isInteger(end) ||
        start < 0 ||
        start > end ||
        end > window.length
      ) {
        throw new UsageError(`no bytes [${start}, ${end}) in a chunker's window of ${window.length}`);
      }
      const availableBytes = end - start;
      const limit = Math.min(availableBytes, chunkSizes.maximumBytes);
      const cut = limit < chunkSizes.minimumBytes ? 0 : findCut(start, limit);
      if (cut > 0) return cut;
      return isLast || limit === chunkSizes.maximumBytes ? limit : 0;
    },
  };
}

/** Content-defined chunking: where a file is cut depends on its bytes alone, so equal regions give equal chunks. */
export type ChunkerName = 'rabin' | 'fastcdc';

export interface ChunkSizes {
  readonly minimumBytes: number;
  readonly maximumBytes: number;
}

/** restic's limits; both chunkers use them (fastcdc's average is near rabin's 1.5 MiB). */
export const chunkSizes: ChunkSizes = { minimumBytes: 512 * 1024, maximumBytes: 8 * 1024 * 1024 };

/**
 * Finds cuts in a window of bytes that lives in the chunker's own (WASM) memory, so that nothing is copied.
 * Not shared between threads.
 */
export interface Chunker {
  readonly name: ChunkerName;
  /** The window callers read file bytes into; at least 4 times the maximum chunk. Never reallocated. */
  readonly window: Uint8Array;
  /**
   * Length of the chunk that starts at `start` of the window, given that file bytes stand in [start, end).
   * At the end of the file (`isLast`) the rest is a chunk. Returns 0 when more bytes are needed to tell:
   * guaranteed not to happen when `end - start` is at least the maximum chunk.
   * A chunk is never longer than the maximum, and shorter than the minimum only as the last of a file.
   * With `isLast` and no bytes left (`start === end`) there is no chunk: the result is 0.
   *
   * Nothing is remembered between calls: after a 0 the next call scans the chunk from its minimum again. Callers must
   * call only with a maximum chunk's bytes or with `isLast`, else scanning becomes quadratic. Synchronous:
   * milliseconds at most.
   * The bytes before `start` do not matter, so a caller may move the rest to the window's front between calls.
   * Throws UsageError when [start, end) is not inside the window.
   */
  nextChunk(start: number, end: number, isLast: boolean): number;
}

/** `native`: the zstd inside Node with contexts that are reused. `portable`: node:zlib's one-shot functions. */
export type CompressorImplementation = 'native' | 'portable';

/**
 * zstd with contexts that are reused. Not shared between threads; each thread makes its own. Frames carry no checksum.
 */
export interface Compressor {
  readonly implementation: CompressorImplementation;
  /**
   * Compresses `input` as one zstd frame into `out` at offset 0 and returns the frame's length, or -1 when the frame
   * does not fit into `out`. `level` is zstd's, 1 to 22. An `out` of `compressBound(input.byteLength)` bytes always is
   * large enough, and is a little faster. `out` must not overlap `input`.
   */
  compressInto(input: Uint8Array, out: Uint8Array, level: number): number;
  /**
   * Decompresses the frame(s) in `input` into `out` and returns the length. Throws RepositoryError `corrupt` when the
   * input is no valid zstd data or holds more than `out` takes. `out` must not overlap `input`.
   */
  decompressInto(input: Uint8Array, out: Uint8Array): number;
  /** compressInto into a new buffer that always is large enough. */
  compress(input: Uint8Array, level: number): Buffer;
  /**
   * Decompresses input whose plain length is not known (restic's frames carry none), up to `limitBytes`; beyond that it
   * throws RepositoryError `corrupt`.
   */
  decompress(input: Uint8Array, limitBytes: number): Buffer;
  /**
   * Frees native memory; the compressor must not be used afterwards. One that is garbage collected frees itself, but
   * one that lives until its worker thread ends is leaked unless it is closed. Idempotent.
   */
  close(): void;
}

/** Length of the longest frame that `inputLength` bytes can make (ZSTD_COMPRESSBOUND of zstd.h). */
export function compressBound(inputLength: number): number {
  const smallInputBytes = 128 * 1024;
  const margin = inputLength < smallInputBytes ? (smallInputBytes - inputLength) >>> 11 : 0;
  return inputLength + Math.floor(inputLength / 256) + margin;
}

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

import { RepositoryError } from '../../base/errors.ts';
import { compressBound } from './compressor.ts';
import type { Compressor } from './compressor.ts';
import { findFrames } from './frames.ts';
import { assertLevel } from './level.ts';

/** Windows up to 128 MiB, the most that the zstd library accepts by default. */
const windowLogMax = 27;

/** The least that node:zlib takes as the size of its output's chunks. */
const minChunkBytes = 64;

/** zstd by node:zlib: each call makes its own context and buffers, but it runs wherever Node does. */
export class PortableCompressor implements Compressor {
  readonly implementation = 'portable';

  compressInto(input: Uint8Array, out: Uint8Array, level: number): number {
    const frame = this.compress(input, level);
    if (frame.byteLength > out.byteLength) return -1;
    out.set(frame);
    return frame.byteLength;
  }

  decompressInto(input: Uint8Array, out: Uint8Array): number {
    let length = 0;
    for (const part of decompressFrames(input, out.byteLength)) {
      out.set(part, length);
      length += part.byteLength;
    }
    return length;
  }

  compress(input: Uint8Array, level: number): Buffer {
    assertLevel(level);
    const options = {
      params: { [constants.ZSTD_c_compressionLevel]: level },
      // Makes the frame tell its content's length. Node documents the option; its type declarations lack it.
      pledgedSrcSize: input.byteLength,
      // Longer than any frame: where a frame ends just at the end of a chunk, Node appends an empty frame to it.
      chunkSize: compressBound(input.byteLength) + minChunkBytes,
    };
    // A copy lets go of the chunk.
    return Buffer.from(zstdCompressSync(input, options));
  }

  decompress(input: Uint8Array, limitBytes: number): Buffer {
    const parts = [...decompressFrames(input, limitBytes)];
    const [first] = parts;
    return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
  }

  close(): void {
    // Nothing is kept between calls.
  }
}

function* decompressFrames(input: Uint8Array, limitBytes: number): Generator<Buffer> {
  let left = limitBytes;
  for (const frame of findFrames(input)) {
    if (frame.skippable) continue;
    const plain = decompressFrame(input.subarray(frame.start, frame.end), left);
    left -= plain.byteLength;
    if (left < 0) throw tooLong();
    yield plain;
  }
}

function decompressFrame(frame: Uint8Array, limitBytes: number): Buffer {
  try {
    // zlib refuses a limit of 0; the caller notices the one byte too much.
    return zstdDecompressSync(frame, {
      maxOutputLength: Math.max(1, limitBytes),
      params: { [constants.ZSTD_d_windowLogMax]: windowLogMax },
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLong();
    throw new RepositoryError('corrupt', 'compressed data cannot be decompressed', { cause: error });
  }
}

function tooLong(): RepositoryError {
  return new RepositoryError('corrupt', 'compressed data holds more than it may');
}

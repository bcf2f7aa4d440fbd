import type { LibraryHandle } from 'koffi';

import { RepositoryError, UsageError } from '../../base/errors.ts';
import { openNodeLibrary } from '../../base/node-library.ts';
import type { NativePointer } from '../../base/node-library.ts';
import { compressBound } from './compressor.ts';
import type { Compressor } from './compressor.ts';
import { findFrames } from './frames.ts';
import { assertLevel } from './level.ts';

/** ZSTD_c_compressionLevel of zstd.h. */
const compressionLevelParameter = 100;
/** ZSTD_error_dstSize_tooSmall of zstd_errors.h. */
const destinationTooSmall = 70;

/**
 * The part of zstd's stable interface that is needed. Lengths come back as size_t, of which the topmost values are
 * error codes; they are declared signed here, so that an error is a small negative number.
 */
interface Zstd {
  readonly createCompression: () => NativePointer | null;
  readonly freeCompression: (context: NativePointer) => number;
  readonly setCompression: (context: NativePointer, parameter: number, value: number) => number;
  readonly compress: (
    context: NativePointer,
    out: Uint8Array,
    outLength: number,
    input: Uint8Array,
    inputLength: number,
  ) => number;
  readonly createDecompression: () => NativePointer | null;
  readonly freeDecompression: (context: NativePointer) => number;
  readonly decompress: Zstd['compress'];
  readonly errorName: (result: number) => string;
}

let zstd: Zstd | undefined;

function bindZstd(library: LibraryHandle): Zstd {
  return {
    createCompression: library.func('void *ZSTD_createCCtx()'),
    freeCompression: library.func('int64_t ZSTD_freeCCtx(void *context)'),
    setCompression: library.func('int64_t ZSTD_CCtx_setParameter(void *context, int parameter, int value)'),
    compress: library.func(
      'int64_t ZSTD_compress2(void *context, void *out, size_t outLength, void *input, size_t inputLength)',
    ),
    createDecompression: library.func('void *ZSTD_createDCtx()'),
    freeDecompression: library.func('int64_t ZSTD_freeDCtx(void *context)'),
    decompress: library.func(
      'int64_t ZSTD_decompressDCtx(void *context, void *out, size_t outLength, void *input, size_t inputLength)',
    ),
    errorName: library.func('const char *ZSTD_getErrorName(int64_t result)'),
  };
}

/** Native memory of one compressor. Held apart from it, so that the finalizer does not keep the compressor alive. */
class Contexts {
  readonly zstd: Zstd;
  #compression: NativePointer | undefined;
  #decompression: NativePointer | undefined;
  #closed = false;

  constructor(functions: Zstd) {
    this.zstd = functions;
  }

  /** Made at its first use: many a process only ever decompresses. */
  get compression(): NativePointer {
    this.#assertOpen();
    this.#compression ??= present(this.zstd.createCompression());
    return this.#compression;
  }

  get decompression(): NativePointer {
    this.#assertOpen();
    this.#decompression ??= present(this.zstd.createDecompression());
    return this.#decompression;
  }

  free(): void {
    this.#closed = true;
    if (this.#compression !== undefined) this.zstd.freeCompression(this.#compression);
    if (this.#decompression !== undefined) this.zstd.freeDecompression(this.#decompression);
    this.#compression = undefined;
    this.#decompression = undefined;
  }

  #assertOpen(): void {
    if (this.#closed) throw new UsageError('the compressor is closed');
  }
}

const abandoned = new FinalizationRegistry<Contexts>((contexts) => {
  contexts.free();
});

/**
 * zstd by the library inside Node. The constructor throws where its symbols are not exported. Decompression writes
 * straight into the output, which is its window too, so a frame that declares a huge window reserves no memory.
 */
export class NativeCompressor implements Compressor {
  readonly implementation = 'native';
  readonly #contexts: Contexts;
  #level: number | undefined;

  constructor() {
    const library = openNodeLibrary();
    if (library === undefined) throw new RepositoryError('unsupported', 'native code cannot be called here');
    zstd ??= bindZstd(library);
    this.#contexts = new Contexts(zstd);
    abandoned.register(this, this.#contexts, this);
  }

  compressInto(input: Uint8Array, out: Uint8Array, level: number): number {
    assertLevel(level);
    const { compression, zstd: functions } = this.#contexts;
    if (this.#level !== level) {
      const status = functions.setCompression(compression, compressionLevelParameter, level);
      if (status < 0) throw this.#failed('unsupported', 'zstd refused its level', status);
      this.#level = level;
    }
    const length = functions.compress(compression, out, out.byteLength, input, input.byteLength);
    if (length >= 0) return length;
    if (length === -destinationTooSmall) return -1;
    throw this.#failed('io', 'zstd failed to compress', length);
  }

  decompressInto(input: Uint8Array, out: Uint8Array): number {
    // No frame at all would decompress to nothing without an error.
    if (input.byteLength === 0) throw new RepositoryError('corrupt', 'compressed data is cut off');
    const { decompression, zstd: functions } = this.#contexts;
    const length = functions.decompress(decompression, out, out.byteLength, input, input.byteLength);
    if (length >= 0) return length;
    if (length === -destinationTooSmall) {
      throw new RepositoryError('corrupt', 'compressed data holds more than it may');
    }
    throw this.#failed('corrupt', 'compressed data cannot be decompressed', length);
  }

  compress(input: Uint8Array, level: number): Buffer {
    const out = Buffer.allocUnsafe(compressBound(input.byteLength));
    const length = this.compressInto(input, out, level);
    return trim(out, length);
  }

  decompress(input: Uint8Array, limitBytes: number): Buffer {
    const bound = findFrames(input).reduce((total, frame) => total + frame.boundBytes, 0);
    const out = Buffer.allocUnsafe(Math.min(bound, limitBytes));
    return trim(out, this.decompressInto(input, out));
  }

  close(): void {
    abandoned.unregister(this);
    this.#contexts.free();
  }

  #failed(code: 'corrupt' | 'io' | 'unsupported', what: string, result: number): RepositoryError {
    return new RepositoryError(code, what, { cause: new Error(this.#contexts.zstd.errorName(result)) });
  }
}

/** A view where little is wasted, else a copy that lets go of the large buffer. */
function trim(buffer: Buffer, length: number): Buffer {
  const view = buffer.subarray(0, length);
  return length * 2 >= buffer.byteLength ? view : Buffer.from(view);
}

function present(pointer: NativePointer | null): NativePointer {
  if (pointer === null) throw new RepositoryError('unsupported', 'zstd could not reserve a context');
  return pointer;
}

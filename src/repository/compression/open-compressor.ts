import { UsageError } from '../../base/errors.ts';
import type { Compressor, CompressorImplementation } from './compressor.ts';
import { NativeCompressor } from './native-compressor.ts';
import { PortableCompressor } from './portable-compressor.ts';

let nativeWorks: boolean | undefined;

export interface CreateCompressorOptions {
  /** Default: `native` where it loads and passes a self-test, else `portable`. Asking for `native` elsewhere throws. */
  readonly implementation?: CompressorImplementation | undefined;
}

/** A compressor for the thread that calls. */
export function createCompressor(options: CreateCompressorOptions = {}): Compressor {
  const { implementation } = options;
  if (implementation === 'portable') return new PortableCompressor();
  nativeWorks ??= passesSelfTest();
  if (nativeWorks) return new NativeCompressor();
  if (implementation === 'native') throw new UsageError("this Node does not export zstd's functions");
  return new PortableCompressor();
}

/** The library must read what it writes, and read a frame of the portable implementation. */
function passesSelfTest(): boolean {
  try {
    const plain = Buffer.from('self-test '.repeat(100));
    const native = new NativeCompressor();
    try {
      const frames = [native.compress(plain, 3), new PortableCompressor().compress(plain, 3)];
      return frames.every((frame) => native.decompress(frame, plain.byteLength).equals(plain));
    } finally {
      native.close();
    }
  } catch {
    return false;
  }
}

import { readFileSync } from 'node:fs';
import { UsageError } from '../../base/errors.ts';
import { chunkSizes } from './chunker.ts';
import { windowAddress } from './memory-layout.ts';

/**
 * The smallest length in [first, last] after which the chunk that starts at `address` may be cut, 0 when there is
 * none: a length passes when the hash of the 64 bytes before it has `bits` zero bits. Guaranteed to depend on those
 * 64 bytes alone.
 * `first` must be at least 64, and [address, address + last) must be inside the memory.
 */
export type FindCut = (address: number, first: number, last: number, bits: number) => number;

/** What chunker.wasm exports (the sources stand in assembly/). */
interface KernelExports {
  readonly findRabinCut: FindCut;
  readonly findGearCut: FindCut;
  /** Digest of the 64 bytes from `address` on; u64 in a signed 64-bit result. */
  readonly rabinDigest: (address: number) => bigint;
  /** Gear hash of the 64 bytes from `address` on; u64 in a signed 64-bit result. */
  readonly gearHash: (address: number) => bigint;
}

/** One instance of the kernels with the memory it works in. */
export interface ChunkerKernels extends KernelExports {
  readonly window: Uint8Array;
  /** Writes a table of 256 u64 where the kernels look for it (memory-layout.ts). */
  setTable(address: number, values: BigUint64Array): void;
}

interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

/** The part of the WebAssembly JavaScript interface used here; Node's type package does not declare it. */
declare const WebAssembly: {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly env: { readonly memory: WasmMemory } },
  ) => { readonly exports: KernelExports };
};

const pageBytes = 65536;
const minimumWindowBytes = 4 * chunkSizes.maximumBytes;
const maximumWindowBytes = 1024 ** 3;

/** Window of a chunker whose caller does not say: 32 MiB. */
export const defaultWindowBytes = minimumWindowBytes;

let compiled: WasmModule | undefined;

/** Compiles once a thread; the file stands beside this one, in the sources as in the build. */
function kernelModule(): WasmModule {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('./chunker.wasm', import.meta.url)));
  return compiled;
}

/**
 * Makes an instance whose memory can never grow, so that `window` is never detached.
 * Throws UsageError unless `windowBytes` is between 32 MiB and 1 GiB.
 */
export function createChunkerKernels(windowBytes: number = defaultWindowBytes): ChunkerKernels {
  if (
    !Number.isInteger(windowBytes) ||
    windowBytes < minimumWindowBytes ||
    windowBytes > maximumWindowBytes
  ) {
    throw new UsageError(`a chunker's window cannot have ${windowBytes} bytes`, {
      advice: `choose between ${minimumWindowBytes} and ${maximumWindowBytes}`,
    });
  }
  const pages = Math.ceil((windowAddress + windowBytes) / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(kernelModule(), { env: { memory } });
  const view = new DataView(memory.buffer);
  return {
    findRabinCut: exports.findRabinCut,
    findGearCut: exports.findGearCut,
    rabinDigest: exports.rabinDigest,
    gearHash: exports.gearHash,
    window: new Uint8Array(memory.buffer, windowAddress, windowBytes),
    setTable(address, values) {
      values.forEach((value, i) => view.setBigUint64(address + 8 * i, value, true));
    },
  };
}

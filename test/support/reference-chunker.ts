/**
 * Both chunkers once more, in plain TypeScript and as their definitions read: whole files, one byte after the other,
 * a state that runs through the chunk from its first byte. They share no code and no table with the kernels.
 */
const minimumBytes = 512 * 1024;
const maximumBytes = 8 * 1024 * 1024;
const windowBytes = 64;

/** Tells, byte by byte, whether a chunk of `length` bytes (this byte the last) may be cut. */
type Scanner = (byte: number, length: number) => boolean;

function cutLengths(data: Uint8Array, startChunk: () => Scanner): number[] {
  const lengths: number[] = [];
  let scan = startChunk();
  let length = 0;
  for (const byte of data) {
    length++;
    const passes = scan(byte, length);
    if ((length >= minimumBytes && passes) || length === maximumBytes) {
      lengths.push(length);
      length = 0;
      scan = startChunk();
    }
  }
  if (length > 0) lengths.push(length);
  return lengths;
}

/** Remainder of the bytes, read as one polynomial over GF(2) with the first bit the highest, by long division. */
export function referenceRabinDigest(bytes: Uint8Array, polynomial: bigint): bigint {
  const top = 1n << BigInt(polynomial.toString(2).length - 1);
  let rest = 0n;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      rest = (rest << 1n) | BigInt((byte >> bit) & 1);
      if ((rest & top) !== 0n) rest ^= polynomial;
    }
  }
  return rest;
}

/** A table of 53-bit digests in two halves, since numbers shift 32 bits only. */
class SplitTable {
  readonly high: Uint32Array;
  readonly low: Uint32Array;

  constructor(values: readonly bigint[]) {
    this.high = Uint32Array.from(values, (value) => Number(value >> 32n));
    this.low = Uint32Array.from(values, (value) => Number(value & 0xffffffffn));
  }
}

function rabinTable(polynomial: bigint, bytesOf: (byte: number) => Uint8Array): SplitTable {
  return new SplitTable(
    Array.from({ length: 256 }, (_, byte) => referenceRabinDigest(bytesOf(byte), polynomial)),
  );
}

/** Chunk lengths by restic's chunker with a polynomial of degree 53. */
export function referenceRabinLengths(data: Uint8Array, polynomial: bigint): number[] {
  const out = rabinTable(polynomial, (byte) => Uint8Array.of(byte, ...new Uint8Array(windowBytes)));
  // The 8 bits that overflow after a shift, as bits 53 to 60 of a polynomial.
  const overflow = new SplitTable(
    Array.from({ length: 256 }, (_, bits) => {
      const eightBytes = Buffer.alloc(8);
      eightBytes.writeBigUInt64BE(BigInt(bits) << 53n);
      return referenceRabinDigest(eightBytes, polynomial);
    }),
  );
  return cutLengths(data, () => {
    const window = new Uint8Array(windowBytes);
    let high = 0;
    let low = 0;
    return (byte, length) => {
      const slot = length % windowBytes;
      const leaving = window[slot] ?? 0;
      window[slot] = byte;
      const bits = high >>> 13;
      high = ((high << 8) | (low >>> 24)) & 0x1fffff;
      low = (low << 8) | byte;
      high ^= (overflow.high[bits] ?? 0) ^ (out.high[leaving] ?? 0);
      low ^= (overflow.low[bits] ?? 0) ^ (out.low[leaving] ?? 0);
      return (low & 0xfffff) === 0;
    };
  });
}

/** Chunk lengths by the gear hash: 22 zero bits at the high end below 1408 KiB, 18 from there on. */
export function referenceFastcdcLengths(data: Uint8Array, gear: BigUint64Array): number[] {
  const table = new SplitTable([...gear]);
  return cutLengths(data, () => {
    let high = 0;
    let low = 0;
    return (byte, length) => {
      const gearLow = table.low[byte] ?? 0;
      high = (high << 1) | (low >>> 31);
      low = ((low << 1) + gearLow) | 0;
      const carry = low >>> 0 < gearLow ? 1 : 0;
      high = (high + (table.high[byte] ?? 0) + carry) | 0;
      return high >>> (length < 1408 * 1024 ? 32 - 22 : 32 - 18) === 0;
    };
  });
}

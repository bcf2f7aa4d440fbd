import { randomBytes } from 'node:crypto';
import { RepositoryError } from '../base/errors.ts';
import { envelopeOverheadBytes } from './crypto/cipher.ts';
import type { BlobType } from './format/blob.ts';

/** The memory of a {@link BlobIndex}; can be posted to another thread, which attaches to it. */
export interface SharedBlobIndex {
  readonly counters: SharedArrayBuffer;
  readonly rows: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  readonly firstSegmentSlots: number;
  /** Random: whoever chooses ids, as a hostile index file may, cannot choose where they collide. */
  readonly hashSeed: number;
}

/** Where a blob stands: `packNumber` counts the packs of this index, see PackNumbers. */
export interface BlobLocation {
  readonly packNumber: number;
  readonly offset: number;
  /** Length of the sealed blob in the pack. */
  readonly length: number;
  /** Plaintext length of a compressed blob; 0 for a blob that is stored raw. */
  readonly uncompressedLength: number;
}

/** A raw blob's plaintext is as long as its envelope without IV and MAC. */
export function plaintextBytes(blob: Pick<BlobLocation, 'length' | 'uncompressedLength'>): number {
  return blob.uncompressedLength > 0 ? blob.uncompressedLength : blob.length - envelopeOverheadBytes;
}

/** 8 words of id, then pack and type, offset, length, uncompressed length: 48 bytes a blob. */
const wordsPerRow = 12;
const idWords = 8;
const bytesPerRow = wordsPerRow * 4;
const packWord = 8;
const offsetWord = 9;
const lengthWord = 10;
const uncompressedLengthWord = 11;

const treeBit = 0x8000_0000;
const packMask = 0x7fff_ffff;
/** The pack number of a blob that some thread has claimed and not yet stored. */
const pendingPack = packMask;

const rowCounter = 0;
const segmentCounter = 1;

/** 2^32 divided by the golden ratio: Knuth's multiplicative hash. */
const hashMultiplier = 0x9e3779b1;

const maximumRows = 2 ** 27;
const minimumSegmentSlots = 2 ** 14;
/** A segment takes new entries until it is this full; beyond, probe sequences grow fast. */
const maximumLoad = 0.6;

/**
 * The set of all blobs of a repository with their places, in shared memory: every thread looks up and claims without a
 * message or a lock. Rows are appended; a hash table of row numbers, in segments of doubling size, points at them by
 * compare-and-exchange, so that of several threads that find the same new blob at once exactly one claims it. (While a
 * segment is being added two may; the blob is then stored twice, which the format allows.)
 */
export class BlobIndex {
  readonly #memory: SharedBlobIndex;
  readonly #counters: Int32Array;
  #rows: Uint32Array;
  #slots: Int32Array;
  readonly #scratch = new Uint32Array(idWords);
  readonly #scratchBytes = Buffer.from(this.#scratch.buffer);

  private constructor(memory: SharedBlobIndex) {
    this.#memory = memory;
    this.#counters = new Int32Array(memory.counters);
    this.#rows = viewOfRows(memory);
    this.#slots = viewOfSlots(memory);
  }

  /** An empty index with room for `expectedBlobs` before its table grows (it grows without limit up to 134 million). */
  static create(expectedBlobs = 0): BlobIndex {
    const firstSegmentSlots = powerOfTwoAtLeast(Math.max(minimumSegmentSlots, expectedBlobs / maximumLoad));
    const memory: SharedBlobIndex = {
      counters: new SharedArrayBuffer(8),
      rows: new SharedArrayBuffer(Math.max(1024, Math.ceil(expectedBlobs)) * bytesPerRow, {
        maxByteLength: maximumRows * bytesPerRow,
      }),
      slots: new SharedArrayBuffer(firstSegmentSlots * 4, {
        maxByteLength: Math.max(firstSegmentSlots, maximumRows) * 4 * 4,
      }),
      firstSegmentSlots,
      hashSeed: randomBytes(4).readInt32LE(),
    };
    const index = new BlobIndex(memory);
    index.#counters[segmentCounter] = 1;
    return index;
  }

  static attach(memory: SharedBlobIndex): BlobIndex {
    return new BlobIndex(memory);
  }

  get memory(): SharedBlobIndex {
    return this.#memory;
  }

  /** Rows in use, pending ones included. */
  get size(): number {
    return Atomics.load(this.#counters, rowCounter);
  }

  /** True when the blob is stored or some thread has claimed it. */
  has(type: BlobType, id: string | Uint8Array): boolean {
    this.#readId(id);
    return this.#find(type === 'tree' ? treeBit : 0) >= 0;
  }

  /** True when the blob was unknown; the caller then must store it, or fail the whole run. */
  claim(type: BlobType, id: string | Uint8Array): boolean {
    this.#readId(id);
    const typeBit = type === 'tree' ? treeBit : 0;
    if (this.#find(typeBit) >= 0) return false;
    return this.#insert(typeBit).isNew;
  }

  /**
   * Records where a blob stands. A blob that already has a place keeps its first one. Returns true when it had none.
   */
  setLocation(type: BlobType, id: string | Uint8Array, location: BlobLocation): boolean {
    this.#readId(id);
    const typeBit = type === 'tree' ? treeBit : 0;
    let row = this.#find(typeBit);
    if (row < 0) row = this.#insert(typeBit).row;
    const base = row * wordsPerRow;
    if ((this.#word(base + packWord) & packMask) !== pendingPack) return false;
    this.#rows[base + offsetWord] = location.offset;
    this.#rows[base + lengthWord] = location.length;
    this.#rows[base + uncompressedLengthWord] = location.uncompressedLength;
    this.#rows[base + packWord] = (typeBit | location.packNumber) >>> 0;
    return true;
  }

  /** Undefined when the blob is unknown or not stored yet. */
  locate(type: BlobType, id: string | Uint8Array): BlobLocation | undefined {
    const row = this.rowOf(type, id);
    return row < 0 ? undefined : this.locationAt(row);
  }

  /** A number that stays the blob's own as long as the index lives, or -1. */
  rowOf(type: BlobType, id: string | Uint8Array): number {
    this.#readId(id);
    return this.#find(type === 'tree' ? treeBit : 0);
  }

  locationAt(row: number): BlobLocation | undefined {
    const base = row * wordsPerRow;
    const packNumber = this.#word(base + packWord) & packMask;
    if (packNumber === pendingPack) return undefined;
    return {
      packNumber,
      offset: this.#word(base + offsetWord),
      length: this.#word(base + lengthWord),
      uncompressedLength: this.#word(base + uncompressedLengthWord),
    };
  }

  /** Length of the blob's plaintext; 0 when it has no place. */
  plaintextBytesAt(row: number): number {
    const location = this.locationAt(row);
    return location === undefined ? 0 : plaintextBytes(location);
  }

  typeAt(row: number): BlobType {
    return this.#word(row * wordsPerRow + packWord) >= treeBit ? 'tree' : 'data';
  }

  /** The id of a row, in bytes that are the caller's. */
  idAt(row: number): Buffer {
    const words = this.#rowsFor(row).slice(row * wordsPerRow, row * wordsPerRow + idWords);
    return Buffer.from(words.buffer, words.byteOffset, idWords * 4);
  }

  /** Of the id that was read last. */
  #hash(): number {
    let hash = this.#memory.hashSeed;
    for (let i = 0; i < idWords; i++) {
      hash = Math.imul(hash ^ (this.#scratch[i] ?? 0), hashMultiplier);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  #readId(id: string | Uint8Array): void {
    if (typeof id === 'string') {
      if (id.length !== 64 || this.#scratchBytes.write(id, 'hex') !== 32) throw notAnId(id);
    } else {
      if (id.length !== 32) throw notAnId(String(id.length));
      this.#scratchBytes.set(id);
    }
  }

  #word(position: number): number {
    const value = this.#rows[position];
    if (value !== undefined) return value;
    return this.#rowsFor(Math.floor(position / wordsPerRow))[position] ?? 0;
  }

  #rowsFor(row: number): Uint32Array {
    if ((row + 1) * wordsPerRow > this.#rows.length) this.#rows = viewOfRows(this.#memory);
    return this.#rows;
  }

  #slotsFor(end: number): Int32Array {
    if (end > this.#slots.length) this.#slots = viewOfSlots(this.#memory);
    return this.#slots;
  }

  #matches(row: number, typeBit: number): boolean {
    const rows = this.#rowsFor(row);
    const base = row * wordsPerRow;
    const scratch = this.#scratch;
    for (let i = 0; i < idWords; i++) if (rows[base + i] !== scratch[i]) return false;
    return ((rows[base + packWord] ?? 0) & treeBit) >>> 0 === typeBit;
  }

  #find(typeBit: number): number {
    const segments = Atomics.load(this.#counters, segmentCounter);
    for (let segment = 0; segment < segments; segment++) {
      const row = this.#findInSegment(segment, typeBit);
      if (row >= 0) return row;
    }
    return -1;
  }

  #findInSegment(segment: number, typeBit: number): number {
    const { base, size } = this.#segment(segment);
    const slots = this.#slotsFor(base + size);
    let position = this.#hash() & (size - 1);
    for (;;) {
      const stored = Atomics.load(slots, base + position);
      if (stored === 0) return -1;
      if (this.#matches(stored - 1, typeBit)) return stored - 1;
      position = (position + 1) & (size - 1);
    }
  }

  #segment(segment: number): { base: number; size: number } {
    const size = this.#memory.firstSegmentSlots * 2 ** segment;
    return { base: this.#memory.firstSegmentSlots * (2 ** segment - 1), size };
  }

  #insert(typeBit: number): { row: number; isNew: boolean } {
    const row = this.#appendRow(typeBit);
    const segment = this.#segmentForInsert(row);
    const { base, size } = this.#segment(segment);
    const slots = this.#slotsFor(base + size);
    let position = this.#hash() & (size - 1);
    for (;;) {
      const stored = Atomics.compareExchange(slots, base + position, 0, row + 1);
      if (stored === 0) return { row, isNew: true };
      // Another thread was first; the row just appended stays unused, which costs 48 bytes and nothing else.
      if (this.#matches(stored - 1, typeBit)) return { row: stored - 1, isNew: false };
      position = (position + 1) & (size - 1);
    }
  }

  #appendRow(typeBit: number): number {
    const row = Atomics.add(this.#counters, rowCounter, 1);
    if (row >= maximumRows) {
      throw new RepositoryError('unsupported', `the repository holds more than ${maximumRows} blobs`);
    }
    growShared(this.#memory.rows, (row + 1) * bytesPerRow, maximumRows * bytesPerRow);
    const rows = this.#rowsFor(row);
    const base = row * wordsPerRow;
    rows.set(this.#scratch, base);
    rows[base + packWord] = (typeBit | pendingPack) >>> 0;
    return row;
  }

  /** The newest segment, after a further one was added when that one is full. */
  #segmentForInsert(rowCount: number): number {
    const segments = Atomics.load(this.#counters, segmentCounter);
    const capacity = this.#memory.firstSegmentSlots * (2 ** segments - 1);
    if (rowCount < capacity * maximumLoad) return segments - 1;
    const { base, size } = this.#segment(segments);
    growShared(this.#memory.slots, (base + size) * 4, this.#memory.slots.maxByteLength);
    Atomics.compareExchange(this.#counters, segmentCounter, segments, segments + 1);
    return segments;
  }
}

/** Views of a fixed length, renewed after growth: views that track the length are several times slower to read. */
function viewOfRows(memory: SharedBlobIndex): Uint32Array {
  return new Uint32Array(memory.rows, 0, Math.floor(memory.rows.byteLength / 4));
}

function viewOfSlots(memory: SharedBlobIndex): Int32Array {
  return new Int32Array(memory.slots, 0, Math.floor(memory.slots.byteLength / 4));
}

/** Grows to at least `neededBytes`, by half at least so that growth stays rare; several threads may call it at once. */
function growShared(buffer: SharedArrayBuffer, neededBytes: number, limitBytes: number): void {
  while (buffer.byteLength < neededBytes) {
    const target = Math.min(limitBytes, Math.max(neededBytes, Math.ceil(buffer.byteLength / 8) * 12));
    try {
      buffer.grow(target);
    } catch (error) {
      // Another thread grew it further in between; only a buffer that is still too small is a failure.
      if (buffer.byteLength < neededBytes) throw error;
    }
  }
}

function powerOfTwoAtLeast(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

function notAnId(id: string): RepositoryError {
  return new RepositoryError('corrupt', 'not a blob id', { where: id.slice(0, 80) });
}

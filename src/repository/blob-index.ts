import { RepositoryError } from '../base/errors.ts';
import { BlobPlaces } from './blob-places.ts';
import type { BlobLocation, SharedBlobPlaces } from './blob-places.ts';
import { envelopeOverheadBytes } from './crypto/cipher.ts';
import type { BlobType } from './format/blob.ts';
import { growShared } from './grow-shared.ts';
import { IdHash, createHashWords, idBytes, idWords } from './id-hash.ts';

export type { BlobLocation } from './blob-places.ts';

/** The memory of a {@link BlobIndex}; can be posted to another thread, which attaches to it. */
export interface SharedBlobIndex {
  readonly counters: SharedArrayBuffer;
  readonly ids: SharedArrayBuffer;
  readonly places: SharedBlobPlaces;
  readonly slots: SharedArrayBuffer;
  readonly firstSegmentSlots: number;
  readonly hashWords: SharedArrayBuffer;
}

/** A raw blob's plaintext is as long as its envelope without IV and MAC. */
export function plaintextBytes(blob: Pick<BlobLocation, 'length' | 'uncompressedLength'>): number {
  return blob.uncompressedLength > 0 ? blob.uncompressedLength : blob.length - envelopeOverheadBytes;
}

const rowCounter = 0;
const segmentCounter = 1;

const maximumRows = 2 ** 27;
const minimumRows = 1024;
const minimumSegmentSlots = 2 ** 16;
/**
 * How full the table is with as many blobs as were expected, and how full it may get before it grows. A row of 42
 * bytes and its slot of 4 are to take 48 at most. A blob that is not there is then looked for in 13 slots, or 50: in
 * one to four cache lines, of which a mark in the slot lets nearly all be passed by without a look at their row.
 */
const expectedLoad = 0.8;
const maximumLoad = 0.9;

/** A part of the table. Its slots hold a row number and one in `rowBits` bits, and above them a mark; 0 is empty. */
interface Segment {
  readonly base: number;
  readonly slots: number;
  /** What a hash of 32 bits is multiplied with to get a position. */
  readonly scale: number;
  readonly rowBits: number;
  readonly rowMask: number;
  /** Rows from this number on belong into a further segment. */
  readonly rowLimit: number;
}

/**
 * The set of all blobs of a repository with their places, in shared memory: every thread looks up and claims without a
 * message or a lock. Rows are appended; a hash table of row numbers, in segments that double it, points at them by
 * compare-and-exchange, so that of several threads that find the same new blob at once exactly one claims it. (While a
 * segment is being added two may; the blob is then stored twice, which the format allows.)
 *
 * Looking up reads without Atomics, each of which is a call of 17 ns: a row is written before a compare-and-exchange
 * puts its number into a slot, and a read through a number that was just read comes after it on every processor.
 */
export class BlobIndex {
  /** Rows it may have at most. */
  static readonly maximumRows = maximumRows;
  readonly #memory: SharedBlobIndex;
  readonly #counters: Int32Array;
  readonly #places: BlobPlaces;
  readonly #hash: IdHash;
  readonly #words: Int32Array;
  readonly #segments: Segment[] = [];
  #ids: Int32Array;
  #slots: Int32Array;

  private constructor(memory: SharedBlobIndex) {
    this.#memory = memory;
    this.#counters = new Int32Array(memory.counters);
    this.#places = BlobPlaces.attach(memory.places);
    this.#hash = new IdHash(memory.hashWords);
    this.#words = this.#hash.words;
    this.#ids = viewOfIds(memory);
    this.#slots = viewOfSlots(memory);
  }

  /** An empty index with room for `expectedBlobs` before its table grows (it grows without limit up to 134 million). */
  static create(expectedBlobs = 0): BlobIndex {
    const rows = Math.min(maximumRows, Math.max(minimumRows, Math.ceil(expectedBlobs)));
    const firstSegmentSlots = Math.max(minimumSegmentSlots, Math.ceil(rows / expectedLoad));
    let maximumSlots = firstSegmentSlots;
    while (maximumSlots * maximumLoad < maximumRows) maximumSlots *= 2;
    const memory: SharedBlobIndex = {
      counters: new SharedArrayBuffer(8),
      ids: new SharedArrayBuffer(rows * idBytes, { maxByteLength: maximumRows * idBytes }),
      places: BlobPlaces.create(rows, maximumRows).memory,
      slots: new SharedArrayBuffer(firstSegmentSlots * 4, { maxByteLength: maximumSlots * 4 }),
      firstSegmentSlots,
      hashWords: createHashWords(),
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
    return this.rowOf(type, id) >= 0;
  }

  /** True when the blob was unknown; the caller then must store it, or fail the whole run. */
  claim(type: BlobType, id: string | Uint8Array): boolean {
    return this.#findOrAdd(this.#hash.read(id), type === 'tree' ? 1 : 0) < 0;
  }

  /**
   * Records where a blob stands. A blob that already has a place keeps its first one. Returns true when it had none.
   * One thread at a time may do so.
   */
  setLocation(type: BlobType, id: string | Uint8Array, location: BlobLocation): boolean {
    return this.#setLocation(this.#hash.read(id), type, location);
  }

  /** {@link setLocation} for the id whose 32 bytes begin at `start`. */
  setLocationOfBytesAt(type: BlobType, bytes: Uint8Array, start: number, location: BlobLocation): boolean {
    return this.#setLocation(this.#hash.readAt(bytes, start), type, location);
  }

  /** Undefined when the blob is unknown or not stored yet. */
  locate(type: BlobType, id: string | Uint8Array): BlobLocation | undefined {
    const row = this.rowOf(type, id);
    return row < 0 ? undefined : this.#places.at(row);
  }

  /** A number that stays the blob's own as long as the index lives, or -1. */
  rowOf(type: BlobType, id: string | Uint8Array): number {
    return this.#find(this.#hash.read(id), type === 'tree' ? 1 : 0);
  }

  /** {@link rowOf} for the id whose 32 bytes begin at `start`. */
  rowOfBytesAt(type: BlobType, bytes: Uint8Array, start: number): number {
    return this.#find(this.#hash.readAt(bytes, start), type === 'tree' ? 1 : 0);
  }

  locationAt(row: number): BlobLocation | undefined {
    return this.#places.at(row);
  }

  /** Length of the blob's plaintext; 0 when it has no place. */
  plaintextBytesAt(row: number): number {
    const location = this.#places.at(row);
    return location === undefined ? 0 : plaintextBytes(location);
  }

  typeAt(row: number): BlobType {
    return this.#places.typeAt(row);
  }

  /** The id of a row, in bytes that are the caller's. */
  idAt(row: number): Buffer {
    const ids = this.#idsFor(row);
    const id = Buffer.allocUnsafe(idBytes);
    for (let i = 0; i < idWords; i++) id.writeInt32LE(ids[row * idWords + i] ?? 0, i * 4);
    return id;
  }

  #setLocation(hash: number, type: BlobType, location: BlobLocation): boolean {
    const found = this.#findOrAdd(hash, type === 'tree' ? 1 : 0);
    const row = found < 0 ? ~found : found;
    if (found >= 0 && this.#places.has(row)) return false;
    this.#places.set(row, location);
    return true;
  }

  /** The row of the id that was read last, or -1. `tree` is 1 for a tree, 0 for data. */
  #find(hash: number, tree: number): number {
    const segments = this.#counters[segmentCounter] ?? 0;
    for (let number = 0; number < segments; number++) {
      const row = this.#probe(this.#segment(number), hash, tree);
      if (row >= 0) return row;
    }
    return -1;
  }

  /** The row of the id that was read last, or the complement of the row that it was given just now. */
  #findOrAdd(hash: number, tree: number): number {
    let added = -1;
    for (;;) {
      const segments = this.#counters[segmentCounter] ?? 0;
      let found = -1;
      for (let number = 0; number < segments; number++) {
        found = this.#probe(this.#segment(number), hash, tree);
        // If another thread was first, the row just appended stays unused, which costs 42 bytes and nothing else.
        if (found >= 0) return found;
      }
      if (added < 0) added = this.#appendRow(tree === 1);
      const { base, rowBits, rowLimit } = this.#segment(segments - 1);
      if (added >= rowLimit) {
        this.#addSegment(segments);
      } else {
        const slot = markOf(hash, tree, rowBits) | (added + 1);
        // A slot that another thread has just filled may hold this very blob: then all is looked at again.
        if (Atomics.compareExchange(this.#slots, base + ~found, 0, slot) === 0) return ~added;
      }
    }
  }

  /** The row of the id that was read last, or the complement of the empty position where it is not. */
  #probe(segment: Segment, hash: number, tree: number): number {
    const { base, slots: size, rowBits, rowMask } = segment;
    const slots = this.#slotsFor(base + size);
    const mark = markOf(hash, tree, rowBits);
    let position = ((hash >>> 0) * segment.scale) >>> 0;
    for (;;) {
      const slot = slots[base + position] ?? 0;
      if (slot === 0) return ~position;
      if ((slot ^ mark) >>> rowBits === 0) {
        const row = (slot & rowMask) - 1;
        if (this.#isId(row)) return row;
      }
      if (++position === size) position = 0;
    }
  }

  #isId(row: number): boolean {
    const ids = this.#idsFor(row);
    const words = this.#words;
    const base = row * idWords;
    return (
      ids[base] === words[0] &&
      ids[base + 1] === words[1] &&
      ids[base + 2] === words[2] &&
      ids[base + 3] === words[3] &&
      ids[base + 4] === words[4] &&
      ids[base + 5] === words[5] &&
      ids[base + 6] === words[6] &&
      ids[base + 7] === words[7]
    );
  }

  #segment(number: number): Segment {
    return (this.#segments[number] ??= segmentOf(this.#memory.firstSegmentSlots, number));
  }

  #addSegment(number: number): void {
    const { base, slots } = this.#segment(number);
    growShared(this.#memory.slots, (base + slots) * 4);
    Atomics.compareExchange(this.#counters, segmentCounter, number, number + 1);
  }

  #appendRow(isTree: boolean): number {
    const row = Atomics.add(this.#counters, rowCounter, 1);
    if (row >= maximumRows) {
      throw new RepositoryError('unsupported', `the repository holds more than ${maximumRows} blobs`);
    }
    if ((row + 1) * idWords > this.#ids.length) growShared(this.#memory.ids, (row + 1) * idBytes);
    const ids = this.#idsFor(row);
    const words = this.#words;
    for (let i = 0; i < idWords; i++) ids[row * idWords + i] = words[i] ?? 0;
    this.#places.begin(row, isTree);
    return row;
  }

  #idsFor(row: number): Int32Array {
    if ((row + 1) * idWords > this.#ids.length) this.#ids = viewOfIds(this.#memory);
    return this.#ids;
  }

  #slotsFor(end: number): Int32Array {
    if (end > this.#slots.length) this.#slots = viewOfSlots(this.#memory);
    return this.#slots;
  }
}

/** The same in all threads: the second segment is as large as the first, each further one as all before it. */
function segmentOf(firstSegmentSlots: number, number: number): Segment {
  const total = firstSegmentSlots * 2 ** number;
  const slots = number === 0 ? total : total / 2;
  const rowLimit = Math.min(maximumRows, Math.floor(total * maximumLoad));
  // A row number is below the limit, and the number and one at most as large.
  const rowBits = 32 - Math.clz32(rowLimit);
  const rowMask = 2 ** rowBits - 1;
  return { base: total - slots, slots, scale: slots / 2 ** 32, rowBits, rowMask, rowLimit };
}

/**
 * What a slot holds besides its row: the type, so that it need not be looked up, and as many low bits of the hash as
 * there is room for (7 with 10 million blobs). The position comes from its high bits.
 */
function markOf(hash: number, tree: number, rowBits: number): number {
  return ((hash << 1) | tree) << rowBits;
}

/** Views of a fixed length, renewed after growth: views that track the length are several times slower to read. */
function viewOfIds(memory: SharedBlobIndex): Int32Array {
  return new Int32Array(memory.ids, 0, Math.floor(memory.ids.byteLength / 4));
}

function viewOfSlots(memory: SharedBlobIndex): Int32Array {
  return new Int32Array(memory.slots, 0, Math.floor(memory.slots.byteLength / 4));
}

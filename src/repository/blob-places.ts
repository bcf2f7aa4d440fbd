import type { BlobType } from './format/blob.ts';
import { growShared } from './grow-shared.ts';

/** Where a blob stands: `packNumber` counts the packs of an index, see PackTable. */
export interface BlobLocation {
  readonly packNumber: number;
  readonly offset: number;
  /** Length of the sealed blob in the pack. */
  readonly length: number;
  /** Plaintext length of a compressed blob; 0 for a blob that is stored raw. */
  readonly uncompressedLength: number;
}

/** The memory of {@link BlobPlaces}. */
export interface SharedBlobPlaces {
  readonly rows: SharedArrayBuffer;
  readonly packs: SharedArrayBuffer;
  readonly far: SharedArrayBuffer;
  /** Far places in use. */
  readonly farCounter: SharedArrayBuffer;
}

/**
 * A row's place in 80 bits, as 5 half words: 27 bits of offset and 5 of pack number, 23 bits of length and of
 * uncompressed length, type, and whether there is a place. The pack number counts from the one that the row's group of
 * 16 rows has, in a list of its own: packs come one after the other, and so do the rows of their blobs. With 4 bytes
 * for every number a row would take 48 bytes and not 42, and its slot in the table comes on top.
 */
const halvesPerRow = 5;
const offsetBits = 27;
const packStepBits = 5;
const lengthBits = 23;
const rowsPerGroupBits = 4;

const placedBit = 0x8000;
const treeBit = 0x4000;

/**
 * What does not fit (a pack beyond 128 MiB, a blob from 8 MiB on, a pack number far from its group's) stands in a list
 * of far places, all four numbers in full; the row then has length 0, and as its offset the number in that list.
 */
const wordsPerFarPlace = 4;

/** The types and places of rows, in shared memory. A place once set never changes; one thread at a time sets them. */
export class BlobPlaces {
  readonly memory: SharedBlobPlaces;
  readonly #farCounter: Int32Array;
  #halves: Uint16Array;
  #packs: Uint32Array;
  #far: Uint32Array;

  private constructor(memory: SharedBlobPlaces) {
    this.memory = memory;
    this.#farCounter = new Int32Array(memory.farCounter);
    this.#halves = viewOfRows(memory);
    this.#packs = viewOfWords(memory.packs);
    this.#far = viewOfWords(memory.far);
  }

  static create(rows: number, maximumRows: number): BlobPlaces {
    return new BlobPlaces({
      rows: new SharedArrayBuffer(rows * halvesPerRow * 2, { maxByteLength: maximumRows * halvesPerRow * 2 }),
      packs: new SharedArrayBuffer(groupOf(rows) * 4 + 4, { maxByteLength: groupOf(maximumRows) * 4 + 4 }),
      far: new SharedArrayBuffer(0, { maxByteLength: maximumRows * wordsPerFarPlace * 4 }),
      farCounter: new SharedArrayBuffer(4),
    });
  }

  static attach(memory: SharedBlobPlaces): BlobPlaces {
    return new BlobPlaces(memory);
  }

  /** Makes room for a row and gives it its type. */
  begin(row: number, isTree: boolean): void {
    if ((row + 1) * halvesPerRow > this.#halves.length) {
      growShared(this.memory.rows, (row + 1) * halvesPerRow * 2);
    }
    this.#halvesFor(row)[row * halvesPerRow + 4] = isTree ? treeBit : 0;
  }

  typeAt(row: number): BlobType {
    return (this.#lastHalf(row) & treeBit) === 0 ? 'data' : 'tree';
  }

  has(row: number): boolean {
    return (this.#lastHalf(row) & placedBit) !== 0;
  }

  set(row: number, { packNumber, offset, length, uncompressedLength }: BlobLocation): void {
    const step = this.#stepOf(row, packNumber);
    const isNear =
      step >>> packStepBits === 0 &&
      offset >>> offsetBits === 0 &&
      length >>> lengthBits === 0 &&
      uncompressedLength >>> lengthBits === 0 &&
      length > 0;
    if (isNear) this.#write(row, step, offset, length, uncompressedLength);
    else this.#write(row, 0, this.#addFar(packNumber, offset, length, uncompressedLength), 0, 0);
  }

  /** While places are being set only the thread that sets them may ask: the others look ids up, and claim. */
  at(row: number): BlobLocation | undefined {
    const halves = this.#halvesFor(row);
    const base = row * halvesPerRow;
    const last = halves[base + 4] ?? 0;
    if ((last & placedBit) === 0) return undefined;
    const high = halves[base + 1] ?? 0;
    const offset = (halves[base] ?? 0) | ((high << 16) & (2 ** offsetBits - 1));
    const length = (halves[base + 2] ?? 0) | ((last & 0x7f) << 16);
    if (length === 0) return this.#farAt(offset);
    return {
      packNumber: this.#packOfGroup(groupOf(row)) + (high >>> (offsetBits - 16)),
      offset,
      length,
      uncompressedLength: (halves[base + 3] ?? 0) | (((last >>> 7) & 0x7f) << 16),
    };
  }

  /** How far the pack is from the one of the row's group, which it becomes when the group has none. */
  #stepOf(row: number, packNumber: number): number {
    const group = groupOf(row);
    if (group >= this.#packs.length) growShared(this.memory.packs, group * 4 + 4);
    const known = this.#packOfGroup(group);
    if (known >= 0) return packNumber - known;
    const previous = Atomics.compareExchange(this.#packs, group, 0, packNumber + 1);
    return previous === 0 ? 0 : packNumber - (previous - 1);
  }

  #packOfGroup(group: number): number {
    if (group >= this.#packs.length) this.#packs = viewOfWords(this.memory.packs);
    return (this.#packs[group] ?? 0) - 1;
  }

  #write(row: number, step: number, offset: number, length: number, uncompressedLength: number): void {
    const halves = this.#halvesFor(row);
    const base = row * halvesPerRow;
    halves[base] = offset;
    halves[base + 1] = (offset >>> 16) | (step << (offsetBits - 16));
    halves[base + 2] = length;
    halves[base + 3] = uncompressedLength;
    const type = (halves[base + 4] ?? 0) & treeBit;
    // Last: it says that the rest is there.
    Atomics.store(halves, base + 4, placedBit | type | ((uncompressedLength >>> 16) << 7) | (length >>> 16));
  }

  #addFar(packNumber: number, offset: number, length: number, uncompressedLength: number): number {
    const place = Atomics.add(this.#farCounter, 0, 1);
    const base = place * wordsPerFarPlace;
    growShared(this.memory.far, (base + wordsPerFarPlace) * 4);
    const far = this.#farFor(place);
    far[base] = packNumber;
    far[base + 1] = offset;
    far[base + 2] = length;
    far[base + 3] = uncompressedLength;
    return place;
  }

  #farAt(place: number): BlobLocation {
    const far = this.#farFor(place);
    const base = place * wordsPerFarPlace;
    return {
      packNumber: far[base] ?? 0,
      offset: far[base + 1] ?? 0,
      length: far[base + 2] ?? 0,
      uncompressedLength: far[base + 3] ?? 0,
    };
  }

  #lastHalf(row: number): number {
    return this.#halvesFor(row)[row * halvesPerRow + 4] ?? 0;
  }

  #halvesFor(row: number): Uint16Array {
    if ((row + 1) * halvesPerRow > this.#halves.length) this.#halves = viewOfRows(this.memory);
    return this.#halves;
  }

  #farFor(place: number): Uint32Array {
    if ((place + 1) * wordsPerFarPlace > this.#far.length) this.#far = viewOfWords(this.memory.far);
    return this.#far;
  }
}

function groupOf(row: number): number {
  return row >>> rowsPerGroupBits;
}

/** Views of a fixed length, renewed after growth: views that track the length are several times slower to read. */
function viewOfRows(memory: SharedBlobPlaces): Uint16Array {
  return new Uint16Array(memory.rows, 0, Math.floor(memory.rows.byteLength / 2));
}

function viewOfWords(memory: SharedArrayBuffer): Uint32Array {
  return new Uint32Array(memory, 0, Math.floor(memory.byteLength / 4));
}

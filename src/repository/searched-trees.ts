import { createHash, randomBytes } from 'node:crypto';

const maximumSlots = 2 ** 21;
const placeBytes = 6;

/**
 * Remembers trees in which nothing was found, by their numbers in the blob index. What was found below a tree may
 * depend on where the tree stands; then its path is remembered with it, as a hash. Of two trees that share a slot the
 * earlier one is forgotten, and searched again: memory is at most 24 MiB.
 */
export class SearchedTrees {
  /** Row + 1; 0 is an empty slot. */
  readonly #rows: Uint32Array;
  readonly #places: Float64Array;
  /** Nobody can make paths whose hashes are equal. */
  readonly #salt = randomBytes(16);

  constructor(blobs: number) {
    const slots = Math.max(1, Math.min(blobs, maximumSlots));
    this.#rows = new Uint32Array(slots);
    this.#places = new Float64Array(slots);
  }

  /** `path` is undefined where it makes no difference. */
  has(row: number, path: Uint8Array | undefined): boolean {
    const slot = row % this.#rows.length;
    return this.#rows[slot] === row + 1 && this.#places[slot] === this.#placeOf(path);
  }

  add(row: number, path: Uint8Array | undefined): void {
    const slot = row % this.#rows.length;
    this.#rows[slot] = row + 1;
    this.#places[slot] = this.#placeOf(path);
  }

  #placeOf(path: Uint8Array | undefined): number {
    if (path === undefined) return -1;
    return createHash('sha256').update(this.#salt).update(path).digest().readUIntBE(0, placeBytes);
  }
}

import { RepositoryError } from '../../base/errors.ts';
import { toHex } from '../../base/hex.ts';
import { loadIndex } from '../../repository/loaded-index.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { Repository } from '../../repository/repository.ts';

const idBytes = 32;

/** Which blobs of the index a snapshot will refer to, one bit a row. */
export class ReliedBlobs {
  readonly #index: LoadedIndex;
  #bits = new Uint8Array(1024);

  constructor(index: LoadedIndex) {
    this.#index = index;
  }

  add(type: 'data' | 'tree', id: string): void {
    const row = this.#index.blobs.rowOf(type, id);
    if (row >= 0) this.#set(row);
  }

  /**
   * Adds a file's content, given as ids one after the other: all of it or, where the index lacks a blob, nothing. False
   * then.
   */
  addContent(ids: Uint8Array): boolean {
    const { blobs } = this.#index;
    const firstRow = ids.length === 0 ? -1 : blobs.rowOfBytesAt('data', ids, 0);
    if (ids.length === 0) return true;
    if (firstRow < 0) return false;
    for (let start = idBytes; start < ids.length; start += idBytes) {
      if (blobs.rowOfBytesAt('data', ids, start) < 0) return false;
    }
    this.#set(firstRow);
    for (let start = idBytes; start < ids.length; start += idBytes) {
      this.#set(blobs.rowOfBytesAt('data', ids, start));
    }
    return true;
  }

  #set(row: number): void {
    const byte = row >>> 3;
    if (byte >= this.#bits.length) {
      const larger = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      larger.set(this.#bits);
      this.#bits = larger;
    }
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (row & 7));
  }

  *rows(): Generator<number> {
    for (const [byte, bits] of this.#bits.entries()) {
      for (let bit = 0; bits >>> bit > 0; bit++) if (((bits >>> bit) & 1) === 1) yield byte * 8 + bit;
    }
  }

  /**
   * Looks again, just before the snapshot is written, that everything it relies on is still indexed and not marked for
   * deletion: a prune that saw no lock (rustic takes none) may have worked in between (design D7). Throws
   * RepositoryError `conflict` when something is gone; what this pass uploaded stays and is found by the next one.
   */
  async assertStillIndexed(
    repository: Repository,
    ownIndexFiles: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const listed = new Set(await repository.listIds('index', signal));
    const known = new Set([...this.#index.fileIds, ...ownIndexFiles]);
    if (listed.size === known.size && listed.isSubsetOf(known)) return;
    const fresh = await loadIndex(repository, signal, 'write');
    for (const row of this.rows()) {
      const type = this.#index.blobs.typeAt(row);
      const id = this.#index.blobs.idAt(row);
      if (fresh.blobs.has(type, id)) continue;
      throw new RepositoryError(
        'conflict',
        'a blob that this pass relies on was removed from the index meanwhile',
        {
          where: toHex(id),
          advice: 'no snapshot was written; run the pass again, and let no prune run beside it',
          retryable: true,
        },
      );
    }
  }
}

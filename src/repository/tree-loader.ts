import { isDamage, loadBlob, missingBlob, openBlob } from './blob-reader.ts';
import type { BlobRoom } from './blob-reader.ts';
import { keyOf } from './format/file-kind.ts';
import { decodeTree } from './format/tree.ts';
import type { Tree } from './format/tree-node.ts';
import type { LoadedIndex, PackSlice } from './loaded-index.ts';
import type { Repository } from './repository.ts';

/** Larger packs (rustic's grow with the repository) are not fetched whole for the sake of some trees. */
const largestCachedPackBytes = 32 * 2 ** 20;
/**
 * Packs of trees kept in memory. A tree's neighbours mostly stand in the same pack, in the order they are asked for.
 */
const cachedPacks = 4;

/** A tree as it is stored, for another thread to open. */
export interface SealedTree {
  readonly id: string;
  readonly packId: string;
  /** Its own memory; shorter than it should be where the pack is. */
  readonly sealed: Uint8Array;
  /** 0 for a tree that is stored raw. */
  readonly uncompressedLength: number;
}

/** Reads trees, a pack at a time: one request serves some thousand directories. */
export class TreeLoader {
  readonly #repository: Repository;
  readonly #index: LoadedIndex;
  readonly #signal: AbortSignal | undefined;
  readonly #packs = new Map<string, Promise<Uint8Array>>();

  constructor(repository: Repository, index: LoadedIndex, signal?: AbortSignal) {
    this.#repository = repository;
    this.#index = index;
    this.#signal = signal;
  }

  async load(id: string): Promise<Tree> {
    return decodeTree(await this.loadText(id), `tree ${id}`);
  }

  /** The plaintext of a tree, which hashes to its id; where the tree is not stored raw, it is opened in `room`. */
  async loadText(id: string, room?: BlobRoom): Promise<Buffer> {
    const slice = this.#index.locate('tree', id);
    if (slice === undefined) throw missingBlob('tree', id);
    const cached = await this.#fromCache(id, slice, room);
    return cached ?? (await loadBlob(this.#repository, this.#index, 'tree', id, this.#signal));
  }

  /** A tree that nobody has looked at yet: damage is found by who opens it, who may then ask for its text here. */
  async loadSealed(id: string): Promise<SealedTree> {
    const slice = this.#index.locate('tree', id);
    if (slice === undefined) throw missingBlob('tree', id);
    const { packId, offset, length, uncompressedLength } = slice;
    if (slice.packBlobsBytes > largestCachedPackBytes) {
      const range = { start: offset, end: offset + length };
      const sealed = await this.#repository.store.get(keyOf('data', packId), { range, signal: this.#signal });
      return { id, packId, sealed, uncompressedLength };
    }
    try {
      const pack = await this.#pack(packId, slice.packBlobsBytes);
      // A copy: what is posted to a thread takes all of its buffer along.
      const sealed = new Uint8Array(pack.subarray(offset, offset + length));
      return { id, packId, sealed, uncompressedLength };
    } catch (error) {
      this.#packs.delete(packId);
      throw error;
    }
  }

  /** Undefined where the pack is too large to be kept, or damaged: then the blob is fetched by itself. */
  async #fromCache(id: string, slice: PackSlice, room: BlobRoom | undefined): Promise<Buffer | undefined> {
    if (slice.packBlobsBytes > largestCachedPackBytes) return undefined;
    try {
      const pack = await this.#pack(slice.packId, slice.packBlobsBytes);
      const sealed = pack.subarray(slice.offset, slice.offset + slice.length);
      const { uncompressedLength } = slice;
      return openBlob(sealed, { id, uncompressedLength }, slice.packId, this.#repository, room);
    } catch (error) {
      this.#packs.delete(slice.packId);
      if (isDamage(error)) return undefined;
      throw error;
    }
  }

  #pack(packId: string, blobsBytes: number): Promise<Uint8Array> {
    const cached = this.#packs.get(packId);
    if (cached !== undefined) {
      this.#packs.delete(packId);
      this.#packs.set(packId, cached);
      return cached;
    }
    const range = { start: 0, end: blobsBytes };
    const loading = this.#repository.store.get(keyOf('data', packId), { range, signal: this.#signal });
    this.#packs.set(packId, loading);
    for (const oldest of this.#packs.keys()) {
      if (this.#packs.size <= cachedPacks) break;
      this.#packs.delete(oldest);
    }
    return loading;
  }
}

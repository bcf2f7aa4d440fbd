import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import { plaintextBytes } from './blob-index.ts';
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
 * As many more may be under way, whatever number of trees is asked for at once.
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
  /** The one used last is the last. */
  readonly #packs = new Map<string, Uint8Array>();
  readonly #loading = new Map<string, Promise<Uint8Array>>();
  readonly #limit: LimitFunction = pLimit(cachedPacks);

  constructor(repository: Repository, index: LoadedIndex, signal?: AbortSignal) {
    this.#repository = repository;
    this.#index = index;
    this.#signal = signal;
  }

  /** Bytes of a tree's plaintext; 0 for one that is not indexed. */
  sizeBytes(id: string): number {
    const slice = this.#index.locate('tree', id);
    return slice === undefined ? 0 : plaintextBytes(slice);
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
    const pack = await this.#pack(packId, slice.packBlobsBytes);
    // A copy: what is posted to a thread takes all of its buffer along.
    const sealed = new Uint8Array(pack.subarray(offset, offset + length));
    return { id, packId, sealed, uncompressedLength };
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

  async #pack(packId: string, blobsBytes: number): Promise<Uint8Array> {
    const cached = this.#packs.get(packId);
    if (cached !== undefined) {
      this.#keep(packId, cached);
      return cached;
    }
    const underWay = this.#loading.get(packId);
    if (underWay !== undefined) return underWay;
    const loading = this.#limit(() => this.#loadPack(packId, blobsBytes));
    this.#loading.set(packId, loading);
    try {
      return await loading;
    } finally {
      this.#loading.delete(packId);
    }
  }

  async #loadPack(packId: string, blobsBytes: number): Promise<Uint8Array> {
    const range = { start: 0, end: blobsBytes };
    const pack = await this.#repository.store.get(keyOf('data', packId), { range, signal: this.#signal });
    this.#keep(packId, pack);
    return pack;
  }

  /** As the one used last. */
  #keep(packId: string, pack: Uint8Array): void {
    this.#packs.delete(packId);
    this.#packs.set(packId, pack);
    for (const oldest of this.#packs.keys()) {
      if (this.#packs.size <= cachedPacks) break;
      this.#packs.delete(oldest);
    }
  }
}

import { createHash } from 'node:crypto';
import { plaintextBytes } from './blob-index.ts';
import { missingBlob } from './blob-reader.ts';
import { envelopeOverheadBytes } from './crypto/cipher.ts';
import type { BlobType } from './format/blob.ts';
import type { TreeNode } from './format/tree-node.ts';
import type { LoadedIndex } from './loaded-index.ts';
import type { CompressionStatistics, Statistics } from './statistics.ts';

export type Counted = Omit<Statistics, 'snapshots'>;

/** What a subtree adds each time it is met, where that is the same for every time. */
export interface Subtotal {
  entries: number;
  bytes: number;
  /** False when an entry's share depends on what was met before it. */
  isConstant: boolean;
}

export interface Counter {
  /** False when a tree that was counted counts for nothing when it is met again. */
  readonly countsAgain: boolean;
  beginSnapshot(): void;
  /** Every tree on its first visit, the roots too. */
  tree(id: string): void;
  /** Adds to the subtotal what is counted each time, and keeps the rest itself. */
  node(node: TreeNode, path: string, subtotal: Subtotal): void;
  add(subtotal: Subtotal): void;
  result(hasCompression: boolean): Counted;
}

/** Every entry; of a file with several names the bytes once a snapshot, since a restore links them. */
export class RestoreSizeCounter implements Counter {
  readonly countsAgain = true;
  readonly #linked = new Set<string>();
  #files = 0;
  #bytes = 0;

  beginSnapshot(): void {
    this.#linked.clear();
  }

  tree(): void {}

  node(node: TreeNode, _path: string, subtotal: Subtotal): void {
    subtotal.entries++;
    if (node.type === 'dir' || node.links === 1) {
      subtotal.bytes += node.size ?? 0;
      return;
    }
    if ((node.inode ?? 0n) === 0n) {
      subtotal.bytes += node.size ?? 0;
      return;
    }
    subtotal.isConstant = false;
    const inode = `${node.deviceId ?? 0n}:${node.inode}`;
    if (!this.#linked.has(inode)) subtotal.bytes += node.size ?? 0;
    this.#linked.add(inode);
  }

  add({ entries, bytes }: Subtotal): void {
    this.#files += entries;
    this.#bytes += bytes;
  }

  result(): Counted {
    return { totalBytes: this.#bytes, files: this.#files, blobs: 0 };
  }
}

/**
 * Each sequence of blobs once, under the path it is met at first. What has no blobs (an empty file, a folder, a link)
 * is one such sequence too.
 */
export class ContentsCounter implements Counter {
  readonly countsAgain = false;
  readonly #mode: 'files-by-contents' | 'blobs-per-file';
  readonly #index: LoadedIndex;
  readonly #contents = new Set<string>();
  /** Blobs by the path of a file they were counted under. */
  readonly #blobsOf = new Map<string, Set<string>>();
  #files = 0;
  #blobs = 0;
  #bytes = 0;

  constructor(mode: 'files-by-contents' | 'blobs-per-file', index: LoadedIndex) {
    this.#mode = mode;
    this.#index = index;
  }

  beginSnapshot(): void {}

  tree(): void {}

  node(node: TreeNode, path: string): void {
    const hash = createHash('sha256');
    for (const id of node.content ?? []) hash.update(id);
    const contents = hash.digest('base64');
    if (this.#contents.has(contents)) return;
    this.#contents.add(contents);
    if (this.#mode === 'blobs-per-file') {
      this.#addBlobs(node, path);
      return;
    }
    this.#files++;
    this.#bytes += node.size ?? 0;
  }

  add(): void {}

  result(): Counted {
    return { totalBytes: this.#bytes, files: this.#files, blobs: this.#blobs };
  }

  #addBlobs({ content }: TreeNode, path: string): void {
    if (content === null || content.length === 0) return;
    let counted = this.#blobsOf.get(path);
    if (counted === undefined) {
      counted = new Set();
      this.#blobsOf.set(path, counted);
      this.#files++;
    }
    for (const id of content) {
      if (counted.has(id)) continue;
      const location = this.#index.blobs.locate('data', id);
      if (location === undefined) throw missingBlob('data', id);
      counted.add(id);
      this.#blobs++;
      this.#bytes += plaintextBytes(location);
    }
  }
}

/** Each blob that snapshots use once, with its envelope. */
export class RawDataCounter implements Counter {
  readonly countsAgain = false;
  readonly #index: LoadedIndex;
  /** A byte a blob of the repository. */
  readonly #isUsed: Uint8Array;

  constructor(index: LoadedIndex) {
    this.#index = index;
    this.#isUsed = new Uint8Array(index.blobs.size);
  }

  beginSnapshot(): void {}

  tree(id: string): void {
    this.#use('tree', id);
  }

  node(node: TreeNode): void {
    for (const id of node.content ?? []) this.#use('data', id);
  }

  add(): void {}

  result(hasCompression: boolean): Counted {
    const compressed = { sealedBytes: 0, rawBytes: 0 };
    let blobs = 0;
    let totalBytes = 0;
    let uncompressedBytes = 0;
    for (const [row, isUsed] of this.#isUsed.entries()) {
      const location = isUsed === 0 ? undefined : this.#index.blobs.locationAt(row);
      if (location === undefined) continue;
      const rawBytes = plaintextBytes(location) + envelopeOverheadBytes;
      blobs++;
      totalBytes += location.length;
      uncompressedBytes += rawBytes;
      if (location.uncompressedLength === 0) continue;
      compressed.sealedBytes += location.length;
      compressed.rawBytes += rawBytes;
    }
    if (!hasCompression) return { totalBytes, files: 0, blobs };
    const share = (part: number): number => (uncompressedBytes === 0 ? 0 : part / uncompressedBytes);
    const compression: CompressionStatistics = {
      uncompressedBytes,
      ratio: compressed.sealedBytes === 0 ? 0 : compressed.rawBytes / compressed.sealedBytes,
      progressPercent: share(compressed.rawBytes) * 100,
      spaceSavingPercent: uncompressedBytes === 0 ? 0 : (1 - share(totalBytes)) * 100,
    };
    return { totalBytes, files: 0, blobs, compression };
  }

  #use(type: BlobType, id: string): void {
    const row = this.#index.blobs.rowOf(type, id);
    if (row < 0) throw missingBlob(type, id);
    this.#isUsed[row] = 1;
  }
}

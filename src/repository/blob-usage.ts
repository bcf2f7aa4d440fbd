import type { TimeSlice } from '../base/time-slice.ts';
import { isDamage, missingBlob } from './blob-reader.ts';
import type { BlobType } from './format/blob.ts';
import type { TreeNode } from './format/tree-node.ts';
import type { LoadedIndex } from './loaded-index.ts';
import type { TreeLoader } from './tree-loader.ts';

/** Which of two trees that are compared. */
export type Side = 'before' | 'after';

/** Blobs, counted once each. */
export interface BlobTotals {
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Plaintext bytes of these blobs. */
  readonly bytes: number;
}

const sideBits: Readonly<Record<Side, number>> = { before: 1, after: 2 };
const bothSides = sideBits.before | sideBits.after;
/** Stands in a subtree that both sides have. */
const commonBit = 4;
/** The root of such a subtree, to be looked into. */
const commonRootBit = 8;
const visitedBit = 16;

/**
 * The blobs that two trees use, to tell what only one of them does. It takes a byte a blob of the repository; only
 * blobs that the index lacks, as in a damaged repository, are kept by name.
 */
export class BlobUsage {
  readonly #index: LoadedIndex;
  readonly #bits: Uint8Array;
  readonly #missing = new Map<string, { readonly type: BlobType; readonly id: string; bits: number }>();

  constructor(index: LoadedIndex) {
    this.#index = index;
    this.#bits = new Uint8Array(index.blobs.size);
  }

  /** The blobs that the node itself names: a file's contents, a folder's tree. */
  addNode(side: Side, node: TreeNode): void {
    for (const id of node.content ?? []) this.#mark('data', id, sideBits[side]);
    if (node.subtree !== undefined) this.addTree(side, node.subtree);
  }

  addTree(side: Side, id: string): void {
    this.#mark('tree', id, sideBits[side]);
  }

  /** A tree that both sides have, with all below it. */
  addCommonTree(id: string): void {
    this.#mark('tree', id, bothSides | commonRootBit);
  }

  /**
   * Looks into the subtrees that both sides have, each once, for blobs that seemed to be on one side only; stops as
   * soon as there are none. Yields the damage that it meets.
   */
  async *settle(trees: TreeLoader, slice: TimeSlice): AsyncGenerator<Error> {
    let undecided = this.#countUndecided();
    for (const root of this.#commonRoots()) {
      const stack = [root];
      for (let id = stack.pop(); id !== undefined && undecided > 0; id = stack.pop()) {
        if ((this.#mark('tree', id, visitedBit) & visitedBit) !== 0) continue;
        if (slice.isOver) await slice.pause();
        try {
          for (const node of (await trees.load(id)).nodes) {
            for (const blob of node.content ?? []) undecided -= this.#markCommon('data', blob);
            if (node.subtree === undefined) continue;
            undecided -= this.#markCommon('tree', node.subtree);
            stack.push(node.subtree);
          }
        } catch (error) {
          if (!(error instanceof Error) || !isDamage(error)) throw error;
          yield error;
        }
      }
      if (undecided === 0) return;
    }
  }

  /** The blobs of one side only. Those that the index lacks count 0 bytes, and are handed to `report` as errors. */
  totals(side: Side, report: (error: Error) => void): BlobTotals {
    let [dataBlobs, treeBlobs, bytes] = [0, 0, 0];
    for (let row = 0; row < this.#bits.length; row++) {
      if (!isOnlyOn(side, this.#bits[row] ?? 0)) continue;
      if (this.#index.blobs.typeAt(row) === 'tree') treeBlobs++;
      else dataBlobs++;
      bytes += this.#index.blobs.plaintextBytesAt(row);
    }
    for (const { type, id, bits } of this.#missing.values()) {
      if (!isOnlyOn(side, bits)) continue;
      if (type === 'tree') treeBlobs++;
      else dataBlobs++;
      report(missingBlob(type, id));
    }
    return { dataBlobs, treeBlobs, bytes };
  }

  /** In the order of the index, which is that of the packs: neighbours are read together. */
  *#commonRoots(): Generator<string> {
    for (let row = 0; row < this.#bits.length; row++) {
      if (((this.#bits[row] ?? 0) & commonRootBit) !== 0) yield this.#index.blobs.idAt(row).toString('hex');
    }
    for (const { id, bits } of this.#missing.values()) if ((bits & commonRootBit) !== 0) yield id;
  }

  #countUndecided(): number {
    let count = 0;
    for (const bits of this.#bits) count += isUndecided(bits) ? 1 : 0;
    for (const { bits } of this.#missing.values()) count += isUndecided(bits) ? 1 : 0;
    return count;
  }

  /** How many blobs are undecided no longer: 1 or 0. */
  #markCommon(type: BlobType, id: string): number {
    return isUndecided(this.#mark(type, id, commonBit)) ? 1 : 0;
  }

  /** Sets bits of a blob and returns those that it had. */
  #mark(type: BlobType, id: string, added: number): number {
    const row = this.#index.blobs.rowOf(type, id);
    if (row >= 0) {
      const bits = this.#bits[row] ?? 0;
      this.#bits[row] = bits | added;
      return bits;
    }
    const key = `${type} ${id}`;
    const bits = this.#missing.get(key)?.bits ?? 0;
    this.#missing.set(key, { type, id, bits: bits | added });
    return bits;
  }
}

function isOnlyOn(side: Side, bits: number): boolean {
  return (bits & (bothSides | commonBit)) === sideBits[side];
}

function isUndecided(bits: number): boolean {
  return isOnlyOn('before', bits) || isOnlyOn('after', bits);
}

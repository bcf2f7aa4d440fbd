import { RepositoryError, asError, throwIfAborted } from '../../base/errors.ts';
import type { TimeSlice } from '../../base/time-slice.ts';
import { isDamage } from '../../repository/blob-reader.ts';
import { decodeTree } from '../../repository/format/tree.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { TreeLoader } from '../../repository/tree-loader.ts';

/** A tree as it is met for the first time. */
export interface MetTree {
  readonly id: string;
  /** Hashes to the id. */
  readonly plaintext: Buffer;
  readonly nodes: readonly TreeNode[];
}

/** Returns what is wrong with the tree or what its files hold; undefined where nothing is. */
export type TreeVisit = (tree: MetTree) => Promise<Error | undefined>;

export interface TreeWalkOptions {
  readonly trees: TreeLoader;
  readonly index: LoadedIndex;
  readonly slice: TimeSlice;
  readonly visit: TreeVisit;
  readonly signal: AbortSignal | undefined;
}

interface Frame {
  readonly row: number;
  readonly subtrees: readonly string[];
  next: number;
}

/** Walks the trees of snapshots, each tree once however many snapshots share it: it holds a byte a blob. */
export class TreeWalk {
  readonly #options: TreeWalkOptions;
  /** 1 where a tree was met. */
  readonly #met: Uint8Array;
  /** Trees that are damaged or hold something that is, by row. */
  readonly #failures = new Map<number, Error>();

  constructor(options: TreeWalkOptions) {
    this.#options = options;
    this.#met = new Uint8Array(options.index.blobs.size);
  }

  /** The first failure in what stands below the tree, which ends the walk; it is remembered for all trees above it. */
  async walk(root: string): Promise<Error | undefined> {
    const stack: Frame[] = [{ row: -1, subtrees: [root], next: 0 }];
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const id = frame.subtrees[frame.next++];
      if (id === undefined) {
        stack.pop();
        continue;
      }
      const entered = await this.#enter(id);
      if (entered instanceof Error) {
        for (const { row } of stack) if (row >= 0) this.#failures.set(row, entered);
        return entered;
      }
      if (entered !== undefined) stack.push(entered);
    }
    return undefined;
  }

  /** Undefined for a tree that was met before and is sound. */
  async #enter(id: string): Promise<Frame | Error | undefined> {
    const { index, slice, visit } = this.#options;
    if (slice.isOver) await slice.pause();
    const row = index.blobs.rowOf('tree', id);
    if (row >= 0 && this.#met[row] === 1) return this.#failures.get(row);
    if (row >= 0) this.#met[row] = 1;
    const tree = await this.#load(id);
    const failure = tree instanceof Error ? tree : await visit(tree);
    if (failure !== undefined && row >= 0) this.#failures.set(row, failure);
    if (tree instanceof Error || failure !== undefined) return failure;
    return { row, subtrees: tree.nodes.flatMap(({ subtree }) => subtree ?? []), next: 0 };
  }

  /** What the source lacks comes back; whatever else ends the reading, as a lost lock does, is thrown. */
  async #load(id: string): Promise<MetTree | Error> {
    try {
      const plaintext = await this.#options.trees.loadText(id);
      const { nodes } = decodeTree(plaintext, `tree ${id}`);
      return folderWithoutTree(id, nodes) ?? { id, plaintext, nodes };
    } catch (error) {
      throwIfAborted(this.#options.signal);
      if (!isDamage(error)) throw error;
      return asError(error);
    }
  }
}

function folderWithoutTree(id: string, nodes: readonly TreeNode[]): Error | undefined {
  if (nodes.every(({ type, subtree }) => type !== 'dir' || subtree !== undefined)) return undefined;
  return new RepositoryError('corrupt', 'a folder has no tree', { where: `tree ${id}` });
}

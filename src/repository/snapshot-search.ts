import { RepositoryError, throwIfAborted } from '../base/errors.ts';
import { TimeSlice } from '../base/time-slice.ts';
import { isDamage } from './blob-reader.ts';
import type { BlobType } from './format/blob.ts';
import type { TreeNode } from './format/tree-node.ts';
import type { LoadedIndex } from './loaded-index.ts';
import type { Repository } from './repository.ts';
import { SearchedTrees } from './searched-trees.ts';
import type { StoredSnapshot } from './snapshots.ts';
import { TreeLoader } from './tree-loader.ts';

export type SearchHit =
  | { readonly type: 'node'; readonly path: Buffer; readonly node: TreeNode }
  | {
      readonly type: 'object';
      readonly kind: BlobType;
      readonly id: string;
      /** Of the file that the blob belongs to, or of the folder that the tree is. */
      readonly path: Buffer;
      /** Of a data blob: the tree that lists its file. */
      readonly parentTree?: string;
    };

/** A tree that cannot be read: what is below its path was not searched. */
export interface SearchError {
  readonly type: 'error';
  readonly path: Buffer;
  readonly error: Error;
}

/** What to look for. Paths are absolute; that of the root is `/`. */
export interface SearchQuery {
  hitsOfRoot(tree: string): readonly SearchHit[];
  hitsOf(node: TreeNode, path: Buffer, parentTree: string): readonly SearchHit[];
  /** False only when nothing below the folder can be a hit. */
  mayHitBelow(path: Buffer): boolean;
  /** Whether a folder in which nothing was found has nothing at another path either. */
  isSameEverywhere(path: Buffer): boolean;
}

interface Frame {
  readonly tree: string;
  /** Empty for the root. */
  readonly path: Buffer;
  readonly nodes: readonly TreeNode[];
  next: number;
  /** Nothing was found here, and everything could be read. */
  isBarren: boolean;
}

const slash = Buffer.from('/');

/** Searches snapshots one after the other; a tree that had nothing in one snapshot is passed over in the next. */
export class SnapshotSearch {
  readonly #index: LoadedIndex;
  readonly #trees: TreeLoader;
  readonly #query: SearchQuery;
  readonly #searched: SearchedTrees;
  readonly #slice: TimeSlice;
  readonly #signal: AbortSignal | undefined;

  constructor(repository: Repository, index: LoadedIndex, query: SearchQuery, signal?: AbortSignal) {
    this.#index = index;
    this.#trees = new TreeLoader(repository, index, signal);
    this.#query = query;
    this.#searched = new SearchedTrees(index.blobs.size);
    this.#slice = new TimeSlice(() => repository.clock.monotonicMs(), signal);
    this.#signal = signal;
  }

  /** In the order of names, a folder before what it holds. Memory holds the folders on the way down. */
  async *search(snapshot: StoredSnapshot): AsyncGenerator<SearchHit | SearchError> {
    yield* this.#query.hitsOfRoot(snapshot.tree);
    const stack: Frame[] = [];
    const failure = await this.#enter(stack, snapshot.tree, Buffer.alloc(0));
    if (failure !== undefined) yield failure;
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const node = frame.nodes[frame.next++];
      if (node === undefined) {
        stack.pop();
        this.#leave(frame, stack.at(-1));
        continue;
      }
      const path = Buffer.concat([frame.path, slash, node.name]);
      for (const hit of this.#query.hitsOf(node, path, frame.tree)) {
        frame.isBarren = false;
        yield hit;
      }
      if (node.type !== 'dir' || !this.#query.mayHitBelow(path)) continue;
      const failed = await this.#enter(stack, node.subtree, path);
      if (failed === undefined) continue;
      frame.isBarren = false;
      yield failed;
    }
  }

  /** Puts the tree on the stack, unless it is known to have nothing. */
  async #enter(stack: Frame[], tree: string | undefined, path: Buffer): Promise<SearchError | undefined> {
    throwIfAborted(this.#signal);
    if (this.#slice.isOver) await this.#slice.pause();
    try {
      if (tree === undefined) throw new RepositoryError('corrupt', 'a folder has no tree');
      const row = this.#index.blobs.rowOf('tree', tree);
      if (row >= 0 && this.#searched.has(row, this.#placeOf(path))) return undefined;
      const { nodes } = await this.#trees.load(tree);
      stack.push({ tree, path, nodes, next: 0, isBarren: true });
      return undefined;
    } catch (error) {
      if (!(error instanceof Error) || !isDamage(error)) throw error;
      return { type: 'error', path: path.length === 0 ? slash : path, error };
    }
  }

  #leave({ tree, path, isBarren }: Frame, parent: Frame | undefined): void {
    if (isBarren) this.#searched.add(this.#index.blobs.rowOf('tree', tree), this.#placeOf(path));
    else if (parent !== undefined) parent.isBarren = false;
  }

  #placeOf(path: Buffer): Buffer | undefined {
    const absolute = path.length === 0 ? slash : path;
    return this.#query.isSameEverywhere(absolute) ? undefined : absolute;
  }
}

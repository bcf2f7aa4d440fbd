import { RepositoryError, throwIfAborted } from '../base/errors.ts';
import { TimeSlice } from '../base/time-slice.ts';
import { isDamage } from './blob-reader.ts';
import { BlobUsage } from './blob-usage.ts';
import type { BlobTotals, Side } from './blob-usage.ts';
import { compareNames } from './format/node-name.ts';
import type { TreeNode } from './format/tree-node.ts';
import { loadIndex } from './loaded-index.ts';
import { hasSameContent, hasSameMetadata } from './node-equality.ts';
import type { Repository } from './repository.ts';
import { nodeAt, parseSnapshotPath } from './snapshot-path.ts';
import type { SnapshotPath } from './snapshot-path.ts';
import { findSnapshot } from './snapshots.ts';
import type { SnapshotFilter, StoredSnapshot } from './snapshots.ts';
import { TreeLoader } from './tree-loader.ts';

/** What is compared. */
export interface DiffOptions {
  /** A snapshot: `latest`, an id or a prefix of one; with `:/path`, only that folder. */
  readonly before: string;
  /** The one to compare it with, in the same form. */
  readonly after: string;
  /** Narrows `latest`. */
  readonly filter?: SnapshotFilter | undefined;
  /** Reports also what differs in metadata alone. Default false. */
  readonly metadata?: boolean | undefined;
  /**
   * Ends with the statistics. They ask whether a blob of a changed file stands in an unchanged folder too, for which
   * trees that are equal may have to be read. Default true.
   */
  readonly statistics?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * restic's marks: `+` added, `-` removed, `M` contents changed, `M?` contents changed while all metadata is the same (a
 * sign of damage), `U` metadata changed, `T` type changed, `TU` that and, as always, metadata (when it is asked for).
 */
export type DiffMark = '+' | '-' | 'M' | 'M?' | 'U' | 'T' | 'TU';

/** One difference. */
export interface DiffChange {
  readonly type: 'change';
  /** Any bytes; absolute below the folders that are compared. A folder's ends with a slash. */
  readonly path: Buffer;
  readonly mark: DiffMark;
}

/** Items and blobs that only one of the snapshots has. */
export interface DiffTotals extends BlobTotals {
  readonly files: number;
  readonly directories: number;
  /** Links, FIFOs, devices, sockets. */
  readonly others: number;
}

/** What the differences come to. */
export interface DiffStatistics {
  readonly type: 'statistics';
  readonly changedFiles: number;
  /** Items that only `after` has, and the blobs that only it uses. */
  readonly added: DiffTotals;
  /** The same of `before`. */
  readonly removed: DiffTotals;
}

/** What a comparison tells, one after the other. */
export type DiffEvent =
  /** First: the ids of the snapshots that were found. */
  | { readonly type: 'start'; readonly before: string; readonly after: string }
  | DiffChange
  /** A folder that cannot be read is left out, and named. `path` is unknown where only the statistics lack it. */
  | { readonly type: 'error'; readonly path?: Buffer; readonly error: Error }
  /** Last. */
  | DiffStatistics;

/**
 * Tells what differs between two snapshots, or folders of them, in the order of names; a folder stands before what it
 * holds. Subtrees that are equal are passed over without being read. A folder that became a file, or a file that
 * became a folder, is one change `T`, as for restic.
 *
 * Memory holds the folders on the way down, and with `statistics` a byte a blob of the repository. No lock is taken:
 * hold one (`acquireLock`) where a prune may run.
 *
 * Throws RepositoryError `not-found` for a snapshot or path, `invalid-argument` for a path that is no folder, `corrupt`
 * when a tree to begin with cannot be read; StoreError; CancelledError.
 *
 * @example
 * for await (const event of diffSnapshots(repository, { before: `${first.snapshotId}:/data`, after: 'latest:/data'
 * })) {   if (event.type === 'change') console.log(event.mark, event.path.toString());   if (event.type ===
 * 'statistics') console.log(event.added.bytes, 'bytes of new blobs'); }
 */
export async function* diffSnapshots(
  repository: Repository,
  options: DiffOptions,
): AsyncGenerator<DiffEvent> {
  const { filter, signal } = options;
  const paths = { before: parseSnapshotPath(options.before), after: parseSnapshotPath(options.after) };
  const before = await findSnapshot(repository, paths.before.snapshot, filter, signal);
  const after = await findSnapshot(repository, paths.after.snapshot, filter, signal);
  yield { type: 'start', before: before.id, after: after.id };
  const index = await loadIndex(repository, signal);
  const trees = new TreeLoader(repository, index, signal);
  const diff = new TreeDiff(trees, new TimeSlice(() => repository.clock.monotonicMs(), signal), {
    metadata: options.metadata ?? false,
    usage: options.statistics === false ? undefined : new BlobUsage(index),
    signal,
  });
  yield* diff.compare(await folderAt(trees, before, paths.before), await folderAt(trees, after, paths.after));
  yield* diff.statistics();
}

async function folderAt(trees: TreeLoader, snapshot: StoredSnapshot, path: SnapshotPath): Promise<string> {
  const node = await nodeAt(trees, snapshot, path.names);
  const tree = node === undefined ? snapshot.tree : node.subtree;
  if (tree !== undefined) return tree;
  throw new RepositoryError('invalid-argument', 'the path is no folder', {
    where: `${snapshot.id.slice(0, 8)}:/${path.names.join('/')}`,
    advice: 'name the folder that holds it',
  });
}

interface Frame {
  /** Ends with a slash. */
  readonly path: Buffer;
  readonly before: readonly TreeNode[];
  readonly after: readonly TreeNode[];
  nextBefore: number;
  nextAfter: number;
}

/** A name of a folder, and what each side has of it. */
interface Pair {
  readonly before: TreeNode | undefined;
  readonly after: TreeNode | undefined;
}

interface TreeDiffOptions {
  readonly metadata: boolean;
  /** Undefined where no statistics are wanted. */
  readonly usage: BlobUsage | undefined;
  readonly signal: AbortSignal | undefined;
}

interface ItemCounts {
  files: number;
  directories: number;
  others: number;
}

/** Walks two trees side by side. */
class TreeDiff {
  readonly #trees: TreeLoader;
  readonly #slice: TimeSlice;
  readonly #options: TreeDiffOptions;
  readonly #added: ItemCounts = { files: 0, directories: 0, others: 0 };
  readonly #removed: ItemCounts = { files: 0, directories: 0, others: 0 };
  #changedFiles = 0;

  constructor(trees: TreeLoader, slice: TimeSlice, options: TreeDiffOptions) {
    this.#trees = trees;
    this.#slice = slice;
    this.#options = options;
  }

  async *compare(before: string, after: string): AsyncGenerator<DiffEvent> {
    this.#options.usage?.addTree('before', before);
    this.#options.usage?.addTree('after', after);
    if (before === after) return;
    const stack = [await this.#open(Buffer.from('/'), before, after)];
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const pair = nextPair(frame);
      if (pair === undefined) {
        stack.pop();
        continue;
      }
      const path = childPath(frame.path, pair);
      const change = this.#changeOf(pair, path);
      if (change !== undefined) yield change;
      if (!this.#isToBeEntered(pair)) continue;
      try {
        stack.push(await this.#open(path, subtreeOf(pair.before), subtreeOf(pair.after)));
      } catch (error) {
        if (!(error instanceof Error) || !isDamage(error)) throw error;
        yield { type: 'error', path, error };
      }
    }
  }

  /** Nothing unless statistics are wanted. */
  async *statistics(): AsyncGenerator<DiffEvent> {
    const { usage } = this.#options;
    if (usage === undefined) return;
    const errors: Error[] = [];
    for await (const error of usage.settle(this.#trees, this.#slice)) yield { type: 'error', error };
    const added = { ...this.#added, ...usage.totals('after', (error) => errors.push(error)) };
    const removed = { ...this.#removed, ...usage.totals('before', (error) => errors.push(error)) };
    for (const error of errors) yield { type: 'error', error };
    yield { type: 'statistics', changedFiles: this.#changedFiles, added, removed };
  }

  async #open(path: Buffer, before: string | undefined, after: string | undefined): Promise<Frame> {
    throwIfAborted(this.#options.signal);
    if (this.#slice.isOver) await this.#slice.pause();
    const [ours, theirs] = await Promise.all([this.#load(before), this.#load(after)]);
    return { path, before: ours, after: theirs, nextBefore: 0, nextAfter: 0 };
  }

  async #load(id: string | undefined): Promise<readonly TreeNode[]> {
    return id === undefined ? [] : (await this.#trees.load(id)).nodes;
  }

  /** Counts the pair, and says what differs of it. */
  #changeOf({ before, after }: Pair, path: Buffer): DiffChange | undefined {
    this.#use('before', before);
    this.#use('after', after);
    if (before === undefined || after === undefined) {
      if (after !== undefined) count(this.#added, after);
      if (before !== undefined) count(this.#removed, before);
      return { type: 'change', path, mark: before === undefined ? '+' : '-' };
    }
    const mark = markOf(before, after, this.#options.metadata);
    if (mark === 'M' || mark === 'M?') this.#changedFiles++;
    return mark === undefined ? undefined : { type: 'change', path, mark };
  }

  #use(side: Side, node: TreeNode | undefined): void {
    if (node !== undefined) this.#options.usage?.addNode(side, node);
  }

  /** A folder that is new, gone or different. */
  #isToBeEntered({ before, after }: Pair): boolean {
    const node = after ?? before;
    if (node?.type !== 'dir') return false;
    if (before === undefined || after === undefined) return true;
    if (before.type !== 'dir') return false;
    if (before.subtree !== after.subtree) return true;
    if (before.subtree !== undefined) this.#options.usage?.addCommonTree(before.subtree);
    return false;
  }
}

/** The next name in the order of both lists. */
function nextPair(frame: Frame): Pair | undefined {
  const before = frame.before[frame.nextBefore];
  const after = frame.after[frame.nextAfter];
  if (before === undefined && after === undefined) return undefined;
  const order = before === undefined ? 1 : after === undefined ? -1 : compareNames(before.name, after.name);
  if (order <= 0) frame.nextBefore++;
  if (order >= 0) frame.nextAfter++;
  return { before: order <= 0 ? before : undefined, after: order >= 0 ? after : undefined };
}

const slash = Buffer.from('/');

function childPath(folder: Buffer, { before, after }: Pair): Buffer {
  const node = after ?? before;
  if (node === undefined) return folder;
  return Buffer.concat(node.type === 'dir' ? [folder, node.name, slash] : [folder, node.name]);
}

/** The tree of one side of a folder. */
function subtreeOf(node: TreeNode | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (node.subtree !== undefined) return node.subtree;
  throw new RepositoryError('corrupt', 'a folder has no tree');
}

function markOf(before: TreeNode, after: TreeNode, metadata: boolean): DiffMark | undefined {
  if (before.type !== after.type) return metadata ? 'TU' : 'T';
  if (!hasSameContent(before, after)) return hasSameMetadata(before, after) ? 'M?' : 'M';
  if (!metadata) return undefined;
  return hasSameMetadata(before, after) && before.subtree === after.subtree ? undefined : 'U';
}

function count(counts: ItemCounts, { type }: TreeNode): void {
  if (type === 'file') counts.files++;
  else if (type === 'dir') counts.directories++;
  else counts.others++;
}

import { throwIfAborted } from '../base/errors.ts';
import { TimeSlice } from '../base/time-slice.ts';
import { loadIndex } from './loaded-index.ts';
import type { Repository } from './repository.ts';
import { nodeAt, parseSnapshotPath } from './snapshot-path.ts';
import { findSnapshot } from './snapshots.ts';
import type { SnapshotFilter } from './snapshots.ts';
import { listTree } from './tree-listing.ts';
import type { ListedNode } from './tree-listing.ts';
import { TreeLoader } from './tree-loader.ts';

/** What is listed. */
export interface ListEntriesOptions {
  /** A snapshot: `latest`, an id or the beginning of one; with `:/path`, only what that folder holds, or that file. */
  readonly snapshot: string;
  /** Narrows `latest`. Default: all snapshots. */
  readonly filter?: SnapshotFilter | undefined;
  /** Enters folders. Default true. */
  readonly recursive?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a snapshot holds, in the order of names; a folder stands before what it holds. Only trees are fetched, as far as
 * the reader goes, and memory holds those on the way down. No lock is taken: hold one (`acquireLock`) where a prune may
 * run.
 *
 * Throws RepositoryError `not-found` (no such snapshot or path) or `corrupt` (a tree is missing or damaged),
 * StoreError, CancelledError.
 *
 * @example
 * for await (const { path, node } of listEntries(repository, { snapshot: 'latest:/data' })) {
 *   console.log(node.type, path.toString(), node.size);
 * }
 */
export async function* listEntries(
  repository: Repository,
  options: ListEntriesOptions,
): AsyncGenerator<ListedNode, void, undefined> {
  const { filter, recursive = true, signal } = options;
  const wanted = parseSnapshotPath(options.snapshot);
  const snapshot = await findSnapshot(repository, wanted.snapshot, filter, signal);
  const trees = new TreeLoader(repository, await loadIndex(repository, signal), signal);
  const node = await nodeAt(trees, snapshot, wanted.names);
  const path = Buffer.from(wanted.names.map((name) => `/${name}`).join(''));
  const tree = node === undefined ? snapshot.tree : node.subtree;
  if (tree === undefined) {
    if (node !== undefined) yield { path, node };
    return;
  }
  const slice = new TimeSlice(() => repository.clock.monotonicMs(), signal);
  for await (const listed of listTree(trees, tree, path, recursive, slice)) {
    throwIfAborted(signal);
    yield listed;
  }
}

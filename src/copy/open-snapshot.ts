import { loadIndex } from '../repository/loaded-index.ts';
import type { LoadedIndex } from '../repository/loaded-index.ts';
import type { Repository } from '../repository/repository.ts';
import { parseSnapshotPath } from '../repository/snapshot-path.ts';
import type { SnapshotPath } from '../repository/snapshot-path.ts';
import { findSnapshot } from '../repository/snapshots.ts';
import type { SnapshotFilter, StoredSnapshot } from '../repository/snapshots.ts';
import { underSharedLock } from './shared-lock.ts';
import type { SharedLockOptions } from './shared-lock.ts';

/** A snapshot that is to be read, and what is asked of it. */
export interface OpenSnapshot {
  readonly snapshot: StoredSnapshot;
  readonly path: SnapshotPath;
  readonly index: LoadedIndex;
}

export interface OpenSnapshotOptions extends Omit<SharedLockOptions, 'prepare'> {
  /** A snapshot's id or `latest`, and a path in it: `latest:/data`. */
  readonly snapshot: string;
  /** Which snapshots `latest` is looked for among. Default: all. */
  readonly filter?: SnapshotFilter | undefined;
}

/** Finds a snapshot and loads the index, while the lock settles under which `work` then reads them. */
export async function withSnapshot<T>(
  repository: Repository,
  options: OpenSnapshotOptions,
  work: (snapshot: OpenSnapshot, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  let open: OpenSnapshot | undefined;
  const prepare = async (signal: AbortSignal): Promise<void> => {
    const path = parseSnapshotPath(options.snapshot);
    const snapshot = await findSnapshot(repository, path.snapshot, options.filter ?? {}, signal);
    open = { snapshot, path, index: await loadIndex(repository, signal) };
  };
  return underSharedLock(repository, { ...options, prepare }, (signal) => {
    if (open === undefined) throw new Error('a lock was taken before its work was prepared');
    return work(open, signal);
  });
}

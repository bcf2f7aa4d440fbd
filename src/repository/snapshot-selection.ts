import type { Repository } from './repository.ts';
import { findSnapshot, listSnapshots } from './snapshots.ts';
import type { SnapshotFilter, SnapshotList, StoredSnapshot } from './snapshots.ts';

/**
 * The snapshots that are named (ids, beginnings of ids, or `latest`, which the filter narrows), each once and in that
 * order; where none is named, all that match the filter, oldest first. Throws as {@link findSnapshot}.
 */
export async function selectSnapshots(
  repository: Repository,
  names: readonly string[],
  filter?: SnapshotFilter,
  signal?: AbortSignal,
): Promise<SnapshotList> {
  if (names.length === 0) return listSnapshots(repository, filter, signal);
  const found = new Map<string, StoredSnapshot>();
  for (const name of names) {
    const snapshot = await findSnapshot(repository, name, filter, signal);
    found.set(snapshot.id, snapshot);
  }
  return { snapshots: [...found.values()], damaged: [] };
}

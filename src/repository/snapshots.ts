import pLimit from 'p-limit';
import { RepositoryError } from '../base/errors.ts';
import { decodeSnapshot, encodeSnapshot } from './format/snapshot.ts';
import type { Snapshot } from './format/snapshot.ts';
import { parseTimestamp } from './format/timestamp.ts';
import { idByPrefix } from './id-prefix.ts';
import type { IdWords } from './id-prefix.ts';
import type { Repository } from './repository.ts';

const parallelLoads = 16;

const snapshotWords: IdWords = {
  noun: 'snapshot',
  form: 'give `latest`, or an id of hex digits',
  listing: 'tranship snapshots',
};

/** A snapshot as it was read. */
export interface StoredSnapshot extends Snapshot {
  /** 64 hex digits. */
  readonly id: string;
  /** Its time in nanoseconds since the Unix epoch. */
  readonly timeNs: bigint;
}

/** Which snapshots are meant; all conditions must hold, and an empty filter means all. */
export interface SnapshotFilter {
  /** Any of these host names. */
  readonly hosts?: readonly string[] | undefined;
  /** Each list is an alternative; a snapshot must carry all tags of one of them. */
  readonly tags?: readonly (readonly string[])[] | undefined;
  /** A snapshot must hold all of these paths. */
  readonly paths?: readonly string[] | undefined;
}

/** The snapshots that could be read, and those that could not. */
export interface SnapshotList {
  /** Oldest first. */
  readonly snapshots: readonly StoredSnapshot[];
  /** Files in `snapshots/` that could not be read, with the reason. */
  readonly damaged: readonly { readonly id: string; readonly error: RepositoryError }[];
}

/**
 * Reads every snapshot, and returns those that match. One damaged file hides no other. Takes no lock. Throws
 * StoreError, CancelledError.
 *
 * @example
 * const { snapshots } = await listSnapshots(repository, { paths: ['/data'] });
 * for (const { id, time, tags } of snapshots) console.log(id.slice(0, 8), time, tags);
 */
export async function listSnapshots(
  repository: Repository,
  filter: SnapshotFilter = {},
  signal?: AbortSignal,
): Promise<SnapshotList> {
  const ids = await repository.listIds('snapshots', signal);
  const damaged: { id: string; error: RepositoryError }[] = [];
  const snapshots: StoredSnapshot[] = [];
  await pLimit(parallelLoads).map(ids, async (id) => {
    try {
      const snapshot = await loadSnapshot(repository, id, signal);
      if (matchesFilter(snapshot, filter)) snapshots.push(snapshot);
    } catch (error) {
      if (!(error instanceof RepositoryError)) throw error;
      damaged.push({ id, error });
    }
  });
  snapshots.sort((a, b) => (a.timeNs === b.timeNs ? (a.id < b.id ? -1 : 1) : a.timeNs < b.timeNs ? -1 : 1));
  return { snapshots, damaged };
}

export async function loadSnapshot(
  repository: Repository,
  id: string,
  signal?: AbortSignal,
): Promise<StoredSnapshot> {
  const where = `snapshots/${id}`;
  const snapshot = decodeSnapshot(await repository.loadDocument('snapshots', id, signal), where);
  return { ...snapshot, id, timeNs: parseTimestamp(snapshot.time) };
}

export async function saveSnapshot(
  repository: Repository,
  snapshot: Snapshot,
  signal?: AbortSignal,
): Promise<string> {
  return repository.saveDocument('snapshots', encodeSnapshot(snapshot), signal);
}

/**
 * `latest` (by time, among those that match the filter), or an id or a unique prefix of one. Throws RepositoryError
 * `not-found` when there is none or several, `corrupt` when it cannot be read; StoreError; CancelledError.
 *
 * @example
 * const { id, summary } = await findSnapshot(repository, 'latest', { paths: ['/data'] });
 */
export async function findSnapshot(
  repository: Repository,
  name: string,
  filter: SnapshotFilter = {},
  signal?: AbortSignal,
): Promise<StoredSnapshot> {
  if (name === 'latest') {
    const { snapshots, damaged } = await listSnapshots(repository, filter, signal);
    const latest = snapshots.at(-1);
    if (latest === undefined) throw damaged[0]?.error ?? noSuchSnapshot(name);
    return latest;
  }
  const id = idByPrefix(await repository.listIds('snapshots', signal), name, snapshotWords);
  return loadSnapshot(repository, id, signal);
}

/** True for a snapshot of ours that lacks what its pass could not read; restic keeps no such mark. */
export function isPartialSnapshot(snapshot: Snapshot): boolean {
  const errors = snapshot.tranship?.['errors'];
  return typeof errors === 'number' && errors > 0;
}

export function matchesFilter(snapshot: Snapshot, filter: SnapshotFilter): boolean {
  const hosts = filter.hosts ?? [];
  if (hosts.length > 0 && !hosts.includes(snapshot.hostname ?? '')) return false;
  const tagLists = filter.tags ?? [];
  const carried = snapshot.tags ?? [];
  if (tagLists.length > 0 && !tagLists.some((tags) => tags.every((tag) => carried.includes(tag))))
    return false;
  return (filter.paths ?? []).every((path) => snapshot.paths.includes(path));
}

function noSuchSnapshot(where: string): RepositoryError {
  const advice = `list them with \`${snapshotWords.listing}\``;
  return new RepositoryError('not-found', 'the repository holds no such snapshot', { where, advice });
}

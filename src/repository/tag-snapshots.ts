import { UsageError } from '../base/errors.ts';
import { replaceTags } from './format/snapshot-edits.ts';
import type { RepositoryLock } from './locks.ts';
import type { Repository } from './repository.ts';
import { originOf } from './snapshot-copies.ts';
import { selectSnapshots } from './snapshot-selection.ts';
import { listSnapshots } from './snapshots.ts';
import type { SnapshotFilter, SnapshotList, StoredSnapshot } from './snapshots.ts';
import { underLock } from './under-lock.ts';

/** Bounds the taking back of a file, which must go on when the caller's signal has fired. */
const removalLimitMs = 60_000;

/** What is to become of the tags. */
export interface TagChange {
  /** The tags to have, in place of those that are there; an empty list for none. Excludes `add` and `remove`. */
  readonly set?: readonly string[] | undefined;
  readonly add?: readonly string[] | undefined;
  /** Applies after `add`. */
  readonly remove?: readonly string[] | undefined;
}

/** Which snapshots get which tags. Times are milliseconds. */
export interface TagOptions extends TagChange {
  /** Ids, beginnings of ids, or `latest`. Default: all that match the filter. */
  readonly snapshots?: readonly string[] | undefined;
  /** Narrows `latest`, or what there is where no snapshot is named. */
  readonly filter?: SnapshotFilter | undefined;
  /** Says what would change, and writes nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  /** How long to wait for a lock that is in the way. Default 0: fail at once with `locked`. */
  readonly retryLockMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for each snapshot as soon as it has been changed. */
  readonly onChange?: ((change: TaggedSnapshot) => void) | undefined;
}

/** A snapshot that was changed; ids of 64 hex digits. */
export interface TaggedSnapshot {
  readonly oldId: string;
  /** Undefined in a dry run. */
  readonly newId: string | undefined;
  readonly tags: readonly string[];
}

/** What was changed. */
export interface TagResult {
  readonly changed: readonly TaggedSnapshot[];
  /** Files in `snapshots/` that could not be read, and are as they were. */
  readonly damaged: SnapshotList['damaged'];
}

/**
 * Changes the tags of snapshots, under an exclusive lock. A snapshot is immutable: a changed one is stored anew, with
 * the id of its first version as `original` and everything else as it was, and the old one is removed when the new
 * one was read back. A failure in between leaves both, and the same call again puts that right, whichever of the two
 * it names: a version is removed that this call would turn into a snapshot that is there, byte for byte. A snapshot
 * that has the tags already is otherwise left alone.
 *
 * Throws UsageError when no change is asked for, RepositoryError `not-found` when a named snapshot is not there; then
 * nothing has changed.
 *
 * @example
 * const { changed } = await tagSnapshots(repository, { filter: { hosts: ['node-1'] }, add: ['keep'] });
 */
export async function tagSnapshots(repository: Repository, options: TagOptions): Promise<TagResult> {
  refuseNoChange(options);
  const { dryRun = false } = options;
  return underLock(repository, { ...options, exclusive: !dryRun }, async (signal, lock) => {
    const { snapshots, damaged } = await selectSnapshots(
      repository,
      options.snapshots ?? [],
      options.filter,
      signal,
    );
    const { snapshots: stored } = await listSnapshots(repository, {}, signal);
    const tagging = new Tagging(repository, lock, signal, options, stored);
    const changed: TaggedSnapshot[] = [];
    for (const snapshot of await tagging.due(snapshots)) {
      const newId = dryRun ? undefined : await tagging.rewrite(snapshot);
      const change = { oldId: snapshot.id, newId, tags: changedTags(snapshot, options) };
      changed.push(change);
      options.onChange?.(change);
    }
    return { changed, damaged };
  });
}

function refuseNoChange({ set, add = [], remove = [] }: TagChange): void {
  const hasDifference = add.length > 0 || remove.length > 0;
  if (set === undefined && !hasDifference) {
    throw new UsageError('no change of tags was asked for', { advice: 'set, add or remove some' });
  }
  if (set !== undefined && hasDifference) {
    throw new UsageError('tags are either set, or added and removed');
  }
}

function changedTags({ tags = [] }: StoredSnapshot, change: TagChange): readonly string[] {
  const { set, add = [], remove = [] } = change;
  if (set !== undefined) return [...new Set(set)];
  const added = [...tags, ...new Set(add.filter((tag) => !tags.includes(tag)))];
  return added.filter((tag) => !remove.includes(tag));
}

function hasTags({ tags = [] }: StoredSnapshot, wanted: readonly string[]): boolean {
  return tags.length === wanted.length && tags.every((tag, index) => tag === wanted[index]);
}

class Tagging {
  readonly #repository: Repository;
  readonly #lock: RepositoryLock;
  readonly #signal: AbortSignal;
  readonly #change: TagChange;
  /** All that are stored, by the id of their first version. */
  readonly #versions: Map<string, StoredSnapshot[]>;

  constructor(
    repository: Repository,
    lock: RepositoryLock,
    signal: AbortSignal,
    change: TagChange,
    stored: readonly StoredSnapshot[],
  ) {
    this.#repository = repository;
    this.#lock = lock;
    this.#signal = signal;
    this.#change = change;
    this.#versions = Map.groupBy(stored, originOf);
  }

  /** Those of the chosen that lack the tags; for one that has them, what an interrupted call has left of it. */
  async due(chosen: readonly StoredSnapshot[]): Promise<StoredSnapshot[]> {
    const due = new Map<string, StoredSnapshot>();
    for (const snapshot of chosen) {
      const isDone = hasTags(snapshot, changedTags(snapshot, this.#change));
      for (const version of isDone ? await this.#leftOf(snapshot) : [snapshot]) due.set(version.id, version);
    }
    return [...due.values()];
  }

  /** Returns the id of the new version. */
  async rewrite(snapshot: StoredSnapshot): Promise<string> {
    const json = await this.#rewritten(snapshot);
    const others = this.#otherVersions(snapshot);
    const newId = (await this.#idOf(json, others)) ?? (await this.#saveProven(json));
    await this.#lock.assertHeld();
    await this.#repository.removeDocument('snapshots', snapshot.id, this.#signal);
    this.#versions.set(originOf(snapshot), [...others, { ...snapshot, id: newId }]);
    return newId;
  }

  async #rewritten(snapshot: StoredSnapshot): Promise<Buffer> {
    const json = await this.#load(snapshot.id);
    return replaceTags(json, changedTags(snapshot, this.#change), originOf(snapshot));
  }

  #otherVersions(snapshot: StoredSnapshot): StoredSnapshot[] {
    const versions = this.#versions.get(originOf(snapshot)) ?? [];
    return versions.filter(({ id }) => id !== snapshot.id);
  }

  /** Versions that lack the tags, and would become this very document. */
  async #leftOf(snapshot: StoredSnapshot): Promise<StoredSnapshot[]> {
    const left: StoredSnapshot[] = [];
    for (const version of this.#otherVersions(snapshot)) {
      if (hasTags(version, changedTags(version, this.#change))) continue;
      if ((await this.#rewritten(version)).equals(await this.#load(snapshot.id))) left.push(version);
    }
    return left;
  }

  /** Read back whatever the store confirms: the old version is the only other one. */
  async #saveProven(json: Buffer): Promise<string> {
    const repository = this.#repository;
    const id = await repository.saveDocument('snapshots', json, this.#signal);
    try {
      await this.#load(id);
      return id;
    } catch (error) {
      await repository.removeDocument('snapshots', id, AbortSignal.timeout(removalLimitMs)).catch(() => {
        repository.logger.warn(`a snapshot file that failed could not be removed: snapshots/${id}`);
      });
      throw error;
    }
  }

  /** What an earlier call has stored that was interrupted before it removed the old version. */
  async #idOf(json: Buffer, versions: readonly StoredSnapshot[]): Promise<string | undefined> {
    for (const { id } of versions) {
      if (json.equals(await this.#load(id))) return id;
    }
    return undefined;
  }

  #load(id: string): Promise<Uint8Array> {
    return this.#repository.loadDocument('snapshots', id, this.#signal);
  }
}

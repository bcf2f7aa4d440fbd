import pLimit from 'p-limit';
import type { Clock } from '../base/clock.ts';
import { RepositoryError } from '../base/errors.ts';
import type { LockFile } from './format/lock-file.ts';
import type { LockEntry, LockFolder } from './lock-folder.ts';
import { plainHostName } from './lock-identity.ts';

/** A lock that somebody holds, or did. */
export interface StoredLock extends LockEntry {
  readonly lock: LockFile;
}

/** restic's: a lock that cannot be read may be one that is being written. */
const unreadableWaitsMs = [5000, 10_000, 20_000];
const parallelLoads = 8;

/**
 * Every lock, but for those to be ignored and for empty files, which some stores show while a lock is being written.
 * A lock that stays unreadable for 35 s is RepositoryError `locked`: it may be an exclusive one.
 */
export async function readLocks(
  folder: LockFolder,
  clock: Clock,
  options: {
    readonly ignore?: ReadonlySet<string> | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<StoredLock[]> {
  for (const waitMs of [...unreadableWaitsMs, undefined]) {
    const { locks, unreadable } = await readLocksOnce(folder, options);
    if (unreadable === undefined) return locks;
    if (waitMs === undefined) throw unreadableLock(unreadable);
    await clock.sleep(waitMs, options.signal);
  }
  return [];
}

/** What can be read of the locks, and the first error where one could not be. */
export async function readLocksOnce(
  folder: LockFolder,
  options: {
    readonly ignore?: ReadonlySet<string> | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<{ readonly locks: StoredLock[]; readonly unreadable: RepositoryError | undefined }> {
  const entries = (await folder.list(options.signal)).filter(
    ({ id, sizeBytes }) => sizeBytes > 0 && options.ignore?.has(id) !== true,
  );
  let unreadable: RepositoryError | undefined;
  const loaded = await pLimit(parallelLoads).map(entries, async (entry) => {
    try {
      const lock = await folder.load(entry, options.signal);
      return lock === undefined ? undefined : { ...entry, lock };
    } catch (error) {
      if (!(error instanceof RepositoryError)) throw error;
      unreadable ??= error;
      return undefined;
    }
  });
  return { locks: loaded.filter((lock) => lock !== undefined), unreadable };
}

/** The error of who finds a lock that excludes him. */
export function lockedBy({ id, lock }: StoredLock): RepositoryError {
  const user = lock.username === '' ? '' : ` (user ${lock.username})`;
  const how = lock.exclusive ? 'locked exclusively' : 'locked';
  const who = `PID ${lock.pid} on ${plainHostName(lock.hostname) || 'an unknown host'}${user}`;
  return new RepositoryError('locked', `the repository is ${how} by ${who} since ${lock.time}`, {
    where: `locks/${id}`,
    advice: 'wait for it to end, or run `tranship unlock` if that process is gone',
    retryable: true,
  });
}

function unreadableLock(cause: RepositoryError): RepositoryError {
  return new RepositoryError(
    'locked',
    `a lock cannot be read, so nobody can tell what it excludes: ${cause.what}`,
    {
      ...(cause.where === undefined ? {} : { where: cause.where }),
      advice: 'if no program is using the repository, run `tranship unlock --remove-all`',
      cause,
    },
  );
}

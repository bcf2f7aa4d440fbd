import { abortError } from '../base/errors.ts';
import { acquireLock } from '../repository/locks.ts';
import type { LockOptions, RepositoryLock } from '../repository/locks.ts';
import type { Repository } from '../repository/repository.ts';
import { underLock } from '../repository/under-lock.ts';

export interface SharedLockOptions {
  /** How long to wait for another's exclusive lock. Default 0: fail at once with `locked`. */
  readonly retryLockMs?: number | undefined;
  /** Takes no lock, for a repository that cannot be written. Default false. */
  readonly noLock?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Reads what the work needs, while the lock settles: see {@link LockOptions}. */
  readonly prepare?: LockOptions['prepare'];
}

/** Runs `work` under a non-exclusive lock, or none; see {@link underLock}. */
export async function underSharedLock<T>(
  repository: Repository,
  options: SharedLockOptions,
  work: (signal: AbortSignal, lock: RepositoryLock | undefined) => Promise<T>,
): Promise<T> {
  const { retryLockMs, noLock = false, signal, prepare } = options;
  if (noLock) {
    const always = signal ?? new AbortController().signal;
    await prepare?.(always);
    return work(always, undefined);
  }
  return underLock(repository, { retryLockMs, signal, prepare }, work);
}

/** As {@link underSharedLock}, for what is read a piece at a time: the lock is held until the reader stops. */
export async function* streamUnderSharedLock<T>(
  repository: Repository,
  options: SharedLockOptions,
  open: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const { retryLockMs, noLock = false, signal } = options;
  if (noLock) {
    yield* open(signal ?? new AbortController().signal);
    return;
  }
  const lock = await acquireLock(repository, { exclusive: false, retryMs: retryLockMs, signal });
  try {
    yield* open(signal === undefined ? lock.lost : AbortSignal.any([signal, lock.lost]));
  } catch (error) {
    throw lock.lost.aborted ? abortError(lock.lost) : error;
  } finally {
    await lock.release();
  }
}

import { abortError } from '../base/errors.ts';
import { acquireLock } from '../repository/locks.ts';
import type { RepositoryLock } from '../repository/locks.ts';
import type { Repository } from '../repository/repository.ts';

export interface SharedLockOptions {
  /** How long to wait for another's exclusive lock. Default 0: fail at once with `locked`. */
  readonly retryLockMs?: number | undefined;
  /** Takes no lock, for a repository that cannot be written. Default false. */
  readonly noLock?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` under a non-exclusive lock. Its signal fires with the caller's, and when the lock is lost: that is then
 * the error, whatever the work made of it. The lock is released however the work ends.
 */
export async function underSharedLock<T>(
  repository: Repository,
  options: SharedLockOptions,
  work: (signal: AbortSignal, lock: RepositoryLock | undefined) => Promise<T>,
): Promise<T> {
  const { retryLockMs = 0, noLock = false, signal } = options;
  if (noLock) return work(signal ?? new AbortController().signal, undefined);
  const lock = await acquireLock(repository, { exclusive: false, retryMs: retryLockMs, signal });
  try {
    return await work(signal === undefined ? lock.lost : AbortSignal.any([signal, lock.lost]), lock);
  } catch (error) {
    throw lock.lost.aborted ? abortError(lock.lost) : error;
  } finally {
    await lock.release();
  }
}

import { abortError } from '../base/errors.ts';
import { acquireLock } from './locks.ts';
import type { LockOptions, RepositoryLock } from './locks.ts';
import type { Repository } from './repository.ts';

export interface UnderLockOptions {
  /** True for work that deletes or rewrites. Default false. */
  readonly exclusive?: boolean | undefined;
  /** How long to wait for a lock that is in the way. Default 0: fail at once with `locked`. */
  readonly retryLockMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** See {@link LockOptions}. */
  readonly prepare?: LockOptions['prepare'];
}

/**
 * Runs `work` under a lock. Its signal fires with the caller's, and when the lock is lost: that is then the error,
 * whatever the work made of it. The lock is released however the work ends.
 */
export async function underLock<T>(
  repository: Repository,
  options: UnderLockOptions,
  work: (signal: AbortSignal, lock: RepositoryLock) => Promise<T>,
): Promise<T> {
  const { exclusive = false, retryLockMs = 0, signal, prepare } = options;
  const lock = await acquireLock(repository, { exclusive, retryMs: retryLockMs, signal, prepare });
  try {
    return await work(signal === undefined ? lock.lost : AbortSignal.any([signal, lock.lost]), lock);
  } catch (error) {
    throw lock.lost.aborted ? abortError(lock.lost) : error;
  } finally {
    await lock.release();
  }
}

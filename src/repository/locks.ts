import type { Clock } from '../base/clock.ts';
import { RepositoryError, abortError, describeError, throwIfAborted } from '../base/errors.ts';
import { keepAliveDuring } from '../base/keep-alive.ts';
import { systemClock } from '../base/system-clock.ts';
import { parseStoreLocation } from '../providers/objects/open.ts';
import type { LockFile } from './format/lock-file.ts';
import { LockFolder } from './lock-folder.ts';
import { isDeadByHostName, isProvenDead, ownHolder } from './lock-identity.ts';
import { LockKeeper, lockTime, settleMs, staleAfterMs, withinMs } from './lock-keeper.ts';
import type { LockState } from './lock-keeper.ts';
import { LockKeeperThread } from './lock-keeper-thread.ts';
import { lockedBy, readLocks, readLocksOnce } from './lock-reading.ts';
import type { StoredLock } from './lock-reading.ts';
import type { Repository } from './repository.ts';

export type { StoredLock } from './lock-reading.ts';

const firstRetryMs = 5000;
const lastRetryMs = 60_000;
const removalLimitMs = 60_000;

/** How a lock is taken. Times are milliseconds. */
export interface LockOptions {
  /**
   * True for work that deletes or rewrites: nobody else may hold any lock. Default false: other shared locks are fine.
   */
  readonly exclusive?: boolean | undefined;
  /** How long to wait for a lock that is in the way, asking again after 5 s, 10 s ... 60 s. Default 0. */
  readonly retryMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default: the repository's. */
  readonly clock?: Clock | undefined;
  /**
   * Where the lock is refreshed. Default `thread`, where the store can be opened again by its URL and the clock is the
   * system's; a caller that wraps the store (limits, faults) and wants the refreshes to pass through says `in-process`.
   */
  readonly keeper?: 'thread' | 'in-process' | undefined;
  /**
   * Reads what the work under the lock will need: while it is waited whether another lock came between, where ours was
   * in the store within half of that time from our first look (whoever wrote his after that look waits as long, and
   * then sees ours), otherwise afterwards. Must not write; what it has read counts only when the lock was taken. It is
   * called again with each further attempt, and has settled when `acquireLock` does.
   */
  readonly prepare?: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/** A lock that this process holds and refreshes, every 5 minutes, until it is released. */
export interface RepositoryLock {
  /** The lock file at this moment; a refresh replaces it. */
  readonly id: string;
  readonly exclusive: boolean;
  /**
   * Fires with a RepositoryError `locked` as its reason when the lock can no longer be believed. All work must stop.
   */
  readonly lost: AbortSignal;
  /**
   * Must be awaited before every batch of deletions: resolves only while the lock is surely held, which after 22.5
   * minutes without a refresh takes one more attempt; rejects with RepositoryError `locked` when it is lost.
   */
  assertHeld(): Promise<void>;
  /** Ends refreshing and deletes the lock. Idempotent; a lock that cannot be deleted is a warning of the logger. */
  release(): Promise<void>;
}

/**
 * Takes a lock by restic's protocol: look for locks that exclude ours, write ours, look again after 200 ms. Locks of
 * processes that are proven to be gone, or that nobody has refreshed for 30 minutes by the store's own clock, are
 * removed on the way. `stage`, `restore` and `verify` take their own; this is for work around several calls.
 *
 * Throws RepositoryError `locked`, naming the holder; StoreError; CancelledError.
 *
 * @example
 * const lock = await acquireLock(repository, { retryMs: 60_000 });
 * try {
 *   await check(repository, { signal: lock.lost });
 * } finally {
 *   await lock.release();
 * }
 */
export async function acquireLock(
  repository: Repository,
  options: LockOptions = {},
): Promise<RepositoryLock> {
  const clock = options.clock ?? repository.clock;
  const deadlineMs = clock.monotonicMs() + (options.retryMs ?? 0);
  return keepAliveDuring(async () => {
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, lastRetryMs)) {
      try {
        return await new Acquisition(repository, options).run();
      } catch (error) {
        const leftMs = deadlineMs - clock.monotonicMs();
        if (!(error instanceof RepositoryError) || !error.retryable || leftMs <= 0) throw error;
        await clock.sleep(Math.min(waitMs, leftMs), options.signal);
      }
    }
  });
}

/** A lock that was removed. */
export interface RemovedLock {
  readonly id: string;
  /** Undefined where the lock could not be read. */
  readonly lock: LockFile | undefined;
}

/**
 * Removes the locks whose holders are gone: proven so, or by restic's rule (our host name and a PID that does not
 * answer), or not refreshed for 30 minutes by the store's clock; or with `removeAll` (default false) every lock,
 * readable or not, which is safe only when no program works on the repository. Returns those that were removed. Throws
 * StoreError, CancelledError.
 *
 * @example
 * const removed = await unlock(repository);
 */
export async function unlock(
  repository: Repository,
  options: {
    readonly removeAll?: boolean | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly clock?: Clock | undefined;
  } = {},
): Promise<RemovedLock[]> {
  const { signal } = options;
  const clock = options.clock ?? repository.clock;
  const folder = folderOf(repository);
  const entries = options.removeAll === true ? await folder.list(signal) : [];
  const { locks } = await readLocksOnce(folder, { signal });
  if (options.removeAll !== true) {
    const isDead = ({ lock }: StoredLock): boolean => isProvenDead(lock) || isDeadByHostName(lock);
    const aged = locks.filter((found) => !isDead(found) && seemsAged(found, clock));
    entries.push(...locks.filter(isDead), ...(await confirmAged(folder, aged, clock, signal)));
  }
  const removed: RemovedLock[] = [];
  for (const { id } of entries) {
    await folder.remove(id, signal);
    removed.push({ id, lock: locks.find((found) => found.id === id)?.lock });
  }
  return removed;
}

/**
 * Every lock that can be read, stale ones too. Takes none. Throws StoreError, CancelledError.
 *
 * @example
 * for (const { lock } of await listLocks(repository)) console.log(lock.hostname, lock.pid, lock.time);
 */
export async function listLocks(repository: Repository, signal?: AbortSignal): Promise<StoredLock[]> {
  return (await readLocksOnce(folderOf(repository), { signal })).locks;
}

function folderOf(repository: Repository): LockFolder {
  const { store, cipher, compressor, config } = repository;
  return new LockFolder({ store, cipher, compressor, version: config.version });
}

/** A first guess by our own clock, which the store's must confirm. */
function seemsAged({ lock, modifiedMs }: StoredLock, clock: Clock): boolean {
  const nowMs = clock.nowMs();
  return nowMs - modifiedMs > staleAfterMs || nowMs - Date.parse(lock.time) > staleAfterMs;
}

/** Asks the store's clock by writing a shared lock of ours for a moment. */
async function confirmAged(
  folder: LockFolder,
  candidates: readonly StoredLock[],
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<StoredLock[]> {
  if (candidates.length === 0) return [];
  const probe = folder.seal({ ...ownHolder(), exclusive: false, time: lockTime(clock.nowMs()) });
  try {
    await folder.put(probe, signal);
    const storeNowMs = await folder.writtenAtMs(probe.id, signal);
    return candidates.filter(({ modifiedMs }) => storeNowMs - modifiedMs > staleAfterMs);
  } finally {
    await withinMs(removalLimitMs, clock, (removal) => folder.remove(probe.id, removal));
  }
}

/** One attempt to take a lock. */
class Acquisition {
  readonly #repository: Repository;
  readonly #options: LockOptions;
  readonly #clock: Clock;
  readonly #folder: LockFolder;
  readonly #exclusive: boolean;
  readonly #ended = new AbortController();
  #preparing: Promise<void> | undefined;

  constructor(repository: Repository, options: LockOptions) {
    this.#repository = repository;
    this.#options = options;
    this.#clock = options.clock ?? repository.clock;
    this.#folder = folderOf(repository);
    this.#exclusive = options.exclusive ?? false;
  }

  async run(): Promise<RepositoryLock> {
    const { signal } = this.#options;
    const startedMs = this.#clock.monotonicMs();
    const found = await readLocks(this.#folder, this.#clock, { signal });
    const standing = await this.#removeStale(found, ({ lock }) => isProvenDead(lock));
    const aged = standing.filter((stored) => seemsAged(stored, this.#clock));
    this.#refuseConflict(standing.filter((stored) => !aged.includes(stored)));
    const confirmedMs = this.#clock.nowMs();
    const lock = { ...ownHolder(), exclusive: this.#exclusive, time: lockTime(confirmedMs) };
    const sealed = this.#folder.seal(lock);
    try {
      await this.#folder.put(sealed, signal);
      if (aged.length > 0) await this.#removeAged(aged, sealed.id);
      const ignore = new Set([sealed.id, ...found.map(({ id }) => id)]);
      if (this.#clock.monotonicMs() - startedMs < settleMs / 2) this.#startPreparing();
      await this.#clock.sleep(settleMs, signal);
      this.#refuseConflict(await readLocks(this.#folder, this.#clock, { ignore, signal }));
      throwIfAborted(signal);
    } catch (error) {
      await this.#stopPreparing();
      await this.#withdraw(sealed.id);
      throw error;
    }
    const state = { id: sealed.id, confirmedMs };
    return this.#prepared(hold(this.#repository, this.#folder, this.#options, lock, state));
  }

  #startPreparing(): void {
    const { signal, prepare } = this.#options;
    const ended = this.#ended.signal;
    this.#preparing ??= prepare?.(signal === undefined ? ended : AbortSignal.any([signal, ended]));
    // Looked at when nothing is in the way.
    this.#preparing?.catch(() => {});
  }

  async #stopPreparing(): Promise<void> {
    this.#ended.abort();
    await this.#preparing?.catch(() => {});
  }

  /** What is prepared may take long: the lock is refreshed meanwhile, and its loss ends the preparation. */
  async #prepared(lock: RepositoryLock): Promise<RepositoryLock> {
    const onLost = (): void => this.#ended.abort(lock.lost.reason);
    lock.lost.addEventListener('abort', onLost);
    try {
      this.#startPreparing();
      await this.#preparing;
      return lock;
    } catch (error) {
      await lock.release();
      throw lock.lost.aborted ? abortError(lock.lost) : error;
    } finally {
      lock.lost.removeEventListener('abort', onLost);
    }
  }

  #refuseConflict(locks: readonly StoredLock[]): void {
    const conflicting = locks.find(({ lock }) => this.#exclusive || lock.exclusive);
    if (conflicting !== undefined) throw lockedBy(conflicting);
  }

  async #removeAged(aged: readonly StoredLock[], ownId: string): Promise<void> {
    const storeNowMs = await this.#folder.writtenAtMs(ownId, this.#options.signal);
    const isStale = ({ modifiedMs }: StoredLock): boolean => storeNowMs - modifiedMs > staleAfterMs;
    this.#refuseConflict(await this.#removeStale(aged, isStale));
  }

  /** Returns the locks that still stand. One that could not be removed does: its holder may yet believe in it. */
  async #removeStale(
    locks: readonly StoredLock[],
    isStale: (lock: StoredLock) => boolean,
  ): Promise<StoredLock[]> {
    const standing: StoredLock[] = [];
    for (const stored of locks) {
      if (!isStale(stored) || !(await this.#tryRemove(stored.id))) standing.push(stored);
    }
    return standing;
  }

  async #tryRemove(id: string): Promise<boolean> {
    try {
      await this.#folder.remove(id, this.#options.signal);
      return true;
    } catch (error) {
      throwIfAborted(this.#options.signal);
      this.#repository.logger.warn(`a stale lock could not be removed: ${describeError(error)}`);
      return false;
    }
  }

  /** Also after a write that failed: it may have come through all the same. */
  async #withdraw(id: string): Promise<void> {
    try {
      await withinMs(removalLimitMs, this.#clock, (signal) => this.#folder.remove(id, signal));
    } catch (error) {
      this.#repository.logger.warn(`a lock could not be withdrawn: ${describeError(error)}`);
    }
  }
}

function hold(
  repository: Repository,
  folder: LockFolder,
  options: LockOptions,
  lock: LockFile,
  state: LockState,
): RepositoryLock {
  const clock = options.clock ?? repository.clock;
  const lost = new AbortController();
  const onLost = (reason: RepositoryError): void => lost.abort(reason);
  const keeper = new LockKeeper({ folder, lock, state, clock, onLost });
  const active = wantsThread(repository, options, clock)
    ? new LockKeeperThread({ keeper, clock, logger: repository.logger, data: workerDataOf(repository, lock) })
    : keeper;
  keeper.start();
  let released: Promise<void> | undefined;
  return {
    get id() {
      return keeper.id;
    },
    exclusive: lock.exclusive,
    lost: lost.signal,
    assertHeld: () => keepAliveDuring(() => active.confirm()),
    release: () =>
      (released ??= keepAliveDuring(() => active.release()).catch((error: unknown) => {
        repository.logger.warn(`the lock could not be removed: ${describeError(error)}`);
      })),
  };
}

/** A virtual clock cannot follow into another thread; what lives in this process's memory cannot either. */
function wantsThread(repository: Repository, options: LockOptions, clock: Clock): boolean {
  if (options.keeper === 'in-process' || clock !== systemClock) return false;
  try {
    return parseStoreLocation(repository.store.url).kind !== 'memory';
  } catch {
    return false;
  }
}

function workerDataOf(repository: Repository, lock: LockFile) {
  const { encrypt, macK, macR } = repository.masterKey;
  // Copies: a view would take the whole of its underlying memory along to the thread.
  const masterKey = {
    encrypt: Uint8Array.from(encrypt),
    macK: Uint8Array.from(macK),
    macR: Uint8Array.from(macR),
  };
  const { url, settings } = repository.store;
  return { url, settings, masterKey, version: repository.config.version, lock };
}

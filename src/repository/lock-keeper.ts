import type { Clock } from '../base/clock.ts';
import { CancelledError, RepositoryError, throwIfAborted } from '../base/errors.ts';
import type { LockFile } from './format/lock-file.ts';
import { formatTimestamp } from './format/timestamp.ts';
import type { LockFolder, SealedLock } from './lock-folder.ts';

/** restic's: a lock is written anew this often. */
export const refreshIntervalMs = 5 * 60_000;
/** Anybody may remove a lock that was not refreshed for so long. */
export const staleAfterMs = 30 * 60_000;
/** restic's margin: beyond this age a lock must be confirmed before its holder may rely on it again. */
export const doubtAfterMs = staleAfterMs - 1.5 * refreshIntervalMs;
/** Between writing a lock and looking whether another one was written at the same moment. */
export const settleMs = 200;

/** Timers stand still while a machine sleeps, so the clocks are looked at this often. */
const pollMs = 1000;
/** After a failed refresh; the store has by then tried again by itself. */
const retryAfterMs = 60_000;
/** What is left until a lock in doubt becomes stale is 7.5 minutes; a store that takes so long to answer is gone. */
const confirmationLimitMs = 60_000;
const removalLimitMs = 60_000;

/** Where a lock stands: enough for another keeper, in another thread, to go on with it. */
export interface LockState {
  /** The lock file that is ours now. */
  readonly id: string;
  /** Wall-clock time just before it was written. */
  readonly confirmedMs: number;
}

export interface LockKeeperOptions {
  readonly folder: LockFolder;
  /** What our lock files say, but for the time. */
  readonly lock: LockFile;
  readonly state: LockState;
  readonly clock: Clock;
  /** Called before a lock file of this id may come to exist. */
  readonly onWrite?: ((id: string) => void) | undefined;
  readonly onConfirmed?: ((state: LockState) => void) | undefined;
  /** Called once, when the lock can no longer be believed. */
  readonly onLost: (reason: RepositoryError) => void;
}

/**
 * Keeps one lock alive: refreshes it every five minutes, and when one of the clocks no longer vouches for the last
 * refresh, makes one attempt to confirm that the lock was never removed. Guaranteed: a lock that somebody removed, or
 * could have removed as stale without our noticing, is lost and stays so.
 */
export class LockKeeper {
  readonly #options: LockKeeperOptions;
  readonly #clock: Clock;
  /** Every lock file of ours that may exist. */
  readonly #written = new Set<string>();
  #id: string;
  #confirmedMs = 0;
  #confirmedMonotonicMs = 0;
  #refreshNotBeforeMs = 0;
  #watching = new AbortController();
  #refreshing: { readonly done: Promise<void>; readonly abort: AbortController } | undefined;
  #confirming: { readonly done: Promise<void>; readonly abort: AbortController } | undefined;
  #lost: RepositoryError | undefined;

  constructor(options: LockKeeperOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#id = options.state.id;
    this.adopt(options.state);
    this.#watching.abort();
  }

  get id(): string {
    return this.#id;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  get state(): LockState {
    return { id: this.#id, confirmedMs: this.#confirmedMs };
  }

  /** How long ago the lock was surely ours: by the wall clock, or by the monotonic one when that says more. */
  get ageMs(): number {
    const wallMs = this.#clock.nowMs() - this.#confirmedMs;
    return Math.max(wallMs, this.#clock.monotonicMs() - this.#confirmedMonotonicMs);
  }

  start(): void {
    if (!this.#watching.signal.aborted || this.#lost !== undefined) return;
    this.#watching = new AbortController();
    void this.#watch(this.#watching.signal);
  }

  /** Stops refreshing; the lock stays. Resolves when no request is under way. */
  async pause(): Promise<void> {
    this.#watching.abort();
    for (const request of [this.#refreshing, this.#confirming]) {
      request?.abort.abort();
      await request?.done;
    }
  }

  /** Notes a file that another keeper of this lock is about to write. */
  expect(id: string): void {
    this.#written.add(id);
  }

  /** Takes over what another keeper of this lock has confirmed. */
  adopt(state: LockState): void {
    this.#id = state.id;
    this.#written.add(state.id);
    this.#confirmedMs = state.confirmedMs;
    const elapsedMs = Math.max(0, this.#clock.nowMs() - state.confirmedMs);
    this.#confirmedMonotonicMs = this.#clock.monotonicMs() - elapsedMs;
  }

  /** Resolves when the lock is surely held, which may take one attempt to confirm it; rejects when it is lost. */
  async confirm(): Promise<void> {
    while (this.#lost === undefined && this.ageMs > doubtAfterMs) {
      const confirming = (this.#confirming ??= this.#startConfirming());
      await confirming.done;
      throwIfAborted(confirming.abort.signal);
    }
    if (this.#lost !== undefined) throw this.#lost;
  }

  lose(reason: RepositoryError): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    this.#watching.abort();
    this.#options.onLost(reason);
  }

  /** Ends keeping and deletes every lock file of ours. */
  async release(): Promise<void> {
    await this.pause();
    await withinMs(removalLimitMs, this.#clock, (signal) => this.#remove([...this.#written], signal));
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#clock.sleep(pollMs, signal);
      } catch {
        return;
      }
      if (this.#confirming !== undefined) continue;
      if (this.ageMs > doubtAfterMs) void this.confirm().catch(() => undefined);
      else if (this.#isRefreshDue()) this.#startRefresh();
    }
  }

  #isRefreshDue(): boolean {
    if (this.#refreshing !== undefined || this.ageMs < refreshIntervalMs) return false;
    return this.#clock.monotonicMs() >= this.#refreshNotBeforeMs;
  }

  #startRefresh(): void {
    const abort = new AbortController();
    this.#refreshNotBeforeMs = this.#clock.monotonicMs() + retryAfterMs;
    const done = this.#refresh(abort.signal)
      // What could not be refreshed now can be in a minute; after 22.5 minutes the lock is in doubt.
      .catch(() => undefined)
      .finally(() => (this.#refreshing = undefined));
    this.#refreshing = { done, abort };
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    if (!(await this.#options.folder.exists(this.#id, signal))) return this.lose(removedByOther(this.#id));
    const next = await this.#writeNext(signal);
    // A pause in between may have outlasted the old lock; then only its still being there proves anything.
    if (this.ageMs <= doubtAfterMs) await this.#replaceBy(next, signal);
  }

  #startConfirming(): { done: Promise<void>; abort: AbortController } {
    const abort = new AbortController();
    const done = this.#confirm(abort.signal).finally(() => (this.#confirming = undefined));
    return { done, abort };
  }

  async #confirm(paused: AbortSignal): Promise<void> {
    this.#refreshing?.abort.abort();
    await this.#refreshing?.done;
    try {
      await withinMs(confirmationLimitMs, this.#clock, (signal) => this.#renew(signal), paused);
    } catch (cause) {
      if (paused.aborted) return;
      if (cause instanceof RepositoryError && cause.code === 'locked') return this.lose(cause);
      this.lose(
        new RepositoryError('locked', 'the lock could not be refreshed in time', {
          where: `locks/${this.#id}`,
          advice: 'run the command again when the store answers',
          cause,
        }),
      );
    }
  }

  /** The second look tells that the old lock outlived the writing of the new one, so that one of them always stood. */
  async #renew(signal: AbortSignal): Promise<void> {
    const { folder } = this.#options;
    if (!(await folder.exists(this.#id, signal))) throw removedByOther(this.#id);
    const next = await this.#writeNext(signal);
    await this.#clock.sleep(settleMs, signal);
    if (!(await folder.exists(this.#id, signal))) throw removedByOther(this.#id);
    await this.#replaceBy(next, signal);
  }

  async #writeNext(signal: AbortSignal): Promise<LockState> {
    const confirmedMs = this.#clock.nowMs();
    const next: SealedLock = this.#options.folder.seal({
      ...this.#options.lock,
      time: lockTime(confirmedMs),
    });
    this.#written.add(next.id);
    this.#options.onWrite?.(next.id);
    await this.#options.folder.put(next, signal);
    return { id: next.id, confirmedMs };
  }

  async #replaceBy(next: LockState, signal: AbortSignal): Promise<void> {
    this.adopt(next);
    this.#options.onConfirmed?.(next);
    // Files that stay behind here are tried again with the next refresh, and by release.
    await this.#remove(
      [...this.#written].filter((id) => id !== next.id),
      signal,
    ).catch(() => undefined);
  }

  async #remove(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const removals = ids.map(async (id) => {
      await this.#options.folder.remove(id, signal);
      this.#written.delete(id);
    });
    const failed = (await Promise.allSettled(removals)).find((removal) => removal.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

/** The time of a lock file. */
export function lockTime(nowMs: number): string {
  return formatTimestamp(BigInt(Math.round(nowMs)) * 1_000_000n);
}

/** Runs the work with a signal that fires after `ms`, or when the caller's does. */
export async function withinMs<T>(
  ms: number,
  clock: Clock,
  work: (signal: AbortSignal) => Promise<T>,
  caller?: AbortSignal,
): Promise<T> {
  throwIfAborted(caller);
  const ended = new AbortController();
  const limit = new AbortController();
  const signal = caller === undefined ? limit.signal : AbortSignal.any([limit.signal, caller]);
  const timer = clock.sleep(ms, ended.signal).then(
    () => limit.abort(new CancelledError(`no answer within ${ms} ms`)),
    () => undefined,
  );
  try {
    return await work(signal);
  } finally {
    ended.abort();
    await timer;
  }
}

function removedByOther(id: string): RepositoryError {
  return new RepositoryError('locked', 'our lock was removed by another process', {
    where: `locks/${id}`,
    advice: 'find out who ran `unlock`, then run the command again',
  });
}

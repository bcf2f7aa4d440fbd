import type { Clock } from '../../base/clock.ts';
import { StoreError, TranshipError, throwIfAborted } from '../../base/errors.ts';
import { systemClock } from '../../base/system-clock.ts';
import type { ObjectStore } from './store.ts';

const LISTED = 'keys/';

/** Whether a store answers, and since when by the watch's clock. */
export type StoreState =
  | { readonly kind: 'reachable'; readonly sinceMs: number }
  | { readonly kind: 'gone'; readonly sinceMs: number; readonly error: TranshipError };

/** How a store is watched. */
export interface StoreWatchOptions {
  /** Between the end of one look and the next. */
  readonly intervalMs: number;
  /** How long a look may take, tries included; then the store is gone with code `timeout`. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Called with the first state, and whenever it or its reason's code changes; must not throw. */
  readonly onChange: (state: StoreState) => void;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

/**
 * Looks at a store again and again while a program holds it open, so that a bucket that was deleted or credentials that
 * were revoked are noticed before the next pass needs them. A look lists one page.
 *
 * @example
 * const end = new AbortController();
 * const watch = new StoreWatch(store, {
 *   intervalMs: 60_000,
 *   onChange: (state) => {
 *     console.log(state.kind === 'gone' ? state.error.code : 'reachable');
 *     end.abort();
 *   },
 * });
 * await watch.run(end.signal).catch((error: unknown) => {
 *   if (!(error instanceof CancelledError)) throw error;
 * });
 */
export class StoreWatch {
  readonly #store: ObjectStore;
  readonly #options: StoreWatchOptions;
  readonly #clock: Clock;
  #state: StoreState | undefined;

  constructor(store: ObjectStore, options: StoreWatchOptions) {
    this.#store = store;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** What the last look found; undefined before the first one. */
  get state(): StoreState | undefined {
    return this.#state;
  }

  /** Looks until the signal fires, which rejects with CancelledError; anything else that is thrown is a bug. */
  async run(signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.look(signal);
      await this.#clock.sleep(this.#options.intervalMs, signal);
    }
  }

  /** One look; resolves to the state. Rejects with CancelledError. */
  async look(signal?: AbortSignal): Promise<StoreState> {
    const error = await this.#failure(signal);
    const before = this.#state;
    const isSame =
      before !== undefined && (before.kind === 'gone' ? before.error.code : undefined) === error?.code;
    if (isSame) return before;
    const sinceMs = this.#clock.nowMs();
    const state: StoreState =
      error === undefined ? { kind: 'reachable', sinceMs } : { kind: 'gone', sinceMs, error };
    this.#state = state;
    this.#options.onChange(state);
    return state;
  }

  async #failure(signal: AbortSignal | undefined): Promise<TranshipError | undefined> {
    throwIfAborted(signal);
    const limit = new AbortController();
    const { timeoutMs = 30_000 } = this.#options;
    const waiting = this.#clock.sleep(timeoutMs, limit.signal).then(
      () => limit.abort(this.#silence(timeoutMs)),
      () => undefined,
    );
    const either = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal]);
    try {
      for await (const _ of this.#store.list(LISTED, { signal: either })) break;
      return undefined;
    } catch (error) {
      throwIfAborted(signal);
      if (error instanceof TranshipError) return error;
      throw error;
    } finally {
      limit.abort();
      await waiting;
    }
  }

  #silence(timeoutMs: number): StoreError {
    const what = `the store has not answered within ${timeoutMs / 1000} s`;
    return new StoreError('timeout', what, { where: this.#store.url, retryable: true });
  }
}

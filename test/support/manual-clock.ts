import type { Clock } from '../../src/base/clock.ts';
import { CancelledError, throwIfAborted } from '../../src/base/errors.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** A clock that stands still until the test moves it. Sleepers wake in order, each before time goes further. */
export class ManualClock implements Clock {
  readonly #sleepers = new Set<Sleeper>();
  #wallMs: number;
  #monotonicMs = 1000;

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#wallMs = nowMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const abort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(new CancelledError(signal?.reason));
      };
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper = { dueMs: this.#monotonicMs + ms, wake };
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** Lets `ms` pass, with all that is to happen in that time. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await settle();
    for (let next = this.#nextUntil(endMs); next !== undefined; next = this.#nextUntil(endMs)) {
      this.#moveTo(next.dueMs);
      next.wake();
      await settle();
    }
    this.#moveTo(endMs);
    await settle();
  }

  /** The machine sleeps, or its clock is set: wall-clock time passes, or goes back, while timers stand still. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  /** The wall clock is being set back as fast as time passes: only the monotonic clock tells. */
  passUnseen(ms: number): void {
    this.#monotonicMs += ms;
  }

  /** Moves time on, second by second, until the work has settled. */
  async advanceUntil<T>(work: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false;
    const settling = work.then(
      () => undefined,
      () => undefined,
    );
    void settling.then(() => (settled = true));
    await settle();
    for (let passedMs = 0; !settled && passedMs < limitMs; passedMs += 100) await this.advance(100);
    if (!settled) throw new Error(`not settled after ${limitMs} ms`);
    return work;
  }

  #nextUntil(endMs: number): Sleeper | undefined {
    const due = [...this.#sleepers].filter(({ dueMs }) => dueMs <= endMs);
    return due.sort((a, b) => a.dueMs - b.dueMs)[0];
  }

  #moveTo(monotonicMs: number): void {
    const passedMs = Math.max(0, monotonicMs - this.#monotonicMs);
    this.#wallMs += passedMs;
    this.#monotonicMs += passedMs;
  }
}

/** Until everything that does not wait for time has happened. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

import type { Clock } from '../../src/base/clock.ts';
import { abortError } from '../../src/base/errors.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/**
 * A clock that leaps to the next sleeper as soon as one sleeps, so that waits take no time. Only sleeps of two minutes
 * and more, deadlines, end when others have carried time that far: work that waits for an answer does not move it.
 */
export class LeapingClock implements Clock {
  readonly #sleepers = new Set<Sleeper>();
  readonly #beginMs: number;
  #passedMs = 0;

  constructor(beginMs = Date.now()) {
    this.#beginMs = beginMs;
  }

  nowMs(): number {
    return this.#beginMs + this.#passedMs;
  }

  monotonicMs(): number {
    return this.#passedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const isDeadline = ms >= 120_000;
      const end = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        end();
        if (signal !== undefined) reject(abortError(signal));
      };
      const wake = (): void => {
        end();
        resolve();
      };
      const sleeper = { dueMs: this.#passedMs + ms, wake };
      if (signal?.aborted === true) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.add(sleeper);
      if (!isDeadline) setImmediate(() => this.#leapTo(sleeper));
    });
  }

  /** Lets time pass at once. */
  pass(ms: number): void {
    this.#moveTo(this.#passedMs + ms);
  }

  #leapTo(sleeper: Sleeper): void {
    if (this.#sleepers.has(sleeper)) this.#moveTo(sleeper.dueMs);
  }

  /** Wakes everybody who is due on the way, in order. */
  #moveTo(ms: number): void {
    this.#passedMs = Math.max(this.#passedMs, ms);
    const due = [...this.#sleepers].filter(({ dueMs }) => dueMs <= this.#passedMs);
    for (const { wake } of due.sort((a, b) => a.dueMs - b.dueMs)) wake();
  }
}

import type { Clock } from '../../../src/base/clock.ts';
import { throwIfAborted } from '../../../src/base/errors.ts';

/** A clock on which a sleep takes no real time but moves the clock on. */
export class InstantClock implements Clock {
  /** Every sleep so far, in milliseconds. */
  readonly sleeps: number[] = [];
  #nowMs: number;

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    this.sleeps.push(ms);
    this.#nowMs += ms;
    await Promise.resolve();
    throwIfAborted(signal);
  }
}

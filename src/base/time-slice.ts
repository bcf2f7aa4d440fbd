import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from './errors.ts';

/** Long enough that a pause costs nothing, short enough that a signal, a timer or an answer does not wait. */
const sliceMs = 8;

/** For long loops of synchronous calls: tells when it is time to let other work in, and does so. */
export class TimeSlice {
  readonly #monotonicMs: () => number;
  readonly #signal: AbortSignal | undefined;
  #startMs: number;

  constructor(monotonicMs: () => number, signal: AbortSignal | undefined) {
    this.#monotonicMs = monotonicMs;
    this.#signal = signal;
    this.#startMs = monotonicMs();
  }

  get isOver(): boolean {
    return this.#monotonicMs() - this.#startMs >= sliceMs;
  }

  /** Lets everything run that is due, then begins a new slice. Rejects when the signal has fired. */
  async pause(): Promise<void> {
    await setImmediate();
    throwIfAborted(this.#signal);
    this.#startMs = this.#monotonicMs();
  }
}

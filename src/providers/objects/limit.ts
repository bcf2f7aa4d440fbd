import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import { TranshipError, abortError, throwIfAborted } from '../../base/errors.ts';
import type { ObjectDriver } from './driver.ts';
import { intercept } from './intercept.ts';
import type { Operation, Streamed } from './intercept.ts';

export interface LimitOptions {
  /** Requests at work at once, at least 1. Default: what the driver's capabilities say. */
  readonly connections?: number | undefined;
}

/**
 * A driver that works on a bounded number of requests at once; the others wait in order, and their
 * callers leave when their signal fires. A stream holds a place only while its next piece is being fetched, so a
 * caller that puts while it reads cannot starve itself. Aborting an upload waits for no place: it is how places
 * become free.
 * Where the server answers `throttled`, half of the places are taken away. They come back as requests succeed: doubled
 * up to half of the number that last worked, since a server that failed as a whole may be well again, and from there
 * one by one, since more may be what overloads it (slow start and congestion avoidance, as in RFC 5681). A request that
 * began before the last refusal brings none back: it shows what the server could do then.
 */
export function withLimit(driver: ObjectDriver, options: LimitOptions = {}): ObjectDriver {
  const places = new Places(options.connections ?? driver.capabilities.connections);
  return intercept(driver, {
    run: (operation, work) =>
      operation.kind === 'abort-multipart' ? work() : places.run(operation.signal, work),
    stream: (operation, open) => limitStream(places, operation, open),
  });
}

/** A number of places that shrinks when the server is overloaded. */
class Places {
  readonly #queue: LimitFunction;
  readonly #most: number;
  /** Places, with the fraction that successes have earned since the last whole one. */
  #allowed: number;
  /** Counts the cuts: what was sent before a cut says nothing about the load after it. */
  #cuts = 0;
  /** Up to how many places come back at once: half of those that were allowed when a request last succeeded. */
  #safe = Infinity;
  #hasSucceeded = true;

  constructor(most: number) {
    this.#queue = pLimit(most);
    this.#most = most;
    this.#allowed = most;
  }

  /** `isWhole` tells a request from a piece of one: only whole requests show that the server keeps up. */
  run<T>(signal: AbortSignal | undefined, work: () => Promise<T>, isWhole = true): Promise<T> {
    const counted = async (): Promise<T> => {
      const begunAt = this.#cuts;
      const result = await this.#watched(work);
      if (isWhole) this.succeeded(begunAt);
      return result;
    };
    if (signal === undefined) return this.#queue(counted);
    return new Promise<T>((resolve, reject) => {
      throwIfAborted(signal);
      // Once it runs, the work itself answers to the signal: rejecting here would free its place while it is busy.
      const leave = (): void => reject(abortError(signal));
      signal.addEventListener('abort', leave, { once: true });
      const begin = (): Promise<T> => {
        signal.removeEventListener('abort', leave);
        throwIfAborted(signal);
        return counted();
      };
      this.#queue(async () => begin()).then(resolve, reject);
    });
  }

  /** How often places were taken away. */
  get cuts(): number {
    return this.#cuts;
  }

  /** A request has ended that began after so many cuts. */
  succeeded(begunAt: number): void {
    if (begunAt !== this.#cuts) return;
    this.#hasSucceeded = true;
    if (this.#allowed >= this.#most) return;
    this.#allow(this.#allowed + (this.#allowed < this.#safe ? 1 : 1 / this.#allowed));
  }

  async #watched<T>(work: () => Promise<T>): Promise<T> {
    const cuts = this.#cuts;
    try {
      return await work();
    } catch (error) {
      if (error instanceof TranshipError && error.code === 'throttled' && cuts === this.#cuts) {
        this.#cut();
      }
      throw error;
    }
  }

  #cut(): void {
    this.#cuts += 1;
    // Refusals that follow one another say nothing of what the server can do.
    if (this.#hasSucceeded) this.#safe = this.#allowed / 2;
    this.#hasSucceeded = false;
    this.#allow(this.#allowed / 2);
  }

  #allow(places: number): void {
    this.#allowed = Math.min(this.#most, Math.max(1, places));
    const whole = Math.floor(this.#allowed);
    if (whole !== this.#queue.concurrency) this.#queue.concurrency = whole;
  }
}

async function* limitStream<T extends Streamed>(
  places: Places,
  operation: Operation,
  open: () => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const iterator = open()[Symbol.asyncIterator]();
  let finished = false;
  let begunAt: number | undefined;
  const next = (): Promise<IteratorResult<T>> => {
    begunAt ??= places.cuts;
    return iterator.next();
  };
  try {
    for (;;) {
      const result = await places.run(operation.signal, next, false);
      if (result.done === true) {
        finished = true;
        if (begunAt !== undefined) places.succeeded(begunAt);
        return;
      }
      yield result.value;
    }
  } finally {
    if (!finished) await iterator.return?.();
  }
}

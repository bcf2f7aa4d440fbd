import type { Clock } from '../../base/clock.ts';
import { abortError, throwIfAborted } from '../../base/errors.ts';
import { keepAliveDuring } from '../../base/keep-alive.ts';

/** What may be taken at once after a pause: so long at the rate of the moment. */
const burstMs = 100;
/** A rate that has changed is noticed within this time. */
const longestSleepMs = 1000;

export interface TokenBucketOptions {
  /** Tokens a second at this moment, above 0; Infinity for no limit. It is asked again and again. */
  readonly rate: () => number;
  /** What may be taken at once at the least, after a pause. Default 0: {@link burstMs} of the rate only. */
  readonly leastBurst?: number | undefined;
  readonly clock: Clock;
}

interface Taker {
  readonly amount: number;
  readonly go: () => void;
}

/**
 * Hands out tokens at a rate, in the order in which they are asked for: who takes a little at a time takes turns with
 * the others. Guaranteed at a constant rate: within any time no more is handed out than the rate allows, and the burst
 * or the largest amount taken, whichever is more.
 */
export class TokenBucket {
  readonly #options: TokenBucketOptions;
  readonly #takers = new Set<Taker>();
  #isPumping = false;
  /** Ends the sleep of a pump for which nobody waits any more. */
  #allLeft = new AbortController();
  /** Below zero after an amount larger than the burst. */
  #level: number;
  #levelMs: number;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
    this.#level = this.#burst(options.rate());
    this.#levelMs = options.clock.monotonicMs();
  }

  /** Resolves when the amount was taken; rejects when the signal fires before, and then takes nothing. */
  take(amount: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const leave = (): void => {
        this.#takers.delete(taker);
        if (this.#takers.size === 0) this.#allLeft.abort();
        if (signal !== undefined) reject(abortError(signal));
      };
      const go = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const taker = { amount, go };
      if (this.#takers.size === 0 && this.#takeNow(amount)) {
        resolve();
        return;
      }
      signal?.addEventListener('abort', leave, { once: true });
      this.#takers.add(taker);
      if (!this.#isPumping) void keepAliveDuring(() => this.#pump());
    });
  }

  /** Takes what was used already: whoever comes next waits for it. */
  charge(amount: number): void {
    this.#refill();
    if (this.#options.rate() !== Infinity) this.#level -= amount;
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    for (let first = this.#first(); first !== undefined; first = this.#first()) {
      if (this.#takeNow(first.amount)) {
        this.#takers.delete(first);
        first.go();
      } else {
        await this.#sleep(Math.min(longestSleepMs, this.#waitMs(first.amount)));
      }
    }
    this.#isPumping = false;
  }

  async #sleep(ms: number): Promise<void> {
    this.#allLeft = new AbortController();
    const { signal } = this.#allLeft;
    try {
      await this.#options.clock.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #first(): Taker | undefined {
    for (const taker of this.#takers) return taker;
    return undefined;
  }

  /** An amount larger than the burst is handed out when the bucket is full, and owed. */
  #takeNow(amount: number): boolean {
    const rate = this.#refill();
    if (rate === Infinity) return true;
    if (this.#level < Math.min(amount, this.#burst(rate))) return false;
    this.#level -= amount;
    return true;
  }

  #waitMs(amount: number): number {
    const rate = this.#options.rate();
    const missing = Math.min(amount, this.#burst(rate)) - this.#level;
    // At least one: a timer that is a fraction early would be set without end.
    return Math.max(1, Math.ceil((missing / rate) * 1000));
  }

  /** Adds what the time since the last look has earned, at the rate of now. */
  #refill(): number {
    const rate = this.#options.rate();
    const nowMs = this.#options.clock.monotonicMs();
    const earned = rate === Infinity ? Infinity : ((nowMs - this.#levelMs) / 1000) * rate;
    // No limit leaves neither debts nor savings.
    this.#level = rate === Infinity ? 0 : Math.min(this.#burst(rate), this.#level + earned);
    this.#levelMs = nowMs;
    return rate;
  }

  #burst(rate: number): number {
    if (rate === Infinity) return 0;
    return Math.max(this.#options.leastBurst ?? 0, (rate * burstMs) / 1000);
  }
}

import type { Clock } from '../../base/clock.ts';
import { TranshipError, throwIfAborted } from '../../base/errors.ts';
import { systemClock } from '../../base/system-clock.ts';
import type { OperationKind } from './intercept.ts';

const KEEP_ALIVE_MS = 60_000;

/** One failed attempt that will be repeated. */
export interface RetryEvent<Kind extends string = OperationKind> {
  readonly kind: Kind;
  readonly key: string;
  /** Failures since the operation began or last made progress, from 1. */
  readonly failures: number;
  readonly delayMs: number;
  readonly error: TranshipError;
}

export interface RetryOptions<Kind extends string = OperationKind> {
  /** Upper bound of the first wait; doubled after each failure. Default 1,000. */
  readonly firstDelayMs?: number | undefined;
  /** Default 60,000. */
  readonly maxDelayMs?: number | undefined;
  /** How long after its first failure since it last made progress an operation is tried again. Default 15 minutes. */
  readonly budgetMs?: number | undefined;
  /** Called before each wait; must not throw. */
  readonly onRetry?: ((event: RetryEvent<Kind>) => void) | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

export interface AttemptsOptions<Kind extends string = OperationKind> extends RetryOptions<Kind> {
  /**
   * True where the budget begins with the operation. Default false, with its first failure: a body that is sent slowly,
   * as a limit may want it, has not failed.
   */
  readonly countsFirstAttempt?: boolean | undefined;
}

/** What is tried: `key` is the object's, the disk's or the snapshot's. */
export interface AttemptedOperation<Kind extends string = OperationKind> {
  readonly kind: Kind;
  readonly key: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * The tries of one operation: full jitter between 0 and a bound that doubles, as long as the budget lasts. A server
 * that says how long to leave it alone is left alone for as long, and the jitter comes on top: all are told the same.
 */
export class Attempts<Kind extends string = OperationKind> {
  readonly #operation: AttemptedOperation<Kind>;
  readonly #options: AttemptsOptions<Kind>;
  readonly #clock: Clock;
  #failures = 0;
  /** When the budget began; undefined until it has. */
  #sinceMs: number | undefined;

  constructor(operation: AttemptedOperation<Kind>, options: AttemptsOptions<Kind>) {
    this.#operation = operation;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    if (options.countsFirstAttempt === true) this.#sinceMs = this.#clock.monotonicMs();
  }

  /** Failures since the beginning or the last progress. */
  get failures(): number {
    return this.#failures;
  }

  /** Something new arrived: the budget and the waits begin anew. */
  progress(): void {
    this.#failures = 0;
    this.#sinceMs = undefined;
  }

  /** Resolves when the next attempt may begin; rethrows the error when there is none. */
  async waitAfter(error: unknown): Promise<void> {
    const { kind, key, signal } = this.#operation;
    throwIfAborted(signal);
    if (!(error instanceof TranshipError) || !error.retryable) throw error;
    const {
      firstDelayMs = 1_000,
      maxDelayMs = 60_000,
      budgetMs = 15 * 60_000,
      random = Math.random,
    } = this.#options;
    const jitterMs = random() * Math.min(maxDelayMs, firstDelayMs * 2 ** this.#failures);
    const delayMs = (error.retryAfterMs ?? 0) + jitterMs;
    const nowMs = this.#clock.monotonicMs();
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#sinceMs + delayMs > budgetMs) throw error;
    this.#failures += 1;
    this.#options.onRetry?.({ kind, key, failures: this.#failures, delayMs, error });
    // A clock's sleep lets the process end; a run whose every request waits for a sick store must not end so.
    const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
    try {
      await this.#clock.sleep(delayMs, signal);
    } finally {
      clearInterval(keepAlive);
    }
  }
}

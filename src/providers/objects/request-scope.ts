import { StoreError, UsageError, abortError, throwIfAborted } from '../../base/errors.ts';
import type { BodyEvents } from './body-stream.ts';
import type { Pace } from './driver.ts';
import { IdleTimer } from './idle-timer.ts';

/**
 * A server that may have the whole request carries it out whether its client waits or not. To tell a cancelled caller
 * what became of the object, the answer is waited for this long.
 */
const ANSWER_LIMIT_MS = 5000;
const IDLE_TIMEOUT_MS = 120_000;
/** What Node's timers take. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The idle limit that the settings want, or the default; throws UsageError for one that no timer can keep. */
export function checkedIdleTimeoutMs(idleTimeoutMs = IDLE_TIMEOUT_MS): number {
  if (idleTimeoutMs >= 1 && idleTimeoutMs <= MAX_TIMEOUT_MS) return idleTimeoutMs;
  const where = String(idleTimeoutMs);
  throw new UsageError('the idle timeout must be between 1 ms and 24 days', { where });
}

/**
 * One request on its way: it ends when its caller's signal fires, and when neither side has moved a byte for the idle
 * limit. No SDK has such a limit on bodies: a peer that falls silent would otherwise be waited for without end.
 */
export class RequestScope {
  readonly #controller = new AbortController();
  readonly #callerSignal: AbortSignal | undefined;
  readonly #idleLimitMs: number;
  readonly #where: string;
  #idle: IdleTimer | undefined;
  #grace: NodeJS.Timeout | undefined;
  #isSent = false;
  #fellSilent = false;

  constructor(where: string, idleLimitMs: number, callerSignal: AbortSignal | undefined) {
    this.#where = where;
    this.#idleLimitMs = idleLimitMs;
    this.#callerSignal = callerSignal;
    throwIfAborted(callerSignal);
    callerSignal?.addEventListener('abort', this.#leave, { once: true });
    this.resume();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The answer has begun; what comes on its socket shows that the server is there. */
  watch(socket: { readonly bytesRead: number }): void {
    this.#idle?.watch(() => socket.bytesRead);
  }

  /** Bytes moved. */
  readonly touch = (): void => this.#idle?.touch();

  /** What the request asks for may come to be from now on: it has no body, or its last byte was handed over. */
  readonly markSent = (): void => {
    this.#isSent = true;
  };

  /** It is the caller, not the server, who is waited for. */
  pause(): void {
    this.#idle?.stop();
    this.#idle = undefined;
  }

  resume(): void {
    this.#idle ??= new IdleTimer(this.#idleLimitMs, () => this.#giveUp());
  }

  /** What a body that is sent tells of itself. While it is held back by its pace the idle limit stands still. */
  bodyEvents(pace: Pace | undefined): BodyEvents {
    const held = async (bytes: number): Promise<void> => {
      this.pause();
      await pace?.(bytes, this.signal);
      this.resume();
    };
    return { onSlice: this.touch, onEnd: this.markSent, pace: pace === undefined ? undefined : held };
  }

  /** Why the request ended where this scope ended it; undefined where it failed by itself. */
  get failure(): unknown {
    if (!this.#controller.signal.aborted) return undefined;
    const reason: unknown = this.#controller.signal.reason;
    return reason;
  }

  /** True where it was the idle limit that ended it, not its caller. */
  get fellSilent(): boolean {
    return this.#fellSilent;
  }

  close(): void {
    this.pause();
    clearTimeout(this.#grace);
    this.#callerSignal?.removeEventListener('abort', this.#leave);
    // A request that was answered before its end, or whose answer nobody read, would keep its socket for ever.
    this.#controller.abort();
  }

  readonly #leave = (): void => {
    if (this.#callerSignal === undefined) return;
    const reason = abortError(this.#callerSignal);
    if (this.#isSent) this.#grace = setTimeout(() => this.#controller.abort(reason), ANSWER_LIMIT_MS);
    else this.#controller.abort(reason);
  };

  #giveUp(): void {
    if (this.#controller.signal.aborted) return;
    this.#fellSilent = true;
    this.#controller.abort(this.#silence());
  }

  #silence(): StoreError {
    const seconds = this.#idleLimitMs / 1000;
    return new StoreError('timeout', `the server neither sent nor took anything for ${seconds} s`, {
      where: this.#where,
      retryable: true,
    });
  }
}

/** Time as the rest of the code sees it, so that tests can move it. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Monotonic milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with CancelledError when the signal fires. Must not keep the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

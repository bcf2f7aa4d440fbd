import type { Clock } from '../base/clock.ts';
import { CancelledError, DiskError } from '../base/errors.ts';

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** What the time is for, as its error names it. */
  readonly what: string;
  readonly where: string;
  readonly advice: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs work whose signal fires when the caller's does, and with DiskError `timeout` when the time is over. Waits of the
 * work keep nothing alive: see `keepAliveDuring`.
 */
export async function withDeadline<T>(
  options: DeadlineOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, deadlineMs, what, where, advice } = options;
  const passed = new AbortController();
  const done = new AbortController();
  const signals = options.signal === undefined ? [] : [options.signal];
  clock.sleep(deadlineMs, done.signal).then(
    () => passed.abort(new DiskError('timeout', what, { where, advice })),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([...signals, passed.signal]));
  } catch (error) {
    // Whoever was told to stop may not say why.
    throw error instanceof CancelledError && options.signal?.aborted !== true && passed.signal.aborted
      ? passed.signal.reason
      : error;
  } finally {
    done.abort();
  }
}

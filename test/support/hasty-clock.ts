import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/system-clock.ts';

/** The wait of the lock protocol; longer waits are limits of time, which must not fire early. */
const LONGEST_SKIPPED_MS = 200;

/**
 * The machine's clock on which waits up to 200 ms take no time. Monotonic time runs `speed` times as fast (default 1),
 * so that what happens every ten minutes happens in a short pass.
 */
export function hastyClock(speed = 1): Clock {
  return {
    nowMs: () => systemClock.nowMs(),
    monotonicMs: () => systemClock.monotonicMs() * speed,
    sleep: (ms, signal) => systemClock.sleep(ms <= LONGEST_SKIPPED_MS ? 0 : ms, signal),
  };
}

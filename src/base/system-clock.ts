import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import { abortError, throwIfAborted } from './errors.ts';

/** Longest delay that Node's timers take; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const end = performance.now() + ms;
  try {
    for (let rest = ms; rest > 0; rest = end - performance.now()) {
      await delay(Math.min(rest, MAX_DELAY_MS), undefined, {
        ref: false,
        ...(signal === undefined ? {} : { signal }),
      });
    }
  } catch (error) {
    throw signal?.aborted === true ? abortError(signal) : error;
  }
}

/** The machine's own clock and timers. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep,
};

import { throwIfAborted } from '../../base/errors.ts';
import { minimumScryptCost } from './scrypt-cost.ts';
import type { ScryptCost } from './scrypt-cost.ts';
import { scrypt } from './scrypt.ts';

/** As restic: half a second of work, at most 60 MiB of memory, which makes N = 2^15. */
const targetMs = 500;
const largestN = 2 ** 15;

/** Keeps N*r*p within what every opener accepts, on however fast a machine. */
const largestP = 64;

export interface CalibrateScryptOptions {
  /** Runs one derivation and returns its milliseconds. Default: on this machine. */
  readonly measure?: ((cost: ScryptCost) => Promise<number>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The cost that takes this machine about half a second: N as large as the memory allows and time permits, then p to
 * fill the time. Guaranteed: never below `minimumScryptCost`, however slow or busy the machine is.
 */
export async function calibrateScrypt(options: CalibrateScryptOptions = {}): Promise<ScryptCost> {
  const { measure = measureScrypt, signal } = options;
  const { r } = minimumScryptCost;
  let N = largestN;
  let elapsedMs = await measure({ N, r, p: 1 });
  throwIfAborted(signal);
  while (elapsedMs > targetMs && N > minimumScryptCost.N) {
    N /= 2;
    elapsedMs = await measure({ N, r, p: 1 });
    throwIfAborted(signal);
  }
  const p = Math.min(largestP, Math.max(minimumScryptCost.p, Math.floor(targetMs / Math.max(1, elapsedMs))));
  return { N, r, p };
}

async function measureScrypt(cost: ScryptCost): Promise<number> {
  const startMs = performance.now();
  await scrypt('calibration', Buffer.alloc(64), cost);
  return performance.now() - startMs;
}

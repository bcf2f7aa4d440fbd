import type { Clock } from '../../base/clock.ts';
import type { AbortableOptions, ObjectDriver } from './driver.ts';
import { intercept } from './intercept.ts';
import type { Operation, Streamed } from './intercept.ts';
import { TokenBucket } from './token-bucket.ts';

/** Entries that a page of a listing has at least, with every service. */
const entriesPerPage = 1000;
const usualKeysPerDeletion = 1000;

export interface RequestRateOptions {
  /** Above 0. */
  readonly requestsPerSecond: number;
  readonly clock: Clock;
}

/**
 * A driver that sends at most so many requests a second, of whatever kind; the others wait in order, and leave when
 * their signal fires. A listing counts once for 1,000 entries, as services answer it, and keys that are deleted
 * together once for as many as the driver's capabilities say. More is sent than is counted only where a service turns
 * out to take no deletion of many, as some that speak Azure's language. To be put below `retry`, so that every attempt
 * counts.
 */
export function withRequestRate(driver: ObjectDriver, options: RequestRateOptions): ObjectDriver {
  const { requestsPerSecond, clock } = options;
  const { keysPerDeletion = usualKeysPerDeletion } = driver.capabilities;
  const bucket = new TokenBucket({ rate: () => requestsPerSecond, leastBurst: 1, clock });
  const counted = intercept(driver, {
    run: async (operation, work) => {
      await bucket.take(1, operation.signal);
      return work();
    },
    stream: (operation, open) => countPages(bucket, operation, open),
  });
  return {
    ...counted,
    deleteMany: async (keys: readonly string[], deleteOptions: AbortableOptions) => {
      for (let start = 0; start < keys.length; start += keysPerDeletion) {
        await bucket.take(1, deleteOptions.signal);
        await driver.deleteMany(keys.slice(start, start + keysPerDeletion), deleteOptions);
      }
    },
  };
}

async function* countPages<T extends Streamed>(
  bucket: TokenBucket,
  operation: Operation,
  open: () => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  await bucket.take(1, operation.signal);
  let entries = 0;
  for await (const item of open()) {
    if (operation.kind === 'list' && entries > 0 && entries % entriesPerPage === 0) {
      await bucket.take(1, operation.signal);
    }
    entries++;
    yield item;
  }
}

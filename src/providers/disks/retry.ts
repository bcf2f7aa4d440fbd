import { allOf } from '../../base/all-of.ts';
import { DiskError } from '../../base/errors.ts';
import { Attempts } from '../objects/attempts.ts';
import type { RetryOptions } from '../objects/attempts.ts';
import type { AbortableOptions } from '../objects/driver.ts';
import type { DiskDriver, DiskListOptions } from './driver.ts';

/** The calls of a driver that reach its cloud. */
export type DiskCall = Exclude<keyof DiskDriver, 'provider' | 'capabilities' | 'close'>;

/** True where nobody can tell whether a call that makes something has made it. */
export function leavesOpen(error: unknown): boolean {
  return error instanceof DiskError && (error.code === 'unavailable' || error.code === 'timeout');
}

/**
 * A driver that tries again what failed with a `retryable` error, waiting as {@link RetryOptions} says. A call that
 * makes something is tried again only after an error that says that nothing was made: whoever called it knows whether
 * it must look first, and must know that there may be something even when a later try is refused.
 */
export function withDiskRetry(driver: DiskDriver, options: RetryOptions<DiskCall>): DiskDriver {
  const again = <T>(kind: DiskCall, key: string, { signal }: AbortableOptions, work: () => Promise<T>) =>
    runAgain(work, new Attempts<DiskCall>({ kind, key, signal }, options), () => true);
  const making = async <T>(
    kind: DiskCall,
    key: string,
    { signal }: AbortableOptions,
    work: () => Promise<T>,
  ): Promise<T> =>
    runAgain(work, new Attempts<DiskCall>({ kind, key, signal }, options), (error) => !leavesOpen(error));
  const listing = async function* <Item>(
    kind: DiskCall,
    list: (of: DiskListOptions) => AsyncIterable<Item>,
    of: DiskListOptions,
  ): AsyncGenerator<Item, void, undefined> {
    // A listing has no order that would tell where to go on.
    yield* await again(kind, Object.keys(of.tags).join(), of, () => allOf(list(of)));
  };
  return {
    provider: driver.provider,
    capabilities: driver.capabilities,
    account: (of) => again('account', driver.provider, of, () => driver.account(of)),
    describeDisk: (id, of) => again('describeDisk', id, of, () => driver.describeDisk(id, of)),
    createDisk: (disk, of) => making('createDisk', disk.snapshotId, of, () => driver.createDisk(disk, of)),
    deleteDisk: (id, of) => again('deleteDisk', id, of, () => driver.deleteDisk(id, of)),
    listDisks: (of) => listing('listDisks', (same) => driver.listDisks(same), of),
    describeSnapshot: (id, of) => again('describeSnapshot', id, of, () => driver.describeSnapshot(id, of)),
    createSnapshot: (snapshot, of) =>
      making('createSnapshot', snapshot.diskId, of, () => driver.createSnapshot(snapshot, of)),
    ...groupCalls(driver, making),
    deleteSnapshot: (id, of) => again('deleteSnapshot', id, of, () => driver.deleteSnapshot(id, of)),
    listSnapshots: (of) => listing('listSnapshots', (same) => driver.listSnapshots(same), of),
    shareSnapshot: (id, account, of) =>
      again('shareSnapshot', id, of, () => driver.shareSnapshot(id, account, of)),
    unshareSnapshot: (share, of) =>
      again('unshareSnapshot', share.snapshotId, of, () => driver.unshareSnapshot(share, of)),
    describeType: (type, region, of) =>
      again('describeType', type, of, () => driver.describeType(type, region, of)),
    listZones: (region, of) => again('listZones', region, of, () => driver.listZones(region, of)),
    describeQuotas: (of, signal) =>
      again('describeQuotas', of.region, signal, () => driver.describeQuotas(of, signal)),
    close: () => driver.close(),
  };
}

type Making = <T>(kind: DiskCall, key: string, of: AbortableOptions, work: () => Promise<T>) => Promise<T>;

/** What not every cloud can. */
function groupCalls(
  driver: DiskDriver,
  making: Making,
): Pick<DiskDriver, 'createSnapshots' | 'copySnapshot'> {
  const group = driver.createSnapshots?.bind(driver);
  const copy = driver.copySnapshot?.bind(driver);
  return {
    ...(group === undefined
      ? {}
      : {
          createSnapshots: (snapshots, of) =>
            making('createSnapshots', of.machineId, of, () => group(snapshots, of)),
        }),
    ...(copy === undefined
      ? {}
      : {
          copySnapshot: (wanted, of) => making('copySnapshot', wanted.snapshotId, of, () => copy(wanted, of)),
        }),
  };
}

async function runAgain<T>(
  work: () => Promise<T>,
  tries: Attempts<DiskCall>,
  mayRepeat: (error: unknown) => boolean,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!mayRepeat(error)) throw error;
      await tries.waitAfter(error);
    }
  }
}

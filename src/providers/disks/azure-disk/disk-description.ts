import type { Disk } from '@azure/arm-compute';
import { DiskError } from '../../../base/errors.ts';
import type { DiskDescription, DiskPerformance, DiskState } from '../driver.ts';
import { encryptionOf } from './encryption.ts';
import { formatResourceId, parseResourceId } from './resource-id.ts';
import { tagsOf } from './tags.ts';
import { locationName, zoneName } from './zones.ts';

export const GIBIBYTE = 2 ** 30;
/** Azure's megabytes of throughput are of powers of ten. */
const MEGABYTE = 1e6;
/** Types whose performance is set beside their size; what Azure tells of others follows from that. */
const ADJUSTABLE: ReadonlySet<string> = new Set(['PremiumV2_LRS', 'UltraSSD_LRS']);

/** States of a disk that a machine has, running or not. */
const ATTACHED: ReadonlySet<string> = new Set(['Attached', 'Reserved', 'Frozen', 'ActiveSASFrozen']);

/** A disk as the port describes it. */
export function describeDisk(disk: Disk): DiskDescription {
  const type = disk.sku?.name;
  if (disk.id === undefined || type === undefined) throw unreadable(disk.id);
  const id = parseResourceId(disk.id, 'disks');
  const region = locationName(disk.location);
  const state = stateOf(disk);
  return {
    provider: 'azure',
    id: formatResourceId(id),
    account: id.subscription,
    state,
    ...(state === 'failed' ? failure(disk.provisioningState) : {}),
    sizeBytes: disk.diskSizeBytes ?? (disk.diskSizeGB ?? 0) * GIBIBYTE,
    type,
    ...performanceOf(disk, type),
    region,
    zones: (disk.zones ?? []).map((zone) => zoneName(region, zone)),
    encryption: encryptionOf(disk.encryption),
    attachedTo: machinesOf(disk),
    tags: tagsOf(disk.tags),
    createdMs: disk.timeCreated?.getTime() ?? 0,
  };
}

/** Why there will be nothing; undefined unless Azure gave up what it had begun. It keeps the reason elsewhere. */
export function failureOf(provisioningState: string | undefined): string | undefined {
  if (provisioningState !== 'Failed' && provisioningState !== 'Canceled') return undefined;
  return `Azure ended it as ${provisioningState}: the activity log of its resource group says why`;
}

/** True for types whose snapshots are copied in the background before they can be used. */
export function isCopiedInBackground(type: string): boolean {
  return ADJUSTABLE.has(type);
}

/** What Azure is to be told of a disk's performance: nothing for a type that has it from its size. */
export function azurePerformance(type: string, performance: DiskPerformance): Partial<Disk> {
  if (!ADJUSTABLE.has(type)) return {};
  const { iops, throughputBytesPerSecond } = performance;
  return {
    ...(iops === undefined ? {} : { diskIopsReadWrite: iops }),
    ...(throughputBytesPerSecond === undefined
      ? {}
      : { diskMBpsReadWrite: Math.ceil(throughputBytesPerSecond / MEGABYTE) }),
  };
}

/** What is thrown of an answer that lacks what every disk and snapshot has. */
export function unreadable(where = 'azure'): DiskError {
  return new DiskError('unavailable', 'Azure’s answer lacks the id, the type or the location', {
    where,
    retryable: true,
  });
}

function failure(provisioningState: string | undefined): Pick<DiskDescription, 'failure'> {
  const why = failureOf(provisioningState);
  return why === undefined ? {} : { failure: why };
}

function performanceOf(disk: Disk, type: string): DiskPerformance {
  if (!ADJUSTABLE.has(type)) return {};
  const { diskIopsReadWrite, diskMBpsReadWrite } = disk;
  return {
    ...(diskIopsReadWrite === undefined ? {} : { iops: diskIopsReadWrite }),
    ...(diskMBpsReadWrite === undefined ? {} : { throughputBytesPerSecond: diskMBpsReadWrite * MEGABYTE }),
  };
}

/** Where a disk is copied into in the background, `completionPercent`, it can be used at once. */
function stateOf(disk: Disk): DiskState {
  const { provisioningState, diskState } = disk;
  if (provisioningState === 'Deleting') return 'deleting';
  // A machine has it: what failed then was a change of it, not its making.
  if (machinesOf(disk).length > 0) return 'in-use';
  if (failureOf(provisioningState) !== undefined) return 'failed';
  if (diskState !== undefined && ATTACHED.has(diskState)) return 'in-use';
  if (diskState === 'ReadyToUpload' || diskState === 'ActiveUpload') return 'creating';
  // Azure says `Updating` of what it makes as well as of what it changes; neither can be attached now.
  return provisioningState === 'Succeeded' ? 'available' : 'creating';
}

function machinesOf({ managedBy, managedByExtended = [] }: Disk): readonly string[] {
  return [
    ...new Set([...(managedBy === undefined || managedBy === '' ? [] : [managedBy]), ...managedByExtended]),
  ];
}

import type { Snapshot } from '@azure/arm-compute';
import { sourceDiskTag } from '../driver.ts';
import type { DiskSnapshotDescription, DiskSnapshotState } from '../driver.ts';
import { GIBIBYTE, failureOf, unreadable } from './disk-description.ts';
import { encryptionOf } from './encryption.ts';
import { formatResourceId, parseResourceId, readResourceId } from './resource-id.ts';
import { tagsOf } from './tags.ts';
import { locationName } from './zones.ts';

/** A snapshot as the port describes it. */
export function describeSnapshot(snapshot: Snapshot): DiskSnapshotDescription {
  if (snapshot.id === undefined) throw unreadable();
  const id = parseResourceId(snapshot.id, 'snapshots');
  const { [sourceDiskTag]: sourceDisk, ...tags } = tagsOf(snapshot.tags);
  const failure = whyFailed(snapshot);
  const progressPercent = progressOf(snapshot);
  return {
    provider: 'azure',
    id: formatResourceId(id),
    account: id.subscription,
    diskId: sourceDisk ?? sourceOf(snapshot),
    state: stateOf(snapshot, failure),
    ...(failure === undefined ? {} : { failure }),
    ...(progressPercent === undefined ? {} : { progressPercent }),
    diskSizeBytes: snapshot.diskSizeBytes ?? (snapshot.diskSizeGB ?? 0) * GIBIBYTE,
    regions: [locationName(snapshot.location)],
    encryption: encryptionOf(snapshot.encryption),
    tags,
    createdMs: snapshot.timeCreated?.getTime() ?? 0,
  };
}

function sourceOf({ creationData }: Snapshot): string {
  const source = creationData?.sourceResourceId ?? '';
  const id = readResourceId(source, 'disks') ?? readResourceId(source, 'snapshots');
  return id === undefined ? source : formatResourceId(id);
}

/**
 * A snapshot of Premium SSD v2 and Ultra disks, and a copy from another region, exists before its bytes do: both are
 * copied in the background, and can be restored from only when that is complete.
 */
function stateOf(snapshot: Snapshot, failure: string | undefined): DiskSnapshotState {
  const { provisioningState, completionPercent = 100, snapshotAccessState } = snapshot;
  if (failure !== undefined) return 'failed';
  if (provisioningState === 'Deleting') return 'deleting';
  if (provisioningState !== 'Succeeded') return 'pending';
  return completionPercent < 100 || snapshotAccessState === 'Pending' ? 'pending' : 'ready';
}

function progressOf({ provisioningState, completionPercent }: Snapshot): number | undefined {
  if (completionPercent !== undefined) return completionPercent;
  return provisioningState === 'Succeeded' ? 100 : undefined;
}

function whyFailed({ provisioningState, copyCompletionError }: Snapshot): string | undefined {
  if (copyCompletionError === undefined) return failureOf(provisioningState);
  return `${copyCompletionError.errorCode}: ${copyCompletionError.errorMessage}`;
}

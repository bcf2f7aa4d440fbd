import type { Snapshot, SnapshotInfo } from '@aws-sdk/client-ec2';
import { sourceDiskTag } from '../driver.ts';
import type { DiskEncryption, DiskSnapshotDescription, DiskSnapshotState } from '../driver.ts';
import { readTags } from './tags.ts';
import { bytesOfGib } from './units.ts';

/** One that is `recoverable` has been deleted, and lies in the Recycle Bin. */
const states: Readonly<Record<string, DiskSnapshotState>> = {
  pending: 'pending',
  recovering: 'pending',
  completed: 'ready',
  recoverable: 'deleting',
  error: 'failed',
};

/** A snapshot as one call gives it, or as it stands in the answer for several volumes, which knows less of its key. */
export function describeSnapshot(
  snapshot: Snapshot | SnapshotInfo,
  region: string,
  encryption: DiskEncryption,
): DiskSnapshotDescription {
  const state = states[snapshot.State ?? ''] ?? 'pending';
  const told = 'StateMessage' in snapshot ? snapshot.StateMessage : undefined;
  // EC2 calls the volume of every copy vol-ffffffff.
  const { [sourceDiskTag]: sourceDisk, ...tags } = readTags(snapshot.Tags);
  const progressPercent = percentOf(snapshot.Progress);
  return {
    provider: 'aws',
    id: snapshot.SnapshotId ?? '',
    account: snapshot.OwnerId ?? '',
    diskId: sourceDisk ?? snapshot.VolumeId ?? '',
    state,
    ...(state === 'failed' ? { failure: told ?? 'EBS reports the snapshot in state "error"' } : {}),
    ...(progressPercent === undefined ? {} : { progressPercent }),
    diskSizeBytes: bytesOfGib(snapshot.VolumeSize),
    regions: [region],
    encryption,
    tags,
    createdMs: snapshot.StartTime?.getTime() ?? 0,
  };
}

/** Of `42%`. */
function percentOf(progress: string | undefined): number | undefined {
  const found = /^(\d{1,3})%$/.exec(progress ?? '');
  return found === null ? undefined : Math.min(100, Number(found[1]));
}

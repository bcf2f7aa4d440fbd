import type { DiskQuota } from '../../providers/disks/driver.ts';
import type { PreflightFacts } from './facts.ts';

/** What a snapshot of the volume and its restored disk take of each quota that the cloud told, by the quota's name. */
export function quotaNeeds({ cloud, mapping }: PreflightFacts): Readonly<Record<string, number>> {
  const { disk, quotas = [] } = cloud ?? {};
  if (disk === undefined) return {};
  const isSameType = mapping.type === undefined || mapping.type === disk.type;
  const need: Readonly<Record<DiskQuota['unit'], number>> = {
    snapshots: 1,
    disks: 1,
    gib: Math.ceil((mapping.sizeBytes ?? disk.sizeBytes) / 2 ** 30),
    iops: mapping.iops ?? (isSameType ? (disk.iops ?? 0) : 0),
    'mib-per-second': Math.ceil(
      (mapping.throughputBytesPerSecond ?? (isSameType ? (disk.throughputBytesPerSecond ?? 0) : 0)) / 2 ** 20,
    ),
  };
  return Object.fromEntries(quotas.map(({ name, unit }) => [name, need[unit]]));
}

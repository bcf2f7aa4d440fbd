import type { DiskEncryption, DiskTags } from '../providers/disks/driver.ts';

/** What of a disk shall be otherwise than the source's was. */
export interface DiskMapping {
  readonly region?: string | undefined;
  /** One zone, or two replica zones, or none where the cloud needs none. */
  readonly zones?: readonly string[] | undefined;
  /** Another type has its own performance: IOPS and throughput are kept only where the type is. */
  readonly type?: string | undefined;
  /** At least the source's. */
  readonly sizeBytes?: number | undefined;
  readonly iops?: number | undefined;
  readonly throughputBytesPerSecond?: number | undefined;
  readonly encryption?: DiskEncryption | undefined;
  /** Google Cloud: project. Azure: subscription. */
  readonly account?: string | undefined;
  /** Azure: default the snapshot's own. */
  readonly resourceGroup?: string | undefined;
  /** Added to the source's labels, or in place of those of the same keys. */
  readonly tags?: DiskTags | undefined;
}

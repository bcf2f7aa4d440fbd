import type {
  DiskCapabilities,
  DiskDescription,
  DiskProvider,
  DiskQuota,
  DiskTypeLimits,
} from '../../providers/disks/driver.ts';
import type { DiskHandle } from '../../providers/disks/handle.ts';
import type { StorageClassFacts } from '../cluster-objects.ts';
import type { DiskMapping } from '../disk-mapping.ts';

/** One side of a migration. Plain data; what is undefined is not known, and no rule judges it. */
export interface PreflightCluster {
  readonly provider?: DiskProvider | undefined;
  readonly region?: string | undefined;
  /** Account, project or subscription in which it makes its disks. */
  readonly account?: string | undefined;
  /** Azure: resource group of its disks. */
  readonly resourceGroup?: string | undefined;
  /** Zones of its nodes; empty where they are not known. */
  readonly zones: readonly string[];
}

/** A storage class that somebody named, and what is known of it: undefined where its cluster has none of the name. */
export interface PreflightClass {
  readonly name: string;
  readonly facts?: StorageClassFacts | undefined;
}

/** What the cloud said. Plain data. */
export interface PreflightCloudFacts {
  /** Undefined where there is no such disk. */
  readonly disk?: DiskDescription | undefined;
  /** Of the type that the disk shall have in the target's region; undefined where that has none of it. */
  readonly typeLimits?: DiskTypeLimits | undefined;
  /** Zones of the target's region; empty where there is no such region. */
  readonly targetZones: readonly string[];
  readonly quotas: readonly DiskQuota[];
  /** Moments of earlier snapshots of the disk that are known, in milliseconds since the Unix epoch. */
  readonly snapshotsMs: readonly number[];
  readonly capabilities: Pick<
    DiskCapabilities,
    'copiesBetweenRegions' | 'sharesByAccount' | 'snapshotIntervalMs' | 'snapshotsPerDisk'
  >;
  readonly nowMs: number;
}

/** Everything that {@link preflight} judges by. Plain data. */
export interface PreflightFacts {
  readonly volume: string;
  /** What the volume is on, as its cluster names it: `ebs.csi.aws.com`, `kubernetes.io/gce-pd`, `nfs`. */
  readonly driver: string;
  /** Undefined where it is on no cloud's disk, or its handle has no known form. */
  readonly handle?: DiskHandle | undefined;
  readonly source: PreflightCluster;
  readonly target: PreflightCluster;
  readonly sourceClass?: PreflightClass | undefined;
  /** Undefined where none was named yet. */
  readonly targetClass?: PreflightClass | undefined;
  readonly repository: {
    /** Undefined where it is in no cloud that has disks. */
    readonly provider?: DiskProvider | undefined;
    readonly region?: string | undefined;
  };
  readonly pass: 'stage' | 'final';
  /** True where nothing writes to the volume until the snapshot is taken. */
  readonly quiesced: boolean;
  /** Accounts that the snapshot will be shared with. */
  readonly shareWith: readonly string[];
  /** What of the restored disk shall be otherwise than the source's is. */
  readonly mapping: DiskMapping;
  /** Units of each quota, by its name, that other volumes of the same migration take. */
  readonly planned?: Readonly<Record<string, number>> | undefined;
  /** Undefined where the cloud was not asked, since there was nothing to ask for. */
  readonly cloud?: PreflightCloudFacts | undefined;
}

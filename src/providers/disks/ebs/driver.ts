import type { Clock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import type { Logger } from '../../../base/logger.ts';
import { systemClock } from '../../../base/system-clock.ts';
import { ConnectionWarnings } from '../../objects/connection-warnings.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import { checkedIdleTimeoutMs } from '../../objects/request-scope.ts';
import type {
  DiskCapabilities,
  DiskDescription,
  DiskDriver,
  DiskListOptions,
  DiskQuota,
  DiskSnapshotDescription,
  DiskTypeLimits,
  NewDisk,
  NewDiskSnapshot,
  NewDiskSnapshotCopy,
  SnapshotShare,
} from '../driver.ts';
import type { AwsDiskSettings } from '../settings.ts';
import { Clients, checkedRegion } from './clients.ts';
import { GroupSnapshots } from './group-snapshots.ts';
import { CallerIdentity } from './identity.ts';
import { Keys } from './keys.ts';
import { Regions } from './regions.ts';
import { ServiceRegion } from './service-region.ts';
import { Snapshots } from './snapshots.ts';
import { volumeTypeOf } from './volume-types.ts';
import { LISTING_LAG_MS, Volumes } from './volumes.ts';
import { listZones } from './zones.ts';

export interface EbsDriverOptions {
  /** Default: AWS_REGION, else that of the profile. */
  readonly region?: string | undefined;
  readonly settings?: AwsDiskSettings | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
}

interface EbsParts {
  readonly regions: Regions;
  readonly identity: CallerIdentity;
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly groups: GroupSnapshots;
}

/** Volumes and snapshots of Amazon EBS in one region. */
export class EbsDriver implements DiskDriver {
  readonly provider = 'aws';
  readonly capabilities: DiskCapabilities = {
    // CreateSnapshot has no client token; CreateVolume has.
    repeatsSnapshotsSafely: false,
    repeatsDisksSafely: true,
    listingLagMs: LISTING_LAG_MS,
    groupsByMachine: true,
    copiesBetweenRegions: true,
    snapshotIntervalMs: 15_000,
  };
  readonly #parts: EbsParts;

  private constructor(parts: EbsParts) {
    this.#parts = parts;
  }

  /** Nothing is asked yet. Rejects with UsageError for settings that cannot be carried out, or without a region. */
  static async open({
    region,
    settings = {},
    clock = systemClock,
    logger = silentLogger,
  }: EbsDriverOptions): Promise<EbsDriver> {
    const idleTimeoutMs = checkedIdleTimeoutMs(settings.idleTimeoutMs);
    const clients = new Clients(settings, new ConnectionWarnings(logger));
    const home = await checkedRegion(region, settings);
    const regions = new Regions(home, (name) => new ServiceRegion(name, clients, idleTimeoutMs));
    const identity = new CallerIdentity(regions.home);
    const keys = new Keys(regions, identity);
    const snapshots = new Snapshots({ regions, keys, clock });
    return new EbsDriver({
      regions,
      identity,
      volumes: new Volumes({ regions, identity, keys, clock }),
      snapshots,
      groups: new GroupSnapshots({ regions, keys, snapshots }),
    });
  }

  account(options: AbortableOptions): Promise<string> {
    return this.#parts.identity.account(options);
  }

  describeDisk(diskId: string, options: AbortableOptions): Promise<DiskDescription | undefined> {
    return this.#parts.volumes.describe(diskId, options);
  }

  createDisk(disk: NewDisk, options: AbortableOptions): Promise<DiskDescription> {
    return this.#parts.volumes.create(disk, options);
  }

  deleteDisk(diskId: string, options: AbortableOptions): Promise<void> {
    return this.#parts.volumes.delete(diskId, options);
  }

  listDisks(options: DiskListOptions): AsyncIterable<DiskDescription> {
    return this.#parts.volumes.list(options);
  }

  describeSnapshot(
    snapshotId: string,
    options: AbortableOptions,
  ): Promise<DiskSnapshotDescription | undefined> {
    return this.#parts.snapshots.describe(snapshotId, options);
  }

  createSnapshot(snapshot: NewDiskSnapshot, options: AbortableOptions): Promise<DiskSnapshotDescription> {
    return this.#parts.snapshots.create(snapshot, options);
  }

  createSnapshots(
    snapshots: readonly NewDiskSnapshot[],
    options: AbortableOptions & { readonly machineId: string },
  ): Promise<readonly DiskSnapshotDescription[]> {
    return this.#parts.groups.create(snapshots, options);
  }

  copySnapshot(copy: NewDiskSnapshotCopy, options: AbortableOptions): Promise<DiskSnapshotDescription> {
    return this.#parts.snapshots.copy(copy, options);
  }

  deleteSnapshot(snapshotId: string, options: AbortableOptions): Promise<void> {
    return this.#parts.snapshots.delete(snapshotId, options);
  }

  listSnapshots(options: DiskListOptions): AsyncIterable<DiskSnapshotDescription> {
    return this.#parts.snapshots.list(options);
  }

  shareSnapshot(snapshotId: string, account: string, options: AbortableOptions): Promise<SnapshotShare> {
    return this.#parts.snapshots.share(snapshotId, account, options);
  }

  unshareSnapshot(share: SnapshotShare, options: AbortableOptions): Promise<void> {
    return this.#parts.snapshots.unshare(share, options);
  }

  /** The same in every region: EC2 has no call that tells. */
  async describeType(type: string): Promise<DiskTypeLimits | undefined> {
    const found = volumeTypeOf(type);
    if (found === undefined) return undefined;
    const { minSizeBytes, maxSizeBytes } = found;
    return { minSizeBytes, maxSizeBytes };
  }

  listZones(region: string, options: AbortableOptions): Promise<readonly string[]> {
    return listZones(region, this.#parts.regions, options);
  }

  /** EC2 tells none; Service Quotas, which does, does not tell what is used. */
  async describeQuotas(): Promise<readonly DiskQuota[]> {
    return [];
  }

  close(): Promise<void> {
    return this.#parts.regions.close();
  }
}

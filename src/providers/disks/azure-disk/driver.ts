import type { Disk, Snapshot } from '@azure/arm-compute';
import type { Clock } from '../../../base/clock.ts';
import { DiskError } from '../../../base/errors.ts';
import { silentLogger } from '../../../base/logger.ts';
import type { Logger } from '../../../base/logger.ts';
import { systemClock } from '../../../base/system-clock.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import { operationTag, sourceDiskTag } from '../driver.ts';
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
import type { AzureDiskSettings } from '../settings.ts';
import { GIBIBYTE, azurePerformance, describeDisk, isCopiedInBackground } from './disk-description.ts';
import { azureEncryption, encryptionOf } from './encryption.ts';
import type { FirstAnswer } from './first-answer.ts';
import { AzureDiskOffers } from './offers.ts';
import { actions } from './permissions.ts';
import { AzureDiskRequests } from './requests.ts';
import { formatResourceId, isSubscription, parseResourceId } from './resource-id.ts';
import type { ResourceId } from './resource-id.ts';
import { AzureDiskResources, refuseOther } from './resources.ts';
import { describeSnapshot } from './snapshot-description.ts';
import { MAX_VALUE, azureTags, hasTags, tagsOf } from './tags.ts';
import { isZoneRedundant } from '../zone-redundancy.ts';
import { locationName, zoneNumber } from './zones.ts';

export interface AzureDiskDriverOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Warned of what a user should know of how Azure is reached, each thing once. Default: nobody is. */
  readonly logger?: Logger | undefined;
}

/**
 * Managed disks of Azure. Names are the operations' ids, within a resource group; zones are written as Kubernetes
 * writes them, `westeurope-1`. Regions and types are compared as Azure's own programs write them.
 */
export class AzureDiskDriver implements DiskDriver {
  readonly provider = 'azure';
  readonly capabilities: DiskCapabilities = {
    repeatsSnapshotsSafely: true,
    repeatsDisksSafely: true,
    // Azure promises none.
    listingLagMs: 30_000,
    groupsByMachine: false,
    copiesBetweenRegions: true,
    sharesByAccount: false,
    // Seven within five minutes, one right after the other; the eighth is throttled.
    snapshotIntervalMs: 0,
    snapshotsPerDisk: 500,
  };
  readonly #requests: AzureDiskRequests;
  readonly #resources: AzureDiskResources;
  readonly #offers: AzureDiskOffers;
  readonly #clock: Clock;

  /** Throws UsageError for settings that cannot be carried out. */
  constructor(settings: AzureDiskSettings = {}, options: AzureDiskDriverOptions = {}) {
    this.#requests = new AzureDiskRequests(settings, options.logger ?? silentLogger);
    this.#resources = new AzureDiskResources(this.#requests);
    this.#offers = new AzureDiskOffers(this.#requests);
    this.#clock = options.clock ?? systemClock;
  }

  async account({ signal }: AbortableOptions): Promise<string> {
    return this.#requests.subscription(signal);
  }

  async describeDisk(diskId: string, { signal }: AbortableOptions): Promise<DiskDescription | undefined> {
    const disk = await this.#resources.findDisk(parseResourceId(diskId, 'disks'), signal);
    return disk === undefined ? undefined : describeDisk(disk);
  }

  async createDisk(disk: NewDisk, { signal }: AbortableOptions): Promise<DiskDescription> {
    const source = parseResourceId(disk.snapshotId, 'snapshots');
    const { operationId: name, account, resourceGroup } = disk;
    const id = await this.#newId({ kind: 'disks', name, source, resourceGroup }, signal);
    if (account !== undefined && account.toLowerCase() !== id.subscription) {
      throw elsewhere('a disk in another subscription', account, id.subscription);
    }
    const found = await this.#resources.findDisk(id, signal);
    if (found !== undefined) {
      refuseOther(found, id, disk.operationId);
      return describeDisk(found);
    }
    const snapshot = await this.#requireSnapshot(source, signal);
    const order: Disk = {
      location: locationName(disk.region),
      tags: azureTags({ ...disk.tags, [operationTag]: disk.operationId }),
      sku: { name: disk.type },
      ...(isZoneRedundant(disk.type) || disk.zones.length === 0 ? {} : { zones: disk.zones.map(zoneNumber) }),
      creationData: {
        createOption: 'Copy',
        sourceResourceId: formatResourceId(source),
        // Programs that wrote sectors of one size cannot read the disk with another.
        ...(isCopiedInBackground(disk.type) ? sectorOf(snapshot) : {}),
      },
      diskSizeGB: Math.ceil(disk.sizeBytes / GIBIBYTE),
      ...azurePerformance(disk.type, disk),
      encryption: await this.#encryption(disk, snapshot, signal),
      ...accessOf(snapshot),
    };
    const answer = await this.#resources.orderDisk(id, order, signal);
    return describeDisk({ ...order, ...this.#ordered(id, answer) });
  }

  async deleteDisk(diskId: string, { signal }: AbortableOptions): Promise<void> {
    await this.#resources.delete(parseResourceId(diskId, 'disks'), signal);
  }

  /** Azure lists by no tag of disks: all of the subscription are read. */
  async *listDisks({ tags, signal }: DiskListOptions): AsyncGenerator<DiskDescription, void, undefined> {
    const all = this.#requests.list((client) => client.disks.list(), {
      where: 'disks of the subscription',
      action: actions.readDisk,
      signal,
    });
    for await (const disk of all) {
      if (hasTags(tagsOf(disk.tags), tags)) yield describeDisk(disk);
    }
  }

  async describeSnapshot(
    snapshotId: string,
    { signal }: AbortableOptions,
  ): Promise<DiskSnapshotDescription | undefined> {
    const snapshot = await this.#resources.findSnapshot(parseResourceId(snapshotId, 'snapshots'), signal);
    return snapshot === undefined ? undefined : describeSnapshot(snapshot);
  }

  async createSnapshot(
    snapshot: NewDiskSnapshot,
    { signal }: AbortableOptions,
  ): Promise<DiskSnapshotDescription> {
    const source = parseResourceId(snapshot.diskId, 'disks');
    const { resourceGroup = source.resourceGroup, operationId } = snapshot;
    const subscription = await this.#requests.subscription(signal);
    if (source.subscription !== subscription) {
      throw elsewhere('a snapshot of a disk in another subscription', formatResourceId(source), subscription);
    }
    const id = idOf({ subscription, resourceGroup, kind: 'snapshots', name: operationId });
    const found = await this.#resources.findSnapshot(id, signal);
    if (found !== undefined) {
      refuseOther(found, id, operationId);
      return describeSnapshot(found);
    }
    const disk = await this.#resources.findDisk(source, signal);
    if (disk === undefined) throw missing('disk', source);
    const { encryption } = disk;
    const order: Snapshot = {
      location: locationName(disk.location),
      tags: azureTags({ ...snapshot.tags, [operationTag]: operationId }),
      incremental: snapshot.incremental ?? true,
      creationData: { createOption: 'Copy', sourceResourceId: formatResourceId(source) },
      ...(encryptionOf(encryption).kind === 'customer-key' && encryption !== undefined ? { encryption } : {}),
      ...accessOf(disk),
    };
    const answer = await this.#resources.orderSnapshot(id, order, signal);
    const isLater = isCopiedInBackground(disk.sku?.name ?? '');
    return describeSnapshot({
      ...order,
      ...sizeOf(disk),
      ...(isLater ? { completionPercent: 0 } : {}),
      ...this.#ordered(id, answer),
    });
  }

  /** Into the subscription of the credentials. Azure copies between regions only what is incremental. */
  async copySnapshot(
    copy: NewDiskSnapshotCopy,
    { signal }: AbortableOptions,
  ): Promise<DiskSnapshotDescription> {
    const source = parseResourceId(copy.snapshotId, 'snapshots');
    const { resourceGroup, operationId } = copy;
    const id = await this.#newId({ kind: 'snapshots', name: operationId, source, resourceGroup }, signal);
    const found = await this.#resources.findSnapshot(id, signal);
    if (found !== undefined) {
      refuseOther(found, id, operationId);
      return describeSnapshot(found);
    }
    const snapshot = await this.#requireSnapshot(source, signal);
    if (snapshot.incremental !== true) {
      throw new DiskError('unsupported', 'Azure copies only incremental snapshots to another region', {
        where: formatResourceId(source),
        advice: 'take an incremental snapshot of the disk',
      });
    }
    const { diskId } = describeSnapshot(snapshot);
    const order: Snapshot = {
      location: locationName(copy.region),
      tags: azureTags({
        ...copy.tags,
        [operationTag]: operationId,
        ...(diskId.length > MAX_VALUE ? {} : { [sourceDiskTag]: diskId }),
      }),
      incremental: true,
      creationData: { createOption: 'CopyStart', sourceResourceId: formatResourceId(source) },
      encryption: await this.#encryption(copy, snapshot, signal),
      ...accessElsewhere(snapshot),
    };
    const answer = await this.#resources.orderSnapshot(id, order, signal);
    return describeSnapshot({
      ...order,
      ...sizeOf(snapshot),
      completionPercent: 0,
      ...this.#ordered(id, answer),
    });
  }

  async deleteSnapshot(snapshotId: string, { signal }: AbortableOptions): Promise<void> {
    await this.#resources.delete(parseResourceId(snapshotId, 'snapshots'), signal);
  }

  /** Azure lists by no tag of snapshots: all of the subscription are read. */
  async *listSnapshots({
    tags,
    signal,
  }: DiskListOptions): AsyncGenerator<DiskSnapshotDescription, void, undefined> {
    const all = this.#requests.list((client) => client.snapshots.list(), {
      where: 'snapshots of the subscription',
      action: actions.readSnapshot,
      signal,
    });
    for await (const snapshot of all) {
      if (hasTags(tagsOf(snapshot.tags), tags)) yield describeSnapshot(snapshot);
    }
  }

  /**
   * A subscription shares nothing with another one: Azure asks what role an identity has at the snapshot, and an
   * account's id names no identity. Within the snapshot's subscription there is nothing to do; for another one it
   * rejects with DiskError `unsupported`, which says what role must be given.
   */
  async shareSnapshot(
    snapshotId: string,
    account: string,
    { signal }: AbortableOptions,
  ): Promise<SnapshotShare> {
    const id = parseResourceId(snapshotId, 'snapshots');
    if (account.toLowerCase() === id.subscription) {
      if ((await this.#resources.findSnapshot(id, signal)) === undefined) throw missing('snapshot', id);
      return { snapshotId: formatResourceId(id), account: id.subscription };
    }
    throw new DiskError(
      'unsupported',
      'Azure gives snapshots to identities of a tenant, not to subscriptions',
      {
        where: formatResourceId(id),
        advice:
          'give the identity that makes the disks the role Disk Snapshot Contributor, or snapshots/read and ' +
          'snapshots/beginGetAccess/action of Microsoft.Compute, with the snapshot as its scope: ' +
          'az role assignment create',
      },
    );
  }

  /** There is nothing that a share gave. */
  async unshareSnapshot(_share: SnapshotShare, _options: AbortableOptions): Promise<void> {}

  async describeType(
    type: string,
    region: string,
    { signal }: AbortableOptions,
  ): Promise<DiskTypeLimits | undefined> {
    return this.#offers.describeType(type, region, signal);
  }

  async listZones(region: string, { signal }: AbortableOptions): Promise<readonly string[]> {
    return this.#offers.listZones(region, signal);
  }

  async describeQuotas(
    { region, type }: { readonly region: string; readonly type?: string | undefined },
    { signal }: AbortableOptions,
  ): Promise<readonly DiskQuota[]> {
    return this.#offers.describeQuotas(region, type, signal);
  }

  async close(): Promise<void> {
    await this.#requests.close();
  }

  /**
   * The id of what is made of a snapshot: in the subscription of the credentials, since no other is listed, and in the
   * snapshot's resource group unless one is named.
   */
  async #newId<Kind extends 'disks' | 'snapshots'>(
    { kind, name, source, resourceGroup = source.resourceGroup }: NewIdOptions<Kind>,
    signal: AbortSignal | undefined,
  ): Promise<ResourceId<Kind>> {
    const subscription = await this.#requests.subscription(signal);
    return idOf({ subscription, resourceGroup, kind, name });
  }

  async #requireSnapshot(id: ResourceId<'snapshots'>, signal: AbortSignal | undefined): Promise<Snapshot> {
    const snapshot = await this.#resources.findSnapshot(id, signal);
    if (snapshot === undefined) throw missing('snapshot', id);
    return snapshot;
  }

  async #encryption(
    wanted: NewDisk | NewDiskSnapshotCopy,
    source: Snapshot,
    signal: AbortSignal | undefined,
  ) {
    return azureEncryption(wanted.encryption, source.encryption, { requests: this.#requests, signal });
  }

  #ordered(id: ResourceId, { provisioningState, completionPercent, timeCreated }: FirstAnswer) {
    return {
      id: formatResourceId(id),
      provisioningState: provisioningState ?? 'Creating',
      timeCreated: timeCreated ?? new Date(this.#clock.nowMs()),
      ...(completionPercent === undefined ? {} : { completionPercent }),
    };
  }
}

interface NewIdOptions<Kind extends 'disks' | 'snapshots'> {
  readonly kind: Kind;
  readonly name: string;
  readonly source: ResourceId<'snapshots'>;
  readonly resourceGroup: string | undefined;
}

/** What would be made where nothing is listed: nobody could find it to remove it. */
function elsewhere(what: string, where: string, subscription: string): DiskError {
  return new DiskError('unsupported', `${what} is not made: the credentials are of ${subscription}`, {
    where,
    advice: 'name its subscription, with credentials that may use it: AZURE_SUBSCRIPTION_ID or --account',
  });
}

/** The id of what is to be made; throws DiskError where Azure would take no such subscription, group or name. */
function idOf<Kind extends ResourceId['kind']>(id: ResourceId<Kind>): ResourceId<Kind> {
  if (!isSubscription(id.subscription)) {
    throw new DiskError('invalid-argument', 'not the id of a subscription', { where: id.subscription });
  }
  return parseResourceId(formatResourceId(id), id.kind);
}

function missing(what: string, id: ResourceId): DiskError {
  return new DiskError('not-found', `the ${what} does not exist`, {
    where: formatResourceId(id),
    advice: 'check its full id, and the roles of the identity',
  });
}

function sectorOf({ creationData }: Snapshot): { logicalSectorSize?: number } {
  const size = creationData?.logicalSectorSize;
  return size === undefined ? {} : { logicalSectorSize: size };
}

function sizeOf({
  diskSizeBytes,
  diskSizeGB,
}: Disk | Snapshot): Pick<Snapshot, 'diskSizeBytes' | 'diskSizeGB'> {
  return {
    ...(diskSizeBytes === undefined ? {} : { diskSizeBytes }),
    ...(diskSizeGB === undefined ? {} : { diskSizeGB }),
  };
}

/** From where its bytes may be exported: what is made of something must not be more open than that. */
function accessOf(
  source: Disk | Snapshot,
): Pick<Disk, 'networkAccessPolicy' | 'publicNetworkAccess' | 'diskAccessId'> {
  const { networkAccessPolicy, publicNetworkAccess, diskAccessId } = source;
  return {
    ...(networkAccessPolicy === undefined ? {} : { networkAccessPolicy }),
    ...(publicNetworkAccess === undefined ? {} : { publicNetworkAccess }),
    ...(diskAccessId === undefined ? {} : { diskAccessId }),
  };
}

/** The same in another region, where the private endpoints are not: what is open to them only is closed there. */
function accessElsewhere(source: Snapshot): Pick<Snapshot, 'networkAccessPolicy' | 'publicNetworkAccess'> {
  const { diskAccessId: _, ...access } = accessOf(source);
  return access.networkAccessPolicy === 'AllowPrivate'
    ? { ...access, networkAccessPolicy: 'DenyAll' }
    : access;
}

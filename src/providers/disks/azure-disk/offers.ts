import type { ResourceSku } from '@azure/arm-compute';
import type { DiskQuota, DiskTypeLimits } from '../driver.ts';
import { GIBIBYTE } from './disk-description.ts';
import { actions } from './permissions.ts';
import type { AzureDiskRequests } from './requests.ts';
import { locationName, zoneName } from './zones.ts';

/** Incremental snapshots are kept on Standard HDD, in all zones where the region has several. */
const SNAPSHOT_QUOTAS = ['StandardSnapshotCount', 'ZRSSnapshotCount'];
/** As Azure names them in its usages. */
const DISK_QUOTAS: Readonly<Record<string, readonly string[]>> = {
  Standard_LRS: ['StandardDiskCount'],
  StandardSSD_LRS: ['StandardSSDDiskCount'],
  StandardSSD_ZRS: ['StandardSSDZRSDiskCount'],
  Premium_LRS: ['PremiumDiskCount'],
  Premium_ZRS: ['PremiumZRSDiskCount'],
  PremiumV2_LRS: ['PremiumV2DiskCount', 'PremiumV2DiskSizeInGB'],
  UltraSSD_LRS: ['UltraSSDDiskCount', 'UltraSSDDiskSizeInGB'],
};

function unitOf(quota: string): DiskQuota['unit'] {
  if (SNAPSHOT_QUOTAS.includes(quota)) return 'snapshots';
  return quota.endsWith('SizeInGB') ? 'gib' : 'disks';
}

/** What Azure offers to the subscription in its locations. */
export class AzureDiskOffers {
  readonly #requests: AzureDiskRequests;

  constructor(requests: AzureDiskRequests) {
    this.#requests = requests;
  }

  /** A type comes in sizes, each with its own limits. */
  async describeType(
    type: string,
    region: string,
    signal: AbortSignal | undefined,
  ): Promise<DiskTypeLimits | undefined> {
    let minGibibytes = Infinity;
    let maxGibibytes = 0;
    for await (const offer of this.#offers(locationName(region), signal)) {
      if (offer.name !== type) continue;
      minGibibytes = Math.min(minGibibytes, capability(offer, 'MinSizeGiB') ?? 1);
      maxGibibytes = Math.max(maxGibibytes, capability(offer, 'MaxSizeGiB') ?? 0);
    }
    if (maxGibibytes === 0) return undefined;
    return { minSizeBytes: minGibibytes * GIBIBYTE, maxSizeBytes: maxGibibytes * GIBIBYTE };
  }

  async listZones(region: string, signal: AbortSignal | undefined): Promise<readonly string[]> {
    const location = locationName(region);
    const zones = new Set<string>();
    for await (const { locationInfo = [], restrictions = [] } of this.#offers(location, signal)) {
      const closed = restrictions.flatMap(({ type, restrictionInfo }) =>
        type === 'Zone' ? (restrictionInfo?.zones ?? []) : [],
      );
      for (const { location: place, zones: offered = [] } of locationInfo) {
        if (place === undefined || locationName(place) !== location) continue;
        for (const zone of offered) if (!closed.includes(zone)) zones.add(zone);
      }
    }
    return [...zones].sort().map((zone) => zoneName(location, zone));
  }

  async describeQuotas(
    region: string,
    type: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<readonly DiskQuota[]> {
    const location = locationName(region);
    const names = new Set([...SNAPSHOT_QUOTAS, ...(type === undefined ? [] : (DISK_QUOTAS[type] ?? []))]);
    const usages = this.#requests.list((client) => client.usage.list(location), {
      where: location,
      action: actions.readUsages,
      signal,
    });
    const quotas: DiskQuota[] = [];
    for await (const { name, limit, currentValue } of usages) {
      const { value = '' } = name;
      if (!names.has(value) || limit < 0) continue;
      quotas.push({ name: value, unit: unitOf(value), limit, used: currentValue });
    }
    return quotas;
  }

  /** Kinds of disks that the subscription may make in a location; none where there is no such location. */
  async *#offers(
    location: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ResourceSku, void, undefined> {
    if (!/^[a-z0-9]+$/.test(location)) return;
    const filter = `location eq '${location}'`;
    const offers = this.#requests.list((client) => client.resourceSkus.list({ filter }), {
      where: location,
      action: actions.readTypes,
      signal,
    });
    for await (const offer of offers) {
      const { resourceType, locations = [], restrictions = [] } = offer;
      const isHere = locations.some((place) => locationName(place) === location);
      const isClosed = restrictions.some(({ type }) => type === 'Location');
      if (resourceType === 'disks' && isHere && !isClosed) yield offer;
    }
  }
}

function capability({ capabilities = [] }: ResourceSku, name: string): number | undefined {
  const value = Number(capabilities.find((found) => found.name === name)?.value);
  return Number.isFinite(value) ? value : undefined;
}

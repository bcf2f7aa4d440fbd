import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import type { DiskQuota, DiskTypeLimits } from '../driver.ts';
import type { ComputeClient } from './client.ts';
import { unreachableError } from './compute-error.ts';
import { gigabytesOf } from './order.ts';
import { nameOfLink, regionOfZone } from './resource-id.ts';

interface PlaceOptions extends AbortableOptions {
  readonly project: string;
}

/**
 * The size that a type may have in a region; undefined where no zone of it has the type. Throws `unavailable` where one
 * of its zones does not answer before one that has it.
 */
export async function describeType(
  client: ComputeClient,
  { type, region }: { readonly type: string; readonly region: string },
  { project, signal }: PlaceOptions,
): Promise<DiskTypeLimits | undefined> {
  const where = `projects/${project}/regions/${region}/diskTypes/${type}`;
  const place = { where, action: 'compute.diskTypes.list', signal };
  const request = { project, filter: `name = "${type}"` };
  const scopes = await client.call(place, (sdk, options) =>
    Promise.resolve(sdk.diskTypes.aggregatedListAsync(request, options)[Symbol.asyncIterator]()),
  );
  for (;;) {
    const next = await client.call(place, () => scopes.next());
    if (next.done === true) return undefined;
    const [scope, { diskTypes, warning }] = next.value;
    const name = nameOfLink(scope);
    if (name !== region && regionOfZone(name) !== region) continue;
    if (warning?.code === 'UNREACHABLE') throw unreachableError(scope, place.action);
    for (const { name: found, validDiskSize } of diskTypes ?? []) {
      if (found === type) return limitsOf(validDiskSize ?? '', where);
    }
  }
}

/** Zones of a region that are up. */
export async function listZones(
  client: ComputeClient,
  region: string,
  { project, signal }: PlaceOptions,
): Promise<readonly string[]> {
  const where = `projects/${project}/regions/${region}`;
  const zones: string[] = [];
  for (let pageToken = ''; ;) {
    const request = { project, ...(pageToken === '' ? {} : { pageToken }) };
    const [found, next] = await client.call(
      { where, action: 'compute.zones.list', signal },
      async (sdk, options) => {
        const [items, , { nextPageToken }] = await sdk.zones.list(request, options);
        return [items, nextPageToken ?? ''] as const;
      },
    );
    for (const zone of found) {
      if (nameOfLink(zone.region ?? '') === region && zone.status === 'UP') zones.push(zone.name ?? '');
    }
    if (next === '') return zones.sort();
    pageToken = next;
  }
}

/** Quotas of the project for snapshots and, where a type is named, of the region for disks of it. */
export async function describeQuotas(
  client: ComputeClient,
  { region, type }: { readonly region: string; readonly type?: string | undefined },
  { project, signal }: PlaceOptions,
): Promise<readonly DiskQuota[]> {
  const where = `projects/${project}`;
  const ofProject = await client.call(
    { where, action: 'compute.projects.get', signal },
    async (sdk, options) => {
      const [found] = await sdk.projects.get({ project }, options);
      return quotasOf(found.quotas, ['SNAPSHOTS']);
    },
  );
  if (type === undefined) return ofProject;
  const place = { where: `${where}/regions/${region}`, action: 'compute.regions.get', signal };
  const ofRegion = await client.call(place, async (sdk, options) => {
    const [found] = await sdk.regions.get({ project, region }, options);
    return quotasOf(found.quotas, metricsOf(type));
  });
  return [...ofProject, ...ofRegion];
}

function metricsOf(type: string): readonly string[] {
  switch (type) {
    case 'pd-standard':
      return ['DISKS_TOTAL_GB'];
    case 'pd-balanced':
    case 'pd-extreme':
    case 'pd-ssd':
      return ['SSD_TOTAL_GB'];
    case 'hyperdisk-balanced':
      return ['HDB_TOTAL_GB', 'HDB_TOTAL_IOPS', 'HDB_TOTAL_THROUGHPUT'];
    default:
      return [];
  }
}

interface Quota {
  readonly metric?: unknown;
  readonly limit?: number | null | undefined;
  readonly usage?: number | null | undefined;
}

function quotasOf(quotas: readonly Quota[] | null | undefined, metrics: readonly string[]): DiskQuota[] {
  return (quotas ?? []).flatMap(({ metric, limit, usage }) => {
    const name = String(metric);
    const quota = { name, unit: unitOf(name), limit: limit ?? 0, used: usage ?? 0 };
    return metrics.includes(name) ? [quota] : [];
  });
}

function unitOf(metric: string): DiskQuota['unit'] {
  if (metric.endsWith('_GB')) return 'gib';
  if (metric.endsWith('_IOPS')) return 'iops';
  return metric.endsWith('_THROUGHPUT') ? 'mib-per-second' : 'snapshots';
}

/** `10GB-65536GB`. */
function limitsOf(validDiskSize: string, where: string): DiskTypeLimits {
  const [, least, most] = /^(\d+)GB-(\d+)GB$/.exec(validDiskSize) ?? [];
  if (least === undefined || most === undefined) {
    throw new DiskError('unsupported', `the cloud gives the sizes of the type as ${validDiskSize}`, {
      where,
    });
  }
  return { minSizeBytes: gigabytesOf(least), maxSizeBytes: gigabytesOf(most) };
}

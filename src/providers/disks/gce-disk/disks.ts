import type { protos } from '@google-cloud/compute';
import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import { operationTag } from '../driver.ts';
import type { DiskDescription, DiskListOptions, DiskState, NewDisk } from '../driver.ts';
import type { ComputeClient } from './client.ts';
import { unreachableError } from './compute-error.ts';
import { encryptionFields, encryptionOf } from './encryption.ts';
import { hasTags, labelFilter, labelled, tagsOf } from './labels.ts';
import { checkOrder, timeOf } from './operations.ts';
import type { UnbornOrder } from './operations.ts';
import type { OrderOptions } from './order.ts';
import { checkOperationId, gigabytesOf, nameTaken, wholeGigabytes } from './order.ts';
import { performanceFields, performanceOf } from './performance.ts';
import { formatDiskId, idOfLink, nameOfLink, parseDiskId, parseSnapshotId, regionOf } from './resource-id.ts';

type Disk = protos.google.cloud.compute.v1.IDisk;

const states: Readonly<Record<string, DiskState>> = {
  CREATING: 'creating',
  RESTORING: 'creating',
  // For a while only: a replica zone is down, say.
  UNAVAILABLE: 'creating',
  READY: 'available',
  DELETING: 'deleting',
  FAILED: 'failed',
};

/** The disk itself; throws `not-found` where there is none. */
export async function getDisk(
  client: ComputeClient,
  id: string,
  { signal }: AbortableOptions,
): Promise<DiskDescription> {
  const { project, scope, location, name } = parseDiskId(id);
  return client.call({ where: id, action: 'compute.disks.get', signal }, async (sdk, options) => {
    const [disk] =
      scope === 'zones'
        ? await sdk.disks.get({ project, zone: location, disk: name }, options)
        : await sdk.regionDisks.get({ project, region: location, disk: name }, options);
    return describe(disk, id);
  });
}

export async function createDisk(
  client: ComputeClient,
  disk: NewDisk,
  { id, requestId, signal }: OrderOptions,
): Promise<DiskDescription> {
  const { operationId, snapshotId, type, region, zones, encryption } = disk;
  checkOperationId(operationId);
  parseSnapshotId(snapshotId);
  const { project, scope, location } = parseDiskId(id);
  const tags = { ...disk.tags, [operationTag]: operationId };
  const place = { where: id, action: 'compute.disks.create' };
  const sizeGb = wholeGigabytes(disk.sizeBytes);
  const performance = performanceFields(type, disk);
  const diskResource = {
    name: operationId,
    sourceSnapshot: snapshotId,
    type: `projects/${project}/${scope}/${location}/diskTypes/${type}`,
    sizeGb,
    ...performance,
    ...encryptionFields(encryption, id),
    ...labelled(tags, id),
    ...(scope === 'regions'
      ? { replicaZones: zones.map((zone) => `projects/${project}/zones/${zone}`) }
      : {}),
  };
  try {
    return await client.call({ ...place, signal }, async (sdk, options) => {
      const [{ latestResponse: operation }] =
        scope === 'zones'
          ? await sdk.disks.insert({ project, zone: location, requestId, diskResource }, options)
          : await sdk.regionDisks.insert({ project, region: location, requestId, diskResource }, options);
      checkOrder(operation, place);
      return {
        provider: 'gcp',
        id,
        account: project,
        state: 'creating',
        sizeBytes: gigabytesOf(sizeGb),
        type,
        ...performanceOf(performance),
        region,
        zones,
        encryption: encryption.kind === 'customer-key' ? encryption : { kind: 'provider-key' },
        attachedTo: [],
        tags,
        createdMs: timeOf(operation),
      };
    });
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'already-exists') throw error;
    return nameTaken(error, operationId, () => getDisk(client, id, { signal }));
  }
}

export async function deleteDisk(
  client: ComputeClient,
  id: string,
  { signal }: AbortableOptions,
): Promise<void> {
  const { project, scope, location, name } = parseDiskId(id);
  await client.call({ where: id, action: 'compute.disks.delete', signal }, async (sdk, options) =>
    scope === 'zones'
      ? sdk.disks.delete({ project, zone: location, disk: name }, options)
      : sdk.regionDisks.delete({ project, region: location, disk: name }, options),
  );
}

/** Of all zones and regions. Throws `unavailable` where one of them does not answer: its disks would be missed. */
export async function* listDisks(
  client: ComputeClient,
  { project, tags, signal }: DiskListOptions & { readonly project: string },
): AsyncGenerator<DiskDescription, void, undefined> {
  const filter = labelFilter(tags);
  const place = { where: `projects/${project}`, action: 'compute.disks.list', signal };
  const request = { project, ...(filter === undefined ? {} : { filter }) };
  const scopes = await client.call(place, (sdk, options) =>
    Promise.resolve(sdk.disks.aggregatedListAsync(request, options)[Symbol.asyncIterator]()),
  );
  for (;;) {
    const next = await client.call(place, () => scopes.next());
    if (next.done === true) return;
    const [scope, { disks, warning }] = next.value;
    if (warning?.code === 'UNREACHABLE') throw unreachableError(scope, place.action);
    for (const disk of disks ?? []) {
      const found = describe(
        disk,
        idOfLink(disk.selfLink ?? `projects/${project}/${scope}/disks/${disk.name ?? ''}`),
      );
      if (hasTags(found.tags, tags)) yield found;
    }
  }
}

/** What can be said of a disk of which the cloud has only the order. */
export function unbornDisk(id: string, { state, failure, createdMs }: UnbornOrder): DiskDescription {
  const place = parseDiskId(id);
  return {
    provider: 'gcp',
    id,
    account: place.project,
    state: state === 'failed' ? 'failed' : 'creating',
    ...(failure === undefined ? {} : { failure }),
    sizeBytes: 0,
    type: '',
    region: regionOf(place),
    zones: place.scope === 'zones' ? [place.location] : [],
    encryption: { kind: 'provider-key' },
    attachedTo: [],
    tags: {},
    createdMs,
  };
}

function describe(disk: Disk, id: string): DiskDescription {
  const place = parseDiskId(id);
  const status = disk.status ?? '';
  const state = (Object.hasOwn(states, status) ? states[status] : undefined) ?? 'creating';
  const attachedTo = (disk.users ?? []).map(idOfLink);
  return {
    provider: 'gcp',
    id,
    account: place.project,
    state: state === 'available' && attachedTo.length > 0 ? 'in-use' : state,
    ...(state === 'failed' ? { failure: 'its status is FAILED' } : {}),
    sizeBytes: gigabytesOf(disk.sizeGb),
    type: nameOfLink(disk.type ?? ''),
    ...performanceOf(disk),
    region: regionOf(place),
    zones: place.scope === 'zones' ? [place.location] : (disk.replicaZones ?? []).map(nameOfLink),
    encryption: encryptionOf(disk.diskEncryptionKey),
    attachedTo,
    tags: tagsOf(disk),
    createdMs: Date.parse(disk.creationTimestamp ?? '') || 0,
  };
}

/** The full id of what is ordered: one zone makes a zonal disk, two of a region a regional one. */
export function newDiskId({ zones, region, operationId }: NewDisk, project: string): string {
  const [zone, second, third] = zones;
  const isInRegion = zones.every((name) => regionOf({ scope: 'zones', location: name }) === region);
  if (zone === undefined || third !== undefined || zone === second || !isInRegion) {
    throw new DiskError(
      'invalid-argument',
      `a disk cannot be in these zones: ${zones.join(', ') || 'none'}`,
      {
        where: operationId,
        advice: `name one zone of ${region}, or two for a regional disk`,
      },
    );
  }
  const place =
    second === undefined
      ? ({ scope: 'zones', location: zone } as const)
      : ({ scope: 'regions', location: region } as const);
  return formatDiskId({ project, ...place, name: operationId });
}

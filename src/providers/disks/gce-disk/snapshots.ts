import type { protos } from '@google-cloud/compute';
import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import { operationTag } from '../driver.ts';
import type {
  DiskDescription,
  DiskListOptions,
  DiskSnapshotDescription,
  DiskSnapshotState,
  NewDiskSnapshot,
} from '../driver.ts';
import type { ComputeClient } from './client.ts';
import { checkKey, encryptionOf } from './encryption.ts';
import { hasTags, labelFilter, labelled, tagsOf } from './labels.ts';
import { checkOrder, timeOf } from './operations.ts';
import type { UnbornOrder } from './operations.ts';
import type { OrderOptions } from './order.ts';
import { checkOperationId, gigabytesOf, nameTaken } from './order.ts';
import { formatSnapshotId, idOfLink, parseSnapshotId } from './resource-id.ts';

type Snapshot = protos.google.cloud.compute.v1.ISnapshot;

const states: Readonly<Record<string, DiskSnapshotState>> = {
  CREATING: 'pending',
  UPLOADING: 'pending',
  READY: 'ready',
  DELETING: 'deleting',
  FAILED: 'failed',
};

/** The snapshot itself; throws `not-found` where there is none. */
export async function getSnapshot(
  client: ComputeClient,
  id: string,
  { signal }: AbortableOptions,
): Promise<DiskSnapshotDescription> {
  const { project, name } = parseSnapshotId(id);
  return client.call({ where: id, action: 'compute.snapshots.get', signal }, async (sdk, options) => {
    const [snapshot] = await sdk.snapshots.get({ project, snapshot: name }, options);
    return describe(snapshot, id);
  });
}

/** `disk` is what it is taken of. */
export async function createSnapshot(
  client: ComputeClient,
  snapshot: NewDiskSnapshot,
  { disk, id, requestId, signal }: OrderOptions & { readonly disk: DiskDescription },
): Promise<DiskSnapshotDescription> {
  const { diskId, operationId, storageLocation } = snapshot;
  checkOperationId(operationId);
  checkKey(disk.encryption, diskId);
  const { project } = parseSnapshotId(id);
  const tags = { ...snapshot.tags, [operationTag]: operationId };
  const place = { where: id, action: 'compute.snapshots.create' };
  const snapshotResource = {
    name: operationId,
    sourceDisk: diskId,
    ...labelled(tags, diskId),
    ...(storageLocation === undefined ? {} : { storageLocations: [storageLocation] }),
  };
  try {
    return await client.call({ ...place, signal }, async (sdk, options) => {
      const request = { project, requestId, snapshotResource };
      const [{ latestResponse: operation }] = await sdk.snapshots.insert(request, options);
      checkOrder(operation, place);
      return {
        provider: 'gcp',
        id,
        account: project,
        diskId,
        state: 'pending',
        diskSizeBytes: disk.sizeBytes,
        regions: [storageLocation ?? disk.region],
        encryption: disk.encryption,
        tags,
        createdMs: timeOf(operation),
      };
    });
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'already-exists') throw error;
    return nameTaken(error, operationId, () => getSnapshot(client, id, { signal }));
  }
}

export async function deleteSnapshot(
  client: ComputeClient,
  id: string,
  { signal }: AbortableOptions,
): Promise<void> {
  const { project, name } = parseSnapshotId(id);
  await client.call({ where: id, action: 'compute.snapshots.delete', signal }, async (sdk, options) =>
    sdk.snapshots.delete({ project, snapshot: name }, options),
  );
}

export async function* listSnapshots(
  client: ComputeClient,
  { project, tags, signal }: DiskListOptions & { readonly project: string },
): AsyncGenerator<DiskSnapshotDescription, void, undefined> {
  const filter = labelFilter(tags);
  const where = `projects/${project}`;
  for (let pageToken = ''; ;) {
    const request = {
      project,
      ...(filter === undefined ? {} : { filter }),
      ...(pageToken === '' ? {} : { pageToken }),
    };
    const [snapshots, next] = await client.call(
      { where, action: 'compute.snapshots.list', signal },
      async (sdk, options) => {
        const [items, , { nextPageToken }] = await sdk.snapshots.list(request, options);
        return [items, nextPageToken ?? ''] as const;
      },
    );
    for (const snapshot of snapshots) {
      const found = describe(snapshot, formatSnapshotId({ project, name: snapshot.name ?? '' }));
      if (hasTags(found.tags, tags)) yield found;
    }
    if (next === '') return;
    pageToken = next;
  }
}

/** What can be said of a snapshot of which the cloud has only the order. */
export function unbornSnapshot(
  id: string,
  { state, failure, createdMs }: UnbornOrder,
): DiskSnapshotDescription {
  return {
    provider: 'gcp',
    id,
    account: parseSnapshotId(id).project,
    diskId: '',
    state: state === 'failed' ? 'failed' : 'pending',
    ...(failure === undefined ? {} : { failure }),
    diskSizeBytes: 0,
    regions: [],
    encryption: { kind: 'provider-key' },
    tags: {},
    createdMs,
  };
}

function describe(snapshot: Snapshot, id: string): DiskSnapshotDescription {
  const status = snapshot.status ?? '';
  const state = (Object.hasOwn(states, status) ? states[status] : undefined) ?? 'pending';
  return {
    provider: 'gcp',
    id,
    account: parseSnapshotId(id).project,
    diskId: idOfLink(snapshot.sourceDisk ?? ''),
    state,
    ...(state === 'failed' ? { failure: 'its status is FAILED' } : {}),
    ...(state === 'ready' ? { progressPercent: 100 } : {}),
    diskSizeBytes: gigabytesOf(snapshot.diskSizeGb),
    regions: snapshot.storageLocations ?? [],
    encryption: encryptionOf(snapshot.snapshotEncryptionKey),
    tags: tagsOf(snapshot),
    createdMs: Date.parse(snapshot.creationTimestamp ?? '') || 0,
  };
}

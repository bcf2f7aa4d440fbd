import type { ComputeManagementClient, Disk, Snapshot } from '@azure/arm-compute';
import { DiskError } from '../../../base/errors.ts';
import { operationTag } from '../driver.ts';
import { firstAnswer } from './first-answer.ts';
import type { FirstAnswer } from './first-answer.ts';
import { actions } from './permissions.ts';
import type { AzureDiskRequests } from './requests.ts';
import { formatResourceId } from './resource-id.ts';
import type { ResourceId } from './resource-id.ts';
import { tagsOf } from './tags.ts';

type DiskId = ResourceId<'disks'>;
type SnapshotId = ResourceId<'snapshots'>;
type Signal = AbortSignal | undefined;

const READ = { disks: actions.readDisk, snapshots: actions.readSnapshot };
const WRITE = { disks: actions.writeDisk, snapshots: actions.writeSnapshot };
const DELETE = { disks: actions.deleteDisk, snapshots: actions.deleteSnapshot };

/** Disks and snapshots as Azure keeps them, by their ids. */
export class AzureDiskResources {
  readonly #requests: AzureDiskRequests;

  constructor(requests: AzureDiskRequests) {
    this.#requests = requests;
  }

  async findDisk(id: DiskId, signal: Signal): Promise<Disk | undefined> {
    return this.#requests.find(
      (client, abortSignal) => client.disks.get(id.resourceGroup, id.name, { abortSignal }),
      about(id, READ[id.kind], signal),
    );
  }

  async findSnapshot(id: SnapshotId, signal: Signal): Promise<Snapshot | undefined> {
    return this.#requests.find(
      (client, abortSignal) => client.snapshots.get(id.resourceGroup, id.name, { abortSignal }),
      about(id, READ[id.kind], signal),
    );
  }

  async orderDisk(id: DiskId, disk: Disk, signal: Signal): Promise<FirstAnswer> {
    const { resourceGroup, name } = id;
    return this.#order(id, signal, (client, options) =>
      client.disks.createOrUpdate(resourceGroup, name, disk, options),
    );
  }

  async orderSnapshot(id: SnapshotId, snapshot: Snapshot, signal: Signal): Promise<FirstAnswer> {
    const { resourceGroup, name } = id;
    return this.#order(id, signal, (client, options) =>
      client.snapshots.createOrUpdate(resourceGroup, name, snapshot, options),
    );
  }

  /** Succeeds where it is gone already. */
  async delete(id: DiskId | SnapshotId, signal: Signal): Promise<void> {
    const { kind, resourceGroup, name } = id;
    await this.#requests.find(
      (client, abortSignal) => firstAnswer(() => client[kind].delete(resourceGroup, name, { abortSignal })),
      about(id, DELETE[id.kind], signal),
    );
  }

  async #order(
    id: DiskId | SnapshotId,
    signal: Signal,
    give: (
      client: ComputeManagementClient,
      options: NonNullable<Parameters<ComputeManagementClient['disks']['createOrUpdate']>[3]>,
    ) => ReturnType<Parameters<typeof firstAnswer>[0]>,
  ): Promise<FirstAnswer> {
    const answer = await this.#requests.send(
      (client, abortSignal) => firstAnswer((onResponse) => give(client, { abortSignal, onResponse })),
      about(id, WRITE[id.kind], signal),
    );
    if (answer !== undefined) return answer;
    throw new DiskError('unavailable', 'the answer to the order does not describe what is made', {
      where: formatResourceId(id),
      advice: 'check host and port of the endpoint, and what is in between',
      retryable: true,
    });
  }
}

/**
 * Throws DiskError `already-exists` where what has the name was not made by the operation. Azure's order to make is the
 * same as that to change, and takes no condition: who makes something looks before. Between the look and the order
 * another program could take the name, and would have its tags and settings changed, though not its bytes, whose
 * source Azure lets nobody change. That it picks an operation's id for a name in that moment is not to be expected.
 */
export function refuseOther(
  found: { readonly tags?: Record<string, string> },
  id: ResourceId,
  operationId: string,
): void {
  if (tagsOf(found.tags)[operationTag] === operationId) return;
  throw new DiskError('already-exists', 'the name is taken by what another operation or program has made', {
    where: formatResourceId(id),
    advice: 'delete that, or use another resource group',
  });
}

function about(id: ResourceId, action: string, signal: Signal) {
  return { where: formatResourceId(id), action, subscription: id.subscription, signal };
}

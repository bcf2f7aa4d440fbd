import {
  CreateSnapshotsCommand,
  CreateTagsCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
} from '@aws-sdk/client-ec2';
import type { Instance, InstanceSpecification, Volume } from '@aws-sdk/client-ec2';
import { createHash } from 'node:crypto';
import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import type { DiskSnapshotDescription, DiskTags, NewDiskSnapshot } from '../driver.ts';
import { operationTag } from '../driver.ts';
import type { Keys } from './keys.ts';
import type { Regions } from './regions.ts';
import type { ServiceRegion } from './service-region.ts';
import { describeSnapshot } from './snapshot-description.ts';
import type { Snapshots } from './snapshots.ts';
import { hasTags, writeTags } from './tags.ts';
import { unnamed } from './volumes.ts';

/** Which call made a snapshot: its answer may be lost before the operations' own tags are set. */
const groupTag = 'tranship/group';
const GROUP_CHARS = 40;
/** What EC2 takes. */
const MAX_EXCLUDED = 40;
/** What was made has to be taken back also when the caller does not want to wait any more. */
const TAKE_BACK_LIMIT_MS = 30_000;

export interface GroupSnapshotsOptions {
  readonly regions: Regions;
  readonly keys: Keys;
  readonly snapshots: Snapshots;
}

type MachineOptions = AbortableOptions & { readonly machineId: string };

/**
 * Snapshots of several volumes of one machine at one moment. One call makes them all and gives all the same tags, so
 * each gets its own afterwards; what a call before has made and not tagged is found by the tag of the group.
 */
export class GroupSnapshots {
  readonly #regions: Regions;
  readonly #keys: Keys;
  readonly #snapshots: Snapshots;

  constructor({ regions, keys, snapshots }: GroupSnapshotsOptions) {
    this.#regions = regions;
    this.#keys = keys;
    this.#snapshots = snapshots;
  }

  async create(
    wanted: readonly NewDiskSnapshot[],
    options: MachineOptions,
  ): Promise<readonly DiskSnapshotDescription[]> {
    const [first] = wanted;
    if (first === undefined) return [];
    const region = this.#regions.of(first.diskId);
    const group = { [groupTag]: groupOf(wanted) };
    // What EC2 does not take must be known before anything is made: in the end each has the group's tag as well.
    for (const snapshot of wanted) writeTags({ ...ownTags(snapshot), ...group }, snapshot.diskId);
    const before = await this.#made(wanted, group, options);
    const made = before ?? (await this.#make(wanted, group, region, options));
    try {
      const tagged: DiskSnapshotDescription[] = [];
      for (const snapshot of wanted) {
        const found = made.find(({ diskId }) => diskId === snapshot.diskId);
        if (found === undefined) throw unnamed('snapshot', snapshot.diskId, 'ec2:CreateSnapshots');
        tagged.push(await this.#tag(found, ownTags(snapshot), region, options));
      }
      return tagged;
    } catch (error) {
      await this.#takeBack(made);
      throw error;
    }
  }

  /** What a call before has made, where that is all that is wanted. */
  async #made(
    wanted: readonly NewDiskSnapshot[],
    group: DiskTags,
    { signal }: AbortableOptions,
  ): Promise<readonly DiskSnapshotDescription[] | undefined> {
    const found: DiskSnapshotDescription[] = [];
    for await (const snapshot of this.#snapshots.list({ tags: group, signal })) {
      if (snapshot.state === 'pending' || snapshot.state === 'ready') found.push(snapshot);
    }
    const isWhole = wanted.every(({ diskId }) => found.some((snapshot) => snapshot.diskId === diskId));
    return isWhole ? found : undefined;
  }

  async #make(
    wanted: readonly NewDiskSnapshot[],
    group: DiskTags,
    region: ServiceRegion,
    options: MachineOptions,
  ): Promise<readonly DiskSnapshotDescription[]> {
    const { machineId, signal } = options;
    const diskIds = wanted.map(({ diskId }) => diskId);
    const volumes = await this.#volumes(diskIds, region, signal);
    const machine = await this.#machine(machineId, region, signal);
    const command = new CreateSnapshotsCommand({
      InstanceSpecification: specificationOf(machine, machineId, diskIds),
      Description: `tranship ${group[groupTag]}`,
      TagSpecifications: [
        { ResourceType: 'snapshot', Tags: writeTags({ ...sharedTags(wanted), ...group }, machineId) },
      ],
    });
    const { Snapshots: made = [] } = await region.ec2.send(
      (client, sending) => client.send(command, sending),
      { action: 'ec2:CreateSnapshots', where: machineId, signal },
    );
    return Promise.all(
      made.map(async (snapshot) => {
        this.#regions.remember(snapshot.SnapshotId ?? '', region);
        const volume = volumes.find(({ VolumeId }) => VolumeId === snapshot.VolumeId);
        const encryption = await this.#keys.encryptionOfNew(
          { Encrypted: snapshot.Encrypted, KmsKeyId: volume?.KmsKeyId },
          options,
        );
        return describeSnapshot(snapshot, region.name, encryption);
      }),
    );
  }

  async #tag(
    snapshot: DiskSnapshotDescription,
    tags: DiskTags,
    region: ServiceRegion,
    { signal }: AbortableOptions,
  ): Promise<DiskSnapshotDescription> {
    if (hasTags(snapshot.tags, tags)) return snapshot;
    const command = new CreateTagsCommand({
      Resources: [snapshot.id],
      Tags: writeTags(tags, snapshot.diskId),
    });
    await region.ec2.send((client, sending) => client.send(command, sending), {
      action: 'ec2:CreateTags',
      where: snapshot.id,
      signal,
    });
    return { ...snapshot, tags: { ...snapshot.tags, ...tags } };
  }

  /** Without their tags nobody would find them. Throws where it is left open whether they are still there. */
  async #takeBack(made: readonly DiskSnapshotDescription[]): Promise<void> {
    const signal = AbortSignal.timeout(TAKE_BACK_LIMIT_MS);
    try {
      for (const { id } of made) await this.#snapshots.delete(id, { signal });
    } catch (error) {
      throw new DiskError('unavailable', 'snapshots were taken, but neither tagged nor deleted', {
        where: made.map(({ id }) => id).join(' '),
        action: 'ec2:DeleteSnapshot',
        retryable: true,
        cause: error,
      });
    }
  }

  async #volumes(
    ids: readonly string[],
    region: ServiceRegion,
    signal: AbortSignal | undefined,
  ): Promise<readonly Volume[]> {
    const command = new DescribeVolumesCommand({ VolumeIds: [...ids] });
    const found = await region.ec2.send((client, sending) => client.send(command, sending), {
      action: 'ec2:DescribeVolumes',
      where: ids.join(' '),
      signal,
    });
    return found.Volumes ?? [];
  }

  async #machine(
    id: string,
    region: ServiceRegion,
    signal: AbortSignal | undefined,
  ): Promise<Instance | undefined> {
    const command = new DescribeInstancesCommand({ InstanceIds: [id] });
    const found = await region.ec2.send((client, sending) => client.send(command, sending), {
      action: 'ec2:DescribeInstances',
      where: id,
      signal,
    });
    return found.Reservations?.[0]?.Instances?.[0];
  }
}

/** The wanted volumes and no others: a call that says no more takes all of the machine's. */
function specificationOf(
  machine: Instance | undefined,
  machineId: string,
  wanted: readonly string[],
): InstanceSpecification {
  const attached = (machine?.BlockDeviceMappings ?? []).flatMap(({ DeviceName, Ebs }) =>
    Ebs?.VolumeId === undefined ? [] : [{ id: Ebs.VolumeId, isBoot: DeviceName === machine?.RootDeviceName }],
  );
  const missing = wanted.find((id) => !attached.some((volume) => volume.id === id));
  if (missing !== undefined) {
    throw new DiskError('conflict', `the volume is not attached to ${machineId}`, { where: missing });
  }
  const others = attached.filter(({ id }) => !wanted.includes(id));
  const data = others.filter(({ isBoot }) => !isBoot).map(({ id }) => id);
  if (data.length > MAX_EXCLUDED) {
    throw new DiskError('unsupported', `more than ${MAX_EXCLUDED} volumes would have to be left out`, {
      where: machineId,
      advice: 'take the snapshots one by one',
    });
  }
  return {
    InstanceId: machineId,
    ...(others.some(({ isBoot }) => isBoot) ? { ExcludeBootVolume: true } : {}),
    ...(data.length === 0 ? {} : { ExcludeDataVolumeIds: data }),
  };
}

function ownTags({ tags, operationId }: NewDiskSnapshot): DiskTags {
  return { ...tags, [operationTag]: operationId };
}

/** What all have, so that also what was never tagged on its own is found by whoever sweeps. */
function sharedTags(wanted: readonly NewDiskSnapshot[]): DiskTags {
  const [first] = wanted;
  const entries = Object.entries(first?.tags ?? {});
  return Object.fromEntries(
    entries.filter(([key, value]) => wanted.every(({ tags }) => tags[key] === value)),
  );
}

/** The same for each try of the same snapshots. */
function groupOf(wanted: readonly NewDiskSnapshot[]): string {
  const operations = wanted.map(({ operationId }) => operationId).sort();
  return createHash('sha256').update(operations.join('\n')).digest('hex').slice(0, GROUP_CHARS);
}

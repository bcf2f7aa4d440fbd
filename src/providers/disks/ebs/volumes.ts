import { CreateVolumeCommand, DeleteVolumeCommand, DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import type { CreateVolumeCommandInput, Volume } from '@aws-sdk/client-ec2';
import type { Clock } from '../../../base/clock.ts';
import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import { operationTag } from '../driver.ts';
import type {
  DiskDescription,
  DiskEncryption,
  DiskListOptions,
  DiskPerformance,
  DiskState,
  NewDisk,
} from '../driver.ts';
import { isSpentToken } from './ebs-error.ts';
import type { CallPlace } from './ebs-error.ts';
import type { CallerIdentity } from './identity.ts';
import { PROVIDER_KEY } from './keys.ts';
import type { Keys } from './keys.ts';
import type { Regions } from './regions.ts';
import type { ServiceRegion } from './service-region.ts';
import { hasTags, readTags, tagFilters, writeOwnTags } from './tags.ts';
import { bytesOfGib, bytesOfMib, gibOf, mibOf } from './units.ts';
import { volumeTypeOf } from './volume-types.ts';

const PAGE_VOLUMES = 500;

/** `deleted` is left out: that is not there. */
const states: Readonly<Record<string, DiskState>> = {
  creating: 'creating',
  available: 'available',
  'in-use': 'in-use',
  deleting: 'deleting',
  error: 'failed',
};

/** What an earlier order under the same token may have come to. */
const GONE: ReadonlySet<string | undefined> = new Set(['deleting', 'deleted', 'error']);
const MAX_TOKENS = 20;

/** EC2 promises only that its listings are right in the end; a minute is far above what is usual. */
export const LISTING_LAG_MS = 60_000;

export interface VolumesOptions {
  readonly regions: Regions;
  readonly identity: CallerIdentity;
  readonly keys: Keys;
  readonly clock: Clock;
}

/** Volumes of EBS as disks. */
export class Volumes {
  readonly #regions: Regions;
  readonly #identity: CallerIdentity;
  readonly #keys: Keys;
  readonly #clock: Clock;
  /** When an operation's token was first found to be spent, and no volume of it listed. */
  readonly #firstLooks = new Map<string, number>();

  constructor({ regions, identity, keys, clock }: VolumesOptions) {
    this.#clock = clock;
    this.#regions = regions;
    this.#identity = identity;
    this.#keys = keys;
  }

  async describe(id: string, options: AbortableOptions): Promise<DiskDescription | undefined> {
    const region = this.#regions.of(id);
    const volume = await this.#find(id, region, options);
    if (volume === undefined || volume.State === 'deleted') return undefined;
    return this.#describe(volume, region, {
      account: await this.#identity.account(options),
      encryption: await this.#keys.encryptionOf(volume, options),
    });
  }

  async create(disk: NewDisk, options: AbortableOptions): Promise<DiskDescription> {
    const [zone, ...others] = disk.zones;
    if (zone === undefined || others.length > 0) {
      throw new DiskError('invalid-argument', 'a volume of EBS is in exactly one zone', {
        where: disk.snapshotId,
      });
    }
    const input = volumeInput(disk, zone);
    // A question that failed afterwards would hide that the volume was made.
    const account = await this.#identity.account(options);
    if (disk.account !== undefined && disk.account !== account) {
      throw new DiskError(
        'unsupported',
        `a volume is not made in ${disk.account}: the credentials are of ${account}`,
        {
          where: disk.snapshotId,
          advice: 'share the snapshot, and use credentials of the account that shall have the volume',
        },
      );
    }
    const region = this.#regions.named(disk.region);
    const volume = await this.#order(input, disk, region, options);
    this.#regions.remember(volume.VolumeId ?? '', region);
    const encryption = await this.#keys.encryptionOfNew(volume, options);
    return this.#describe(volume, region, { account, encryption });
  }

  async delete(id: string, { signal }: AbortableOptions): Promise<void> {
    const command = new DeleteVolumeCommand({ VolumeId: id });
    try {
      await this.#regions.of(id).ec2.send((client, sending) => client.send(command, sending), {
        action: 'ec2:DeleteVolume',
        where: id,
        signal,
      });
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'not-found') throw error;
    }
  }

  async *list(options: DiskListOptions): AsyncGenerator<DiskDescription, void, undefined> {
    const account = await this.#identity.account(options);
    for (const region of this.#regions.all()) {
      for await (const volume of this.#pages(region, options)) {
        if (volume.State === 'deleted' || !hasTags(readTags(volume.Tags), options.tags)) continue;
        const encryption = await this.#keys.encryptionOf(volume, options);
        this.#regions.remember(volume.VolumeId ?? '', region);
        yield this.#describe(volume, region, { account, encryption });
      }
    }
  }

  /**
   * EC2 remembers a token also when its volume is gone, and tags are among what must be the same under one: an order
   * whose token is spent goes out under the next, unless a volume of its operation is there.
   */
  async #order(
    input: CreateVolumeCommandInput,
    { operationId, snapshotId }: NewDisk,
    region: ServiceRegion,
    options: AbortableOptions,
  ): Promise<Volume> {
    const place = { action: 'ec2:CreateVolume', where: snapshotId };
    for (let count = 1; count <= MAX_TOKENS; count++) {
      const token = count === 1 ? operationId : `${operationId}.${count}`;
      const command = new CreateVolumeCommand({ ...input, ClientToken: token });
      try {
        const volume = await region.ec2.send((client, sending) => client.send(command, sending), {
          ...place,
          signal: options.signal,
        });
        if (volume.VolumeId === undefined) throw unnamed('volume', snapshotId, place.action);
        if (GONE.has(volume.State)) continue;
        this.#firstLooks.delete(operationId);
        return volume;
      } catch (error) {
        if (!isSpentToken(error)) throw error;
        const there = await this.#ofOperation(operationId, region, options);
        if (there !== undefined) return there;
        this.#throwWhileListingsLag(operationId, place, error);
      }
    }
    throw new DiskError('conflict', `${MAX_TOKENS} volumes of this operation have been made and deleted`, {
      ...place,
      advice: 'give the operation another id',
    });
  }

  /** A volume that is not listed yet is no reason to make a second one. */
  #throwWhileListingsLag(operationId: string, place: Omit<CallPlace, 'region'>, cause: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    const firstMs = this.#firstLooks.get(operationId) ?? nowMs;
    this.#firstLooks.set(operationId, firstMs);
    if (nowMs - firstMs >= LISTING_LAG_MS) return;
    throw new DiskError('unavailable', 'a volume was ordered before, and is not listed yet', {
      ...place,
      retryable: true,
      cause,
    });
  }

  async #ofOperation(
    operationId: string,
    region: ServiceRegion,
    { signal }: AbortableOptions,
  ): Promise<Volume | undefined> {
    for await (const volume of this.#pages(region, { tags: { [operationTag]: operationId }, signal })) {
      if (!GONE.has(volume.State)) return volume;
    }
    return undefined;
  }

  async *#pages(
    region: ServiceRegion,
    { tags, signal }: DiskListOptions,
  ): AsyncGenerator<Volume, void, undefined> {
    let next: string | undefined;
    do {
      const command = new DescribeVolumesCommand({
        Filters: tagFilters(tags),
        MaxResults: PAGE_VOLUMES,
        ...(next === undefined ? {} : { NextToken: next }),
      });
      const page = await region.ec2.send((client, sending) => client.send(command, sending), {
        action: 'ec2:DescribeVolumes',
        where: `volumes in ${region.name}`,
        signal,
      });
      yield* page.Volumes ?? [];
      next = page.NextToken === '' ? undefined : page.NextToken;
    } while (next !== undefined);
  }

  async #find(id: string, region: ServiceRegion, { signal }: AbortableOptions): Promise<Volume | undefined> {
    const command = new DescribeVolumesCommand({ VolumeIds: [id] });
    try {
      const found = await region.ec2.send((client, sending) => client.send(command, sending), {
        action: 'ec2:DescribeVolumes',
        where: id,
        signal,
      });
      return found.Volumes?.[0];
    } catch (error) {
      if (error instanceof DiskError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  #describe(
    volume: Volume,
    region: ServiceRegion,
    { account, encryption }: { readonly account: string; readonly encryption: DiskEncryption },
  ): DiskDescription {
    const type = volume.VolumeType ?? '';
    const state = states[volume.State ?? ''] ?? 'creating';
    return {
      provider: 'aws',
      id: volume.VolumeId ?? '',
      account,
      state,
      ...(state === 'failed' ? { failure: 'EBS reports the volume in state "error"' } : {}),
      sizeBytes: bytesOfGib(volume.Size),
      type,
      ...performanceOf(volume),
      region: region.name,
      zones: volume.AvailabilityZone === undefined ? [] : [volume.AvailabilityZone],
      encryption,
      attachedTo: (volume.Attachments ?? []).flatMap(({ InstanceId }) => InstanceId ?? []),
      tags: readTags(volume.Tags),
      createdMs: volume.CreateTime?.getTime() ?? 0,
    };
  }
}

/** What a type has by its size alone is nothing that can be chosen, and left out. */
function performanceOf({ VolumeType, Iops, Throughput }: Volume): DiskPerformance {
  const type = volumeTypeOf(VolumeType ?? '');
  return {
    ...(type?.takesIops === true && Iops !== undefined ? { iops: Iops } : {}),
    ...(type?.takesThroughput === true && Throughput !== undefined
      ? { throughputBytesPerSecond: bytesOfMib(Throughput) }
      : {}),
  };
}

/** An answer without an id leaves open what was made. */
export function unnamed(what: string, where: string, action: string): DiskError {
  return new DiskError('unavailable', `EC2 gave no id of the ${what}`, { where, action, retryable: true });
}

/** How what is made is to be encrypted; without these it is as the snapshot is, and as the account wants it. */
export function encryptionInput(
  encryption: DiskEncryption,
): Pick<CreateVolumeCommandInput, 'Encrypted' | 'KmsKeyId'> {
  if (encryption.kind === 'none') return {};
  return {
    Encrypted: true,
    // Left out, it would be the account's default, which can be a customer's.
    KmsKeyId: encryption.kind === 'provider-key' ? PROVIDER_KEY : encryption.keyId,
  };
}

function volumeInput(disk: NewDisk, zone: string): CreateVolumeCommandInput {
  const { iops, throughputBytesPerSecond } = disk;
  const type = volumeTypeOf(disk.type);
  if (type === undefined) {
    throw new DiskError('invalid-argument', `EBS has no volume type ${disk.type}`, {
      where: disk.snapshotId,
    });
  }
  return {
    AvailabilityZone: zone,
    SnapshotId: disk.snapshotId,
    Size: gibOf(disk.sizeBytes),
    VolumeType: type.name,
    ...(type.takesIops && iops !== undefined ? { Iops: iops } : {}),
    ...(type.takesThroughput && throughputBytesPerSecond !== undefined
      ? { Throughput: mibOf(throughputBytesPerSecond) }
      : {}),
    ...encryptionInput(disk.encryption),
    TagSpecifications: [{ ResourceType: 'volume', Tags: writeOwnTags(disk, disk.snapshotId) }],
  };
}

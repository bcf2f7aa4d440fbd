import {
  CopySnapshotCommand,
  CreateSnapshotCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotsCommand,
  ModifySnapshotAttributeCommand,
} from '@aws-sdk/client-ec2';
import type { Snapshot } from '@aws-sdk/client-ec2';
import type { Clock } from '../../../base/clock.ts';
import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import { sourceDiskTag } from '../driver.ts';
import type {
  DiskListOptions,
  DiskSnapshotDescription,
  NewDiskSnapshot,
  NewDiskSnapshotCopy,
  SnapshotShare,
} from '../driver.ts';
import { leavesOpen } from '../retry.ts';
import type { Keys } from './keys.ts';
import type { Regions } from './regions.ts';
import type { ServiceRegion } from './service-region.ts';
import { describeSnapshot } from './snapshot-description.ts';
import { hasTags, readTags, tagFilters, writeOwnTags } from './tags.ts';
import { encryptionInput, unnamed } from './volumes.ts';

const PAGE_SNAPSHOTS = 1000;
/** A grant has to be taken back also when the caller does not want to wait any more. */
const TAKE_BACK_LIMIT_MS = 30_000;

export interface SnapshotsOptions {
  readonly regions: Regions;
  readonly keys: Keys;
  readonly clock: Clock;
}

/** Snapshots of EBS. */
export class Snapshots {
  readonly #regions: Regions;
  readonly #keys: Keys;
  readonly #clock: Clock;

  constructor({ regions, keys, clock }: SnapshotsOptions) {
    this.#regions = regions;
    this.#keys = keys;
    this.#clock = clock;
  }

  async describe(id: string, options: AbortableOptions): Promise<DiskSnapshotDescription | undefined> {
    const region = this.#regions.of(id);
    const command = new DescribeSnapshotsCommand({ SnapshotIds: [id] });
    try {
      const found = await region.ec2.send((client, sending) => client.send(command, sending), {
        action: 'ec2:DescribeSnapshots',
        where: id,
        signal: options.signal,
      });
      const [snapshot] = found.Snapshots ?? [];
      if (snapshot === undefined) return undefined;
      return describeSnapshot(snapshot, region.name, await this.#keys.encryptionOf(snapshot, options));
    } catch (error) {
      if (error instanceof DiskError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  async create(snapshot: NewDiskSnapshot, options: AbortableOptions): Promise<DiskSnapshotDescription> {
    const { diskId } = snapshot;
    const region = this.#regions.of(diskId);
    const command = new CreateSnapshotCommand({
      VolumeId: diskId,
      Description: `tranship ${snapshot.operationId}`,
      TagSpecifications: [{ ResourceType: 'snapshot', Tags: writeOwnTags(snapshot, diskId) }],
    });
    const action = 'ec2:CreateSnapshot';
    const made = await region.ec2.send((client, sending) => client.send(command, sending), {
      action,
      where: diskId,
      signal: options.signal,
    });
    if (made.SnapshotId === undefined) throw unnamed('snapshot', diskId, action);
    this.#regions.remember(made.SnapshotId, region);
    return describeSnapshot(made, region.name, await this.#keys.encryptionOfNew(made, options));
  }

  /** The order goes to the region that is to have the copy. */
  async copy(copy: NewDiskSnapshotCopy, options: AbortableOptions): Promise<DiskSnapshotDescription> {
    const { snapshotId, encryption } = copy;
    const source = await this.#existing(snapshotId, options);
    const region = this.#regions.named(copy.region);
    const action = 'ec2:CopySnapshot';
    const tags = { ...copy.tags, [sourceDiskTag]: source.diskId };
    const command = new CopySnapshotCommand({
      SourceRegion: this.#regions.of(snapshotId).name,
      SourceSnapshotId: snapshotId,
      Description: `tranship ${copy.operationId}`,
      ...encryptionInput(encryption),
      TagSpecifications: [{ ResourceType: 'snapshot', Tags: writeOwnTags({ ...copy, tags }, snapshotId) }],
    });
    const { SnapshotId } = await region.ec2.send((client, sending) => client.send(command, sending), {
      action,
      where: snapshotId,
      signal: options.signal,
    });
    if (SnapshotId === undefined) throw unnamed('copy', snapshotId, action);
    this.#regions.remember(SnapshotId, region);
    return {
      ...source,
      id: SnapshotId,
      state: 'pending',
      progressPercent: 0,
      regions: [region.name],
      encryption: encryption.kind === 'none' ? source.encryption : encryption,
      tags: readTags(writeOwnTags(copy, snapshotId)),
      createdMs: this.#clock.nowMs(),
    };
  }

  async delete(id: string, { signal }: AbortableOptions): Promise<void> {
    const command = new DeleteSnapshotCommand({ SnapshotId: id });
    try {
      await this.#regions.of(id).ec2.send((client, sending) => client.send(command, sending), {
        action: 'ec2:DeleteSnapshot',
        where: id,
        signal,
      });
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'not-found') throw error;
    }
  }

  /** Of the account's own, in all regions that this driver has to do with. */
  async *list(options: DiskListOptions): AsyncGenerator<DiskSnapshotDescription, void, undefined> {
    for (const region of this.#regions.all()) {
      for await (const snapshot of this.#pages(region, options)) {
        if (!hasTags(readTags(snapshot.Tags), options.tags)) continue;
        this.#regions.remember(snapshot.SnapshotId ?? '', region);
        const encryption = await this.#keys.encryptionOf(snapshot, options);
        yield describeSnapshot(snapshot, region.name, encryption);
      }
    }
  }

  async share(id: string, account: string, options: AbortableOptions): Promise<SnapshotShare> {
    const { encryption } = await this.#existing(id, options);
    if (encryption.kind === 'provider-key') {
      throw new DiskError('unsupported', 'a snapshot under the key aws/ebs cannot be shared', {
        where: id,
        action: 'ec2:ModifySnapshotAttribute',
        advice: 'copy it under a customer’s key, or encrypt the volume with one',
      });
    }
    const wasShared = await this.#isShared(id, account, options);
    const key =
      encryption.kind === 'none'
        ? undefined
        : await this.#keys.grant(
            { keyId: encryption.keyId, account, name: `tranship-${id}-${account}` },
            options,
          );
    try {
      if (!wasShared) await this.#add(id, account, options);
    } catch (error) {
      // The failure to report is that of the share. Nobody keeps the id of a grant that is new.
      if (key?.isNew === true) {
        const signal = AbortSignal.timeout(TAKE_BACK_LIMIT_MS);
        await this.#keys.revoke(key.keyGrant, { signal }).catch(() => undefined);
      }
      throw error;
    }
    return {
      snapshotId: id,
      account,
      ...(wasShared ? { isNew: false } : {}),
      ...(key === undefined ? {} : { keyGrant: key.keyGrant }),
    };
  }

  async unshare(share: SnapshotShare, options: AbortableOptions): Promise<void> {
    const { isNew = true, keyGrant } = share;
    try {
      if (isNew) await this.#modify(share, 'remove', options);
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'not-found') throw error;
    }
    if (keyGrant !== undefined) await this.#keys.revoke(keyGrant, options);
  }

  /** Where it is left open whether it was done, the snapshot says so. */
  async #add(snapshotId: string, account: string, options: AbortableOptions): Promise<void> {
    try {
      await this.#modify({ snapshotId, account }, 'add', options);
    } catch (error) {
      if (!leavesOpen(error) || !(await this.#isShared(snapshotId, account, options))) throw error;
    }
  }

  async #isShared(id: string, account: string, { signal }: AbortableOptions): Promise<boolean> {
    const command = new DescribeSnapshotAttributeCommand({
      SnapshotId: id,
      Attribute: 'createVolumePermission',
    });
    const { CreateVolumePermissions = [] } = await this.#regions
      .of(id)
      .ec2.send((client, sending) => client.send(command, sending), {
        action: 'ec2:DescribeSnapshotAttribute',
        where: id,
        signal,
      });
    return CreateVolumePermissions.some(({ UserId }) => UserId === account);
  }

  async #modify(
    { snapshotId, account }: SnapshotShare,
    operation: 'add' | 'remove',
    { signal }: AbortableOptions,
  ): Promise<void> {
    const command = new ModifySnapshotAttributeCommand({
      SnapshotId: snapshotId,
      Attribute: 'createVolumePermission',
      OperationType: operation,
      UserIds: [account],
    });
    await this.#regions.of(snapshotId).ec2.send((client, sending) => client.send(command, sending), {
      action: 'ec2:ModifySnapshotAttribute',
      where: snapshotId,
      signal,
    });
  }

  async #existing(id: string, options: AbortableOptions): Promise<DiskSnapshotDescription> {
    const found = await this.describe(id, options);
    if (found !== undefined) return found;
    throw new DiskError('not-found', 'no such snapshot', { where: id, action: 'ec2:DescribeSnapshots' });
  }

  async *#pages(
    region: ServiceRegion,
    { tags, signal }: DiskListOptions,
  ): AsyncGenerator<Snapshot, void, undefined> {
    let next: string | undefined;
    do {
      const command = new DescribeSnapshotsCommand({
        OwnerIds: ['self'],
        Filters: tagFilters(tags),
        MaxResults: PAGE_SNAPSHOTS,
        ...(next === undefined ? {} : { NextToken: next }),
      });
      const page = await region.ec2.send((client, sending) => client.send(command, sending), {
        action: 'ec2:DescribeSnapshots',
        where: `snapshots in ${region.name}`,
        signal,
      });
      yield* page.Snapshots ?? [];
      next = page.NextToken === '' ? undefined : page.NextToken;
    } while (next !== undefined);
  }
}

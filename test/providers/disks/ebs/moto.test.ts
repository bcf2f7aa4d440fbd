import {
  CreateVolumeCommand,
  DescribeSnapshotAttributeCommand,
  EC2Client,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { operationTag } from '../../../../src/providers/disks/driver.ts';
import type { NewDisk } from '../../../../src/providers/disks/driver.ts';
import { EbsDriver } from '../../../../src/providers/disks/ebs/driver.ts';
import { startMoto } from '../../../support/disks/moto-server.ts';
import type { MotoServer } from '../../../support/disks/moto-server.ts';
import { peerSuite } from '../../../support/peers.ts';

const gib = 2 ** 30;
const mib = 2 ** 20;
const region = 'eu-central-1';
const credentials = { accessKeyId: 'AKIATRANSHIP', secretAccessKey: 'secret' };
/** The account that moto gives to everybody. */
const account = '123456789012';
const otherAccount = '444455556666';

peerSuite(['moto'], 'EBS as moto has it', ({ moto }) => {
  let server: MotoServer;
  let driver: EbsDriver;
  let ec2: EC2Client;
  let kms: KMSClient;

  before(async () => {
    server = await startMoto(moto);
    const { endpoint } = server;
    const settings = { credentials, endpoint, kmsEndpoint: endpoint, stsEndpoint: endpoint };
    driver = await EbsDriver.open({ region, settings });
    ec2 = new EC2Client({ region, credentials, endpoint });
    kms = new KMSClient({ region, credentials, endpoint });
  });

  after(async () => {
    await driver.close();
    ec2.destroy();
    kms.destroy();
    await server.stop();
  });

  async function addVolume(keyId?: string): Promise<string> {
    const { VolumeId } = await ec2.send(
      new CreateVolumeCommand({
        AvailabilityZone: `${region}a`,
        Size: 8,
        VolumeType: 'gp3',
        Iops: 4000,
        Throughput: 250,
        ...(keyId === undefined ? {} : { Encrypted: true, KmsKeyId: keyId }),
        TagSpecifications: [{ ResourceType: 'volume', Tags: [{ Key: 'team', Value: 'blue' }] }],
      }),
    );
    return VolumeId ?? assert.fail();
  }

  function diskOf(snapshotId: string, disk: Partial<NewDisk> = {}): NewDisk {
    return {
      snapshotId,
      operationId: `of-${snapshotId}`,
      tags: { plan: 'shop' },
      region,
      zones: [`${region}b`],
      type: 'gp3',
      sizeBytes: 10 * gib,
      iops: 4000,
      throughputBytesPerSecond: 250 * mib,
      encryption: { kind: 'none' },
      ...disk,
    };
  }

  it('describes a volume, takes a snapshot of it, and makes a volume of that', async () => {
    assert.equal(await driver.account({}), account);
    const diskId = await addVolume();
    const disk = await driver.describeDisk(diskId, {});
    assert.equal(disk?.type, 'gp3');
    assert.equal(disk.throughputBytesPerSecond, 250 * mib);
    assert.equal(disk.iops, 4000);
    assert.deepEqual(disk.tags, { team: 'blue' });
    const tags = { plan: 'sh*p' };
    const { id } = await driver.createSnapshot({ diskId, operationId: 'shop-1', tags }, {});
    const snapshot = await driver.describeSnapshot(id, {});
    assert.equal(snapshot?.state, 'ready');
    assert.equal(snapshot.diskId, diskId);
    assert.equal(snapshot.diskSizeBytes, 8 * gib);
    assert.deepEqual(snapshot.tags, { ...tags, [operationTag]: 'shop-1' });
    const made = await driver.createDisk(diskOf(id), {});
    const found = await driver.describeDisk(made.id, {});
    assert.equal(found?.state, 'available');
    assert.equal(found.sizeBytes, 10 * gib);
    assert.equal(found.iops, 4000);
    assert.equal(found.throughputBytesPerSecond, 250 * mib);
    assert.deepEqual(found.zones, [`${region}b`]);
    const listed: string[] = [];
    for await (const one of driver.listDisks({ tags: { [operationTag]: `of-${id}` } })) listed.push(one.id);
    assert.deepEqual(listed, [made.id]);
    for (let times = 0; times < 2; times++) {
      await driver.deleteDisk(made.id, {});
      await driver.deleteSnapshot(id, {});
    }
    assert.equal(await driver.describeDisk(made.id, {}), undefined);
    assert.equal(await driver.describeSnapshot(id, {}), undefined);
  });

  // moto has no key of Amazon's own, and snapshots of encrypted volumes do not tell theirs.
  it('asks KMS for a customer’s key', async () => {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    const keyId = KeyMetadata?.Arn ?? assert.fail();
    const disk = await driver.describeDisk(await addVolume(keyId), {});
    assert.deepEqual(disk?.encryption, { kind: 'customer-key', keyId });
  });

  it('shares a snapshot, and takes that back', async () => {
    const diskId = await addVolume();
    const { id } = await driver.createSnapshot({ diskId, operationId: 'shared', tags: {} }, {});
    const permissions = async () => {
      const of = { SnapshotId: id, Attribute: 'createVolumePermission' } as const;
      const { CreateVolumePermissions } = await ec2.send(new DescribeSnapshotAttributeCommand(of));
      return (CreateVolumePermissions ?? []).map(({ UserId }) => UserId);
    };
    const share = await driver.shareSnapshot(id, otherAccount, {});
    assert.deepEqual(await permissions(), [otherAccount]);
    for (let times = 0; times < 2; times++) await driver.unshareSnapshot(share, {});
    assert.deepEqual(await permissions(), []);
  });

  it('takes snapshots of a machine’s volumes together', async () => {
    const { Instances } = await ec2.send(
      new RunInstancesCommand({
        ImageId: 'ami-03cf127a',
        MinCount: 1,
        MaxCount: 1,
        BlockDeviceMappings: ['/dev/sdf', '/dev/sdg'].map((DeviceName) => ({
          DeviceName,
          Ebs: { VolumeSize: 8 },
        })),
      }),
    );
    const [instance] = Instances ?? [];
    const machineId = instance?.InstanceId ?? assert.fail();
    const attached: string[] = [];
    for await (const disk of driver.listDisks({ tags: {} })) {
      if (disk.attachedTo.includes(machineId)) attached.push(disk.id);
    }
    const wanted = attached.map((diskId, index) => ({ diskId, operationId: `group-${index}`, tags: {} }));
    assert.ok(wanted.length > 1);
    const made = await driver.createSnapshots(wanted, { machineId });
    assert.deepEqual(
      made.map(({ diskId }) => diskId),
      attached,
    );
    for (const { operationId, diskId } of wanted) {
      const found: string[] = [];
      for await (const one of driver.listSnapshots({ tags: { [operationTag]: operationId } })) {
        found.push(one.diskId);
      }
      assert.deepEqual(found, [diskId]);
    }
  });

  it('copies a snapshot into another region', async () => {
    const diskId = await addVolume();
    const { id } = await driver.createSnapshot({ diskId, operationId: 'far', tags: {} }, {});
    const order = { snapshotId: id, operationId: 'copy', tags: {}, region: 'us-west-2' };
    const copy = await driver.copySnapshot({ ...order, encryption: { kind: 'none' } }, {});
    const found = await driver.describeSnapshot(copy.id, {});
    assert.deepEqual(found?.regions, ['us-west-2']);
    assert.equal(found.state, 'ready');
  });

  it('knows zones and regions, and says what is not there', async () => {
    assert.deepEqual(await driver.listZones(region, {}), [`${region}a`, `${region}b`, `${region}c`]);
    assert.ok((await driver.listZones('us-west-2', {})).includes('us-west-2a'));
    assert.deepEqual(await driver.listZones('us-wset-2', {}), []);
    const missing = 'vol-00000000000000000';
    assert.equal(await driver.describeDisk(missing, {}), undefined);
    await assert.rejects(driver.createSnapshot({ diskId: missing, operationId: 'x', tags: {} }, {}), {
      code: 'not-found',
      action: 'ec2:CreateSnapshot',
    });
  });
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { permissions } from '../../../../src/providers/disks/ebs/permissions.ts';
import { Ec2Double } from '../../../support/disks/ec2-double.ts';

const keyId = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const encryption = { kind: 'customer-key', keyId } as const;
const machineId = 'i-0123456789abcdef0';

type Method = keyof typeof permissions;

/** What is there before the call whose permissions are asked for. */
interface World {
  readonly cloud: Ec2Double;
  readonly diskId: string;
  readonly snapshotId: string;
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

/** Each call, with a customer's key, and as it goes where it has most to do. */
const calls: Readonly<Record<Method, (world: World) => Promise<unknown>>> = {
  account: ({ cloud }) => cloud.driver.account({}),
  describeDisk: ({ cloud, diskId }) => cloud.driver.describeDisk(diskId, {}),
  createDisk: async ({ cloud, snapshotId }) => {
    const order = {
      snapshotId,
      operationId: 'disk',
      tags: {},
      region: cloud.region,
      zones: cloud.zones.slice(0, 1),
      type: 'gp3',
      sizeBytes: 2 ** 33,
      encryption,
    };
    await cloud.driver.createDisk(order, {});
    await cloud.driver.createDisk({ ...order, tags: { expires: 'later' } }, {});
  },
  deleteDisk: ({ cloud }) => cloud.driver.deleteDisk(cloud.addDisk(), {}),
  listDisks: ({ cloud }) => drain(cloud.driver.listDisks({ tags: {} })),
  describeSnapshot: ({ cloud, snapshotId }) => cloud.driver.describeSnapshot(snapshotId, {}),
  createSnapshot: ({ cloud, diskId }) =>
    cloud.driver.createSnapshot({ diskId, operationId: 'snapshot', tags: {} }, {}),
  createSnapshots: async ({ cloud, diskId }) => {
    const wanted = [{ diskId, operationId: 'group', tags: {} }];
    cloud.refuseTags();
    await assert.rejects(cloud.driver.createSnapshots(wanted, { machineId }));
  },
  copySnapshot: ({ cloud, snapshotId }) =>
    cloud.driver.copySnapshot(
      { snapshotId, operationId: 'copy', tags: {}, region: cloud.region, encryption },
      {},
    ),
  deleteSnapshot: ({ cloud, snapshotId }) => cloud.driver.deleteSnapshot(snapshotId, {}),
  listSnapshots: ({ cloud }) => drain(cloud.driver.listSnapshots({ tags: {} })),
  shareSnapshot: async ({ cloud, snapshotId }) => {
    cloud.strike({ call: 'shareSnapshot', kind: 'denied' });
    await assert.rejects(cloud.driver.shareSnapshot(snapshotId, cloud.otherAccount, {}));
  },
  unshareSnapshot: ({ cloud, snapshotId }) => {
    const { otherAccount: account } = cloud;
    return cloud.driver.unshareSnapshot({ snapshotId, account, keyGrant: { keyId, grantId: 'grant-0' } }, {});
  },
  describeType: ({ cloud }) => cloud.driver.describeType('gp3'),
  listZones: ({ cloud }) => cloud.driver.listZones('us-west-2', {}),
  describeQuotas: ({ cloud }) => cloud.driver.describeQuotas(),
};

async function worldOf(cloud: Ec2Double): Promise<World> {
  const diskId = cloud.addDisk({ encryption, attachedTo: [machineId] });
  const before = await Ec2Double.openBeside(cloud);
  const { id: snapshotId } = await before.createSnapshot({ diskId, operationId: 'before', tags: {} }, {});
  for (let looks = 0; looks < 3; looks++) await before.describeSnapshot(snapshotId, {});
  await before.close();
  cloud.forgetPermissions();
  return { cloud, diskId, snapshotId };
}

for (const method of Object.keys(permissions).filter((name): name is Method => name in calls)) {
  it(`${method} wants the permissions that are stated, and no others`, async (t) => {
    const cloud = await Ec2Double.start();
    t.after(() => cloud.stop());
    await calls[method](await worldOf(cloud));
    assert.deepEqual(cloud.usedPermissions(), [...permissions[method]].sort());
    assert.deepEqual(cloud.violations(), []);
  });
}

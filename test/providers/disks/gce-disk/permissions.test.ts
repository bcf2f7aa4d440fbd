/** The permissions that are listed for each call are those that it takes, no more and no less. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allOf } from '../../../../src/base/all-of.ts';
import { permissions } from '../../../../src/providers/disks/gce-disk/permissions.ts';
import { diskPermissions } from '../../../../src/providers/disks/open.ts';
import { ComputeDouble } from '../../../support/disks/compute-double.ts';

type Method = keyof typeof permissions;

const OF = 'projects/tranship-source';
const KEY = 'projects/keys/locations/europe-west1/keyRings/ring/cryptoKeys/disks';
const SNAPSHOT = `${OF}/global/snapshots/snap-1`;
const share = {
  snapshotId: SNAPSHOT,
  account: 'tranship-target',
  accountNumber: '1002',
  keyGrant: { keyId: KEY, grantId: `tranship-${SNAPSHOT.slice(SNAPSHOT.lastIndexOf('/') + 1)}` },
};

/** All ways through a call, on a cloud that has the snapshot SNAPSHOT. */
const ways: Readonly<Record<Method, (cloud: ComputeDouble, diskId: string) => Promise<unknown>>> = {
  account: ({ driver }) => driver.account({}),
  describeDisk: async ({ driver }, diskId) => {
    await driver.describeDisk(diskId, {});
    for (const place of ['zones/europe-west1-b', 'regions/europe-west1']) {
      assert.equal(await driver.describeDisk(`${OF}/${place}/disks/none`, {}), undefined);
    }
  },
  createDisk: async (cloud) => {
    const { driver, region, zones, world } = cloud;
    const order = {
      snapshotId: SNAPSHOT,
      operationId: 'disk-1',
      tags: {},
      type: 'pd-ssd',
      sizeBytes: 2 ** 34,
      region,
    };
    const encryption = { kind: 'provider-key' } as const;
    for (const count of [1, 2, 1]) {
      await driver.createDisk({ ...order, encryption, zones: zones.slice(0, count) }, {});
      world.forgetRequests();
    }
  },
  deleteDisk: async ({ driver }, diskId) => {
    await driver.deleteDisk(diskId, {});
    await driver.deleteDisk(`${OF}/zones/europe-west1-b/disks/none`, {});
    await driver.deleteDisk(`${OF}/regions/europe-west1/disks/none`, {});
  },
  listDisks: ({ driver }) => allOf(driver.listDisks({ tags: {} })),
  describeSnapshot: async ({ driver }) => {
    await driver.describeSnapshot(SNAPSHOT, {});
    await driver.describeSnapshot(`${SNAPSHOT}-none`, {});
  },
  createSnapshot: async ({ driver, world }, diskId) => {
    const order = { diskId, operationId: 'snap-2', tags: {} };
    await driver.createSnapshot(order, {});
    world.forgetRequests();
    await driver.createSnapshot(order, {});
  },
  deleteSnapshot: async ({ driver }) => {
    await driver.deleteSnapshot(SNAPSHOT, {});
    await driver.deleteSnapshot(`${SNAPSHOT}-none`, {});
  },
  listSnapshots: ({ driver }) => allOf(driver.listSnapshots({ tags: {} })),
  shareSnapshot: ({ driver, otherAccount }) => driver.shareSnapshot(SNAPSHOT, otherAccount, {}),
  unshareSnapshot: async ({ driver, world }) => {
    const members = ['principalSet://cloudresourcemanager.googleapis.com/projects/1002/type/ServiceAccount'];
    const role = 'roles/compute.storageAdmin';
    world.policies.set(SNAPSHOT, { version: 1, etag: 'A', bindings: [{ role, members }] });
    const ofKey = {
      role: 'roles/cloudkms.cryptoKeyEncrypterDecrypter',
      members: ['serviceAccount:service-1002@compute-system.iam.gserviceaccount.com'],
      condition: { title: share.keyGrant.grantId, description: SNAPSHOT },
    };
    world.policies.set(KEY, { version: 1, etag: 'A', bindings: [ofKey] });
    await driver.unshareSnapshot(share, {});
    assert.deepEqual(
      [...world.policies.values()].map(({ bindings }) => bindings),
      [[], []],
    );
  },
  describeType: ({ driver, region }) => driver.describeType('pd-ssd', region, {}),
  listZones: ({ driver, region }) => driver.listZones(region, {}),
  describeQuotas: ({ driver, region }) => driver.describeQuotas({ region, type: 'pd-ssd' }, {}),
};

function isMethod(name: string): name is Method {
  return Object.hasOwn(permissions, name);
}

describe('Google disks: permissions', () => {
  for (const [method, run] of Object.entries(ways)) {
    it(`of ${method}`, async (t) => {
      const cloud = await ComputeDouble.start();
      t.after(() => cloud.stop());
      const diskId = cloud.addDisk({ encryption: { kind: 'customer-key', keyId: KEY } });
      const body = { name: 'snap-1', sourceDisk: diskId };
      cloud.world.insertSnapshot('tranship-source', body, 'ready', null);
      for (let look = 0; look < 3; look++) cloud.world.getSnapshot(SNAPSHOT);
      await run(cloud, diskId);
      assert.ok(isMethod(method));
      assert.deepEqual(cloud.usedPermissions(), [...permissions[method]].sort());
      assert.deepEqual(cloud.violations(), []);
    });
  }

  it('are what the library gives for the cloud', async () => {
    assert.deepEqual(await diskPermissions('gcp'), permissions);
  });
});

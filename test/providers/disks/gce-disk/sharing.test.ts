/** Sharing a Google snapshot: what is given, and that just that is taken back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { ComputeDouble } from '../../../support/disks/compute-double.ts';
import { diskErrorOf } from '../../../support/disks/disk-error-of.ts';

const KEY = 'projects/keys/locations/europe-west1/keyRings/ring/cryptoKeys/disks';
const ROLE = 'roles/compute.storageAdmin';
const KEY_ROLE = 'roles/cloudkms.cryptoKeyEncrypterDecrypter';
const MEMBER = 'principalSet://cloudresourcemanager.googleapis.com/projects/1002/type/ServiceAccount';
const AGENT = 'serviceAccount:service-1002@compute-system.iam.gserviceaccount.com';
const others = [
  { role: ROLE, members: ['user:somebody@example.com'] },
  {
    role: ROLE,
    members: [MEMBER],
    condition: { expression: 'request.time < timestamp("2020-01-01T00:00:00Z")' },
  },
  { role: 'roles/viewer', members: ['group:all@example.com'] },
];

async function shared(t: TestContext, isEncrypted = false) {
  const cloud = await ComputeDouble.start();
  t.after(async () => {
    await cloud.stop();
    assert.deepEqual(cloud.violations(), []);
  });
  const encryption = isEncrypted
    ? ({ kind: 'customer-key', keyId: KEY } as const)
    : ({ kind: 'provider-key' } as const);
  const order = { diskId: cloud.addDisk({ encryption }), operationId: 'snap-1', tags: {} };
  const { id } = await cloud.driver.createSnapshot(order, {});
  /** Without conditions, or with those of ours, whose title is said. */
  const grants = (of: string): string[] =>
    cloud.world.policy(of).bindings.flatMap((binding) => {
      const { role, members, condition } = Object.fromEntries(Object.entries(binding));
      const title: string | undefined = condition?.title;
      if (condition !== undefined && title === undefined) return [];
      return members.map((member: string) => [role, member, title].filter(Boolean).join(' '));
    });
  return { cloud, driver: cloud.driver, id, grants };
}

describe('Google disks: sharing a snapshot', () => {
  it('leaves what else its policy says as it is', async (t) => {
    const { cloud, driver, id, grants } = await shared(t);
    cloud.world.policies.set(id, { version: 3, etag: 'A', bindings: others });
    const share = await driver.shareSnapshot(id, cloud.otherAccount, {});
    assert.deepEqual(share, { snapshotId: id, account: cloud.otherAccount, accountNumber: '1002' });
    assert.ok(grants(id).includes(`${ROLE} ${MEMBER}`));
    const again = await driver.shareSnapshot(id, cloud.otherAccount, {});
    assert.equal(again.isNew, false);
    await driver.unshareSnapshot(again, {});
    assert.equal(grants(id).length, 3);
    await driver.unshareSnapshot(share, {});
    assert.deepEqual(new Set(cloud.world.policy(id).bindings), new Set(others));
  });

  it('takes the number of a project as well, for which nothing need be looked up', async (t) => {
    const { cloud, driver, id, grants } = await shared(t);
    await driver.shareSnapshot(id, '1002', {});
    assert.deepEqual(grants(id), [`${ROLE} ${MEMBER}`]);
    assert.ok(!cloud.usedPermissions().includes('compute.projects.get'));
    const unknown = await diskErrorOf(driver.shareSnapshot(id, 'no-such-project', {}));
    assert.deepEqual([unknown.code, unknown.where], ['not-found', 'projects/no-such-project']);
  });

  it('lets the other project’s Compute Engine use the key, and takes that back', async (t) => {
    const { cloud, driver, id, grants } = await shared(t, true);
    const share = await driver.shareSnapshot(id, cloud.otherAccount, {});
    assert.deepEqual(share.keyGrant, { keyId: KEY, grantId: 'tranship-snap-1' });
    assert.deepEqual(grants(KEY), [`${KEY_ROLE} ${AGENT} tranship-snap-1`]);
    await driver.unshareSnapshot(share, {});
    assert.deepEqual([grants(KEY), grants(id)], [[], []]);
    await driver.unshareSnapshot(share, {});
  });

  it('keeps the key of one snapshot when another one’s share is taken back', async (t) => {
    const { cloud, driver, id, grants } = await shared(t, true);
    const encryption = { kind: 'customer-key', keyId: KEY } as const;
    const second = { diskId: cloud.addDisk({ encryption }), operationId: 'snap-2', tags: {} };
    const { id: otherId } = await driver.createSnapshot(second, {});
    const first = await driver.shareSnapshot(id, cloud.otherAccount, {});
    await driver.shareSnapshot(otherId, cloud.otherAccount, {});
    await driver.unshareSnapshot(first, {});
    assert.deepEqual(grants(KEY), [`${KEY_ROLE} ${AGENT} tranship-snap-2`]);
    // A share that fails leaves what one before gave.
    cloud.strike({ call: 'shareSnapshot', kind: 'denied' });
    cloud.world.policies.delete(otherId);
    await diskErrorOf(driver.shareSnapshot(otherId, cloud.otherAccount, {}));
    assert.deepEqual(grants(KEY), [`${KEY_ROLE} ${AGENT} tranship-snap-2`]);
  });

  it('is taken back without asking for the other project, which may be gone', async (t) => {
    const { cloud, driver, id, grants } = await shared(t, true);
    const share = await driver.shareSnapshot(id, cloud.otherAccount, {});
    const { length } = cloud.requests;
    await driver.unshareSnapshot(share, {});
    assert.ok(!cloud.requests.slice(length).includes('Projects.Get'));
    assert.deepEqual([grants(KEY), grants(id)], [[], []]);
  });

  it('does not take back the use of a key that was allowed before', async (t) => {
    const { cloud, driver, id, grants } = await shared(t, true);
    cloud.world.policies.set(KEY, {
      version: 1,
      etag: 'A',
      bindings: [{ role: KEY_ROLE, members: [AGENT] }],
    });
    const share = await driver.shareSnapshot(id, cloud.otherAccount, {});
    assert.equal(share.keyGrant, undefined);
    await driver.unshareSnapshot(share, {});
    assert.deepEqual([grants(KEY), grants(id)], [[`${KEY_ROLE} ${AGENT}`], []]);
  });

  it('leaves no key usable where the snapshot itself cannot be shared', async (t) => {
    const { cloud, driver, id, grants } = await shared(t, true);
    cloud.strike({ call: 'shareSnapshot', kind: 'denied' });
    const { code, action } = await diskErrorOf(driver.shareSnapshot(id, cloud.otherAccount, {}));
    assert.deepEqual([code, action], ['permission-denied', 'compute.snapshots.setIamPolicy']);
    assert.deepEqual([grants(KEY), grants(id)], [[], []]);
  });

  it('is shared where only the answer was lost', async (t) => {
    const { cloud, driver, id, grants } = await shared(t, true);
    cloud.strike({ call: 'shareSnapshot', kind: 'lost-answer' });
    const share = await driver.shareSnapshot(id, cloud.otherAccount, {});
    assert.deepEqual(grants(id), [`${ROLE} ${MEMBER}`]);
    assert.ok(share.keyGrant);
  });

  it('does not undo what another changes at the same time, and may be asked for again', async (t) => {
    const { cloud, driver, id, grants } = await shared(t);
    const { world } = cloud;
    const read = world.policy.bind(world);
    // Between the reading and the writing of the policy.
    world.policy = (of) => {
      world.policy = read;
      const before = read(of);
      world.policies.set(of, { version: 1, etag: 'B', bindings: others.slice(0, 1) });
      return before;
    };
    const { code, retryable } = await diskErrorOf(driver.shareSnapshot(id, cloud.otherAccount, {}));
    assert.deepEqual([code, retryable], ['conflict', true]);
    assert.deepEqual(grants(id), [`${ROLE} user:somebody@example.com`]);
    await driver.shareSnapshot(id, cloud.otherAccount, {});
    assert.equal(grants(id).length, 2);
  });

  it('of a snapshot that is gone is taken back already', async (t) => {
    const { cloud, driver, id } = await shared(t);
    const share = await driver.shareSnapshot(id, cloud.otherAccount, {});
    cloud.remove(id);
    await driver.unshareSnapshot(share, {});
  });
});

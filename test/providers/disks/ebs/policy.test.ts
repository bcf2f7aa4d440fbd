import assert from 'node:assert/strict';
import { it } from 'node:test';
import { diskPermissions } from '../../../../src/providers/disks/open.ts';
import { permissionsOfRole } from '../../../../src/snapshot/disk-policy.ts';
import type { DiskRole } from '../../../../src/snapshot/disk-policy.ts';
import { snapshotDisks } from '../../../../src/snapshot/snapshot-disks.ts';
import { sweepDisks } from '../../../../src/snapshot/sweep-disks.ts';
import { DiskWorld } from '../../../support/disks/disk-world.ts';
import { Ec2Double } from '../../../support/disks/ec2-double.ts';

const keyId = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const encryption = { kind: 'customer-key', keyId } as const;

it('each role’s policy allows every call that its part of a migration makes', async (t) => {
  const permissions = await diskPermissions('aws');
  const cloud = await Ec2Double.start();
  t.after(() => cloud.stop());
  const world = await DiskWorld.around(cloud);
  /** What was called since the last time, and is not in the policy. */
  const missing = (role: DiskRole): string[] => {
    const allowed = permissionsOfRole(role, permissions);
    const used = cloud.usedPermissions();
    assert.ok(used.length > 0);
    cloud.forgetPermissions();
    return used.filter((permission) => !allowed.includes(permission));
  };
  const volumes = ['data', 'log'].map((volume) => ({
    volume,
    diskId: world.addDisk({ attachedTo: ['i-0123456789abcdef0'], encryption }),
  }));
  const shareWith = [cloud.otherAccount];
  const group = await snapshotDisks(world.repository, cloud.driver, { plan: 'shop', volumes, shareWith });
  const single = await world.snapshot(world.addDisk({ encryption }), { plan: 'other', shareWith });
  cloud.strike({ call: 'createSnapshot', kind: 'fails-later' });
  await assert.rejects(world.snapshot(world.addDisk(), { plan: 'failing' }));
  assert.deepEqual(missing('snapshot'), []);

  for (const { id } of [...group.documents, single]) await world.restore(id);
  cloud.strike({ call: 'createDisk', kind: 'fails-later' });
  await assert.rejects(world.restore(single.id, { name: 'again' }));
  assert.deepEqual(missing('restore'), []);

  world.clock.pass(365 * 24 * 60 * 60_000);
  const { removed } = await sweepDisks(world.repository, cloud.driver, { unclaimedDisks: true });
  assert.ok(removed.length >= 3);
  assert.deepEqual(cloud.snapshots(), []);
  assert.deepEqual(cloud.grants(), []);
  assert.deepEqual(missing('sweep'), []);
  assert.deepEqual(cloud.violations(), []);
});

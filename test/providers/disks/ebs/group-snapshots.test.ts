import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { DiskError } from '../../../../src/base/errors.ts';
import { operationTag } from '../../../../src/providers/disks/driver.ts';
import type { NewDiskSnapshot } from '../../../../src/providers/disks/driver.ts';
import { Ec2Double } from '../../../support/disks/ec2-double.ts';

const machineId = 'i-0123456789abcdef0';

/** A machine with a boot disk, the two volumes that are wanted, and one that is not. */
async function start(t: TestContext) {
  const cloud = await Ec2Double.start();
  t.after(async () => {
    assert.deepEqual(cloud.violations(), []);
    await cloud.stop();
  });
  const encryption = { kind: 'provider-key' } as const;
  const [data, log] = [
    cloud.addDisk({ attachedTo: [machineId], encryption }),
    cloud.addDisk({ attachedTo: [machineId] }),
  ];
  cloud.addDisk({ attachedTo: [machineId] });
  const wanted: readonly NewDiskSnapshot[] = [
    { diskId: data, operationId: 'shop-data-1', tags: { plan: 'shop', volume: 'data' } },
    { diskId: log, operationId: 'shop-log-1', tags: { plan: 'shop', volume: 'log' } },
  ];
  return { cloud, wanted };
}

function tagsOf(cloud: Ec2Double) {
  return cloud.snapshots().map(({ tags }) => [tags['plan'], tags['volume'], tags[operationTag]]);
}

const own = [
  ['shop', 'data', 'shop-data-1'],
  ['shop', 'log', 'shop-log-1'],
];

it('takes the wanted volumes of a machine and no others, each with its own tags', async (t) => {
  const { cloud, wanted } = await start(t);
  const made = await cloud.driver.createSnapshots(wanted, { machineId });
  assert.deepEqual(
    made.map(({ diskId, tags }) => [diskId, tags[operationTag]]),
    wanted.map(({ diskId, operationId }) => [diskId, operationId]),
  );
  assert.deepEqual(
    made.map(({ encryption }) => encryption.kind),
    ['provider-key', 'none'],
  );
  assert.deepEqual(tagsOf(cloud), own);
});

it('adopts what a call whose answer was lost has made', async (t) => {
  const { cloud, wanted } = await start(t);
  cloud.strike({ call: 'createSnapshot', kind: 'lost-answer' });
  await assert.rejects(cloud.driver.createSnapshots(wanted, { machineId }), { code: 'unavailable' });
  assert.deepEqual(
    tagsOf(cloud).map(([plan]) => plan),
    ['shop', 'shop'],
  );
  const made = await cloud.driver.createSnapshots(wanted.toReversed(), { machineId });
  assert.deepEqual(
    made.map(({ id }) => id).sort(),
    cloud
      .snapshots()
      .map(({ id }) => id)
      .sort(),
  );
  assert.deepEqual(tagsOf(cloud), own);
});

it('refuses a volume that is not attached to the machine before anything is made', async (t) => {
  const { cloud, wanted } = await start(t);
  const other = { diskId: cloud.addDisk(), operationId: 'other', tags: {} };
  await assert.rejects(cloud.driver.createSnapshots([...wanted, other], { machineId }), (error: unknown) => {
    assert.ok(error instanceof DiskError);
    assert.equal(error.code, 'conflict');
    assert.equal(error.where, other.diskId);
    return true;
  });
  assert.deepEqual(cloud.snapshots(), []);
});

it('leaves nothing of snapshots that cannot be tagged', async (t) => {
  const { cloud, wanted } = await start(t);
  cloud.refuseTags();
  await assert.rejects(cloud.driver.createSnapshots(wanted, { machineId }), {
    code: 'permission-denied',
    action: 'ec2:CreateTags',
  });
  assert.deepEqual(cloud.snapshots(), []);
});

it('says that it is open what is there where they can neither be tagged nor deleted', async (t) => {
  const { cloud, wanted } = await start(t);
  cloud.refuseTags();
  cloud.strike({ call: 'deleteSnapshot', kind: 'denied' });
  await assert.rejects(cloud.driver.createSnapshots(wanted, { machineId }), {
    code: 'unavailable',
    message: /neither tagged nor deleted: snap-\w+ snap-\w+/,
  });
});

it('tags that leave no room for the group’s own are refused before anything is made', async (t) => {
  const { cloud, wanted } = await start(t);
  const many = Object.fromEntries(Array.from({ length: 49 }, (_, index) => [`tag-${index}`, 'x']));
  const full = wanted.map((snapshot) => ({ ...snapshot, tags: many }));
  await assert.rejects(cloud.driver.createSnapshots(full, { machineId }), { code: 'invalid-argument' });
  assert.deepEqual(cloud.snapshots(), []);
});

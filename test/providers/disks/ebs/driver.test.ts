import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { CancelledError, DiskError } from '../../../../src/base/errors.ts';
import type { ErrorCode } from '../../../../src/base/errors.ts';
import { operationTag } from '../../../../src/providers/disks/driver.ts';
import type {
  DiskDescription,
  DiskSnapshotDescription,
  NewDisk,
} from '../../../../src/providers/disks/driver.ts';
import { EbsDriver } from '../../../../src/providers/disks/ebs/driver.ts';
import { Ec2Double } from '../../../support/disks/ec2-double.ts';

const gib = 2 ** 30;
const mib = 2 ** 20;
const customerKey = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

async function start(t: TestContext): Promise<Ec2Double> {
  const cloud = await Ec2Double.start();
  t.after(async () => {
    assert.deepEqual(cloud.violations(), []);
    await cloud.stop();
  });
  return cloud;
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function readySnapshot(
  cloud: Ec2Double,
  diskId: string,
  operationId = 'shop-data-1',
): Promise<DiskSnapshotDescription> {
  const made = await cloud.driver.createSnapshot({ diskId, operationId, tags: { plan: 'shop' } }, {});
  for (;;) {
    const found = await cloud.driver.describeSnapshot(made.id, {});
    assert.ok(found);
    if (found.state === 'ready') return found;
  }
}

async function usable(cloud: Ec2Double, id: string): Promise<DiskDescription | undefined> {
  for (;;) {
    const found = await cloud.driver.describeDisk(id, {});
    if (found?.state !== 'creating') return found;
  }
}

function diskOf(snapshot: DiskSnapshotDescription, disk: Partial<NewDisk> = {}): NewDisk {
  return {
    snapshotId: snapshot.id,
    operationId: 'shop-data-1-disk',
    tags: {},
    region: 'eu-central-1',
    zones: ['eu-central-1b'],
    type: 'gp3',
    sizeBytes: snapshot.diskSizeBytes,
    encryption: { kind: 'none' },
    ...disk,
  };
}

function hasCode(code: ErrorCode, words: RegExp, action?: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof DiskError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    if (action !== undefined) assert.equal(error.action, action);
    return true;
  };
}

it('describes a volume with all that decides how it performs, without Amazon’s own tags', async (t) => {
  const cloud = await start(t);
  const id = cloud.addDisk({
    type: 'gp3',
    sizeBytes: 100 * gib,
    iops: 6000,
    throughputBytesPerSecond: 500 * mib,
    zones: ['eu-central-1b'],
    attachedTo: ['i-0123456789abcdef0'],
    tags: { team: 'blue' },
  });
  const { createdMs, ...found } = (await cloud.driver.describeDisk(id, {})) ?? assert.fail();
  assert.ok(Math.abs(Date.now() - createdMs) < 3_600_000);
  assert.deepEqual(found, {
    provider: 'aws',
    id,
    account: '111122223333',
    state: 'in-use',
    sizeBytes: 100 * gib,
    type: 'gp3',
    iops: 6000,
    throughputBytesPerSecond: 500 * mib,
    region: 'eu-central-1',
    zones: ['eu-central-1b'],
    encryption: { kind: 'none' },
    attachedTo: ['i-0123456789abcdef0'],
    tags: { team: 'blue' },
  });
  assert.equal(await cloud.driver.describeDisk('vol-00000000000000000', {}), undefined);
});

it('tells Amazon’s own key from a customer’s, and asks KMS once for each', async (t) => {
  const cloud = await start(t);
  const own = cloud.addDisk({ encryption: { kind: 'provider-key' } });
  const customers = cloud.addDisk({ encryption: { kind: 'customer-key', keyId: customerKey } });
  const foreignKey = customerKey.replace('111122223333', '999988887777');
  const foreign = cloud.addDisk({ encryption: { kind: 'customer-key', keyId: foreignKey } });
  const kinds = async (id: string) => (await cloud.driver.describeDisk(id, {}))?.encryption;
  assert.deepEqual(await kinds(own), { kind: 'provider-key' });
  assert.deepEqual(await kinds(customers), { kind: 'customer-key', keyId: customerKey });
  assert.deepEqual(await kinds(foreign), { kind: 'customer-key', keyId: foreignKey });
  cloud.state.keys.delete(customerKey);
  assert.deepEqual(await kinds(customers), { kind: 'customer-key', keyId: customerKey });
});

it('a volume whose key was deleted has a customer’s key', async (t) => {
  const cloud = await start(t);
  const id = cloud.addDisk({ encryption: { kind: 'customer-key', keyId: customerKey } });
  cloud.state.keys.delete(customerKey);
  const found = await cloud.driver.describeDisk(id, {});
  assert.deepEqual(found?.encryption, { kind: 'customer-key', keyId: customerKey });
});

it('takes a snapshot that is pending, and tells how far it is', async (t) => {
  const cloud = await start(t);
  const diskId = cloud.addDisk({ sizeBytes: 20 * gib });
  const made = await cloud.driver.createSnapshot(
    { diskId, operationId: 'shop-data-1', tags: { 'plan/é': 'shop *?' } },
    {},
  );
  assert.equal(made.state, 'pending');
  assert.equal(made.diskId, diskId);
  assert.equal(made.account, '111122223333');
  assert.deepEqual(made.regions, ['eu-central-1']);
  assert.deepEqual(made.tags, { 'plan/é': 'shop *?', [operationTag]: 'shop-data-1' });
  const looked = await cloud.driver.describeSnapshot(made.id, {});
  assert.equal(looked?.state, 'pending');
  assert.equal(looked.progressPercent, 30);
  await cloud.driver.describeSnapshot(made.id, {});
  const ready = await cloud.driver.describeSnapshot(made.id, {});
  assert.equal(ready?.state, 'ready');
  assert.equal(ready.progressPercent, 100);
  assert.equal(ready.diskSizeBytes, 20 * gib);
});

const kept: readonly (readonly [string, Partial<NewDisk>, Partial<NewDisk>])[] = [
  ['gp3', { iops: 6000, throughputBytesPerSecond: 500 * mib }, {}],
  ['io2', { iops: 9000, throughputBytesPerSecond: 500 * mib }, { throughputBytesPerSecond: undefined }],
  [
    'gp2',
    { iops: 300, throughputBytesPerSecond: 500 * mib },
    { iops: undefined, throughputBytesPerSecond: undefined },
  ],
  ['st1', { sizeBytes: 125 * gib, iops: 5 }, { iops: undefined }],
];
for (const [type, asked, instead] of kept) {
  it(`makes a volume of type ${type} with what the type takes`, async (t) => {
    const cloud = await start(t);
    const snapshot = await readySnapshot(cloud, cloud.addDisk());
    const made = await cloud.driver.createDisk(diskOf(snapshot, { type, ...asked }), {});
    assert.equal(made.state, 'creating');
    const found = await usable(cloud, made.id);
    assert.equal(found?.state, 'available');
    assert.equal(found.type, type);
    assert.deepEqual(found.zones, ['eu-central-1b']);
    const expected = { ...asked, ...instead };
    assert.equal(found.iops, expected.iops);
    assert.equal(found.throughputBytesPerSecond, expected.throughputBytesPerSecond);
    assert.equal(found.sizeBytes, expected.sizeBytes ?? 8 * gib);
  });
}

it('a repeated order is the same volume, also where its tags or its type have changed', async (t) => {
  const cloud = await start(t);
  const snapshot = await readySnapshot(cloud, cloud.addDisk());
  const first = await cloud.driver.createDisk(diskOf(snapshot), {});
  for (const changed of [{}, { type: 'gp2' }, { tags: { expires: 'later' } }]) {
    const again = await cloud.driver.createDisk(diskOf(snapshot, changed), {});
    assert.equal(again.id, first.id);
    assert.equal(again.type, 'gp3');
  }
  assert.equal(cloud.disks().length, 2);
});

it('an order whose tags have changed since its volume was deleted makes another one in a while', async (t) => {
  const cloud = await start(t);
  const snapshot = await readySnapshot(cloud, cloud.addDisk());
  const first = await cloud.driver.createDisk(diskOf(snapshot), {});
  await cloud.driver.deleteDisk(first.id, {});
  let second: DiskDescription | undefined;
  for (let tries = 0; second === undefined && tries < 5; tries++) {
    const order = diskOf(snapshot, { tags: { expires: 'later' } });
    second = await cloud.driver.createDisk(order, {}).catch((error: unknown) => {
      assert.ok(hasCode('unavailable', /not listed yet/)(error));
      return undefined;
    });
  }
  assert.ok(second);
  assert.notEqual(second.id, first.id);
  assert.equal(cloud.disks().length, 2);
});

it('an order whose volume was deleted makes another one, and that is what its repetition gives', async (t) => {
  const cloud = await start(t);
  const snapshot = await readySnapshot(cloud, cloud.addDisk());
  const first = await cloud.driver.createDisk(diskOf(snapshot), {});
  await cloud.driver.deleteDisk(first.id, {});
  const second = await cloud.driver.createDisk(diskOf(snapshot), {});
  assert.notEqual(second.id, first.id);
  assert.equal((await cloud.driver.createDisk(diskOf(snapshot), {})).id, second.id);
  assert.equal(cloud.disks().length, 2);
});

it('makes volumes under Amazon’s key or a customer’s; one whose key is denied vanishes after its id', async (t) => {
  const cloud = await start(t);
  cloud.addDisk({ encryption: { kind: 'customer-key', keyId: customerKey } });
  const snapshot = await readySnapshot(cloud, cloud.addDisk());
  for (const encryption of [
    { kind: 'provider-key' },
    { kind: 'customer-key', keyId: customerKey },
  ] as const) {
    const order = diskOf(snapshot, { encryption, operationId: `disk-${encryption.kind}` });
    const { id } = await cloud.driver.createDisk(order, {});
    assert.deepEqual((await usable(cloud, id))?.encryption, encryption);
  }
  const keyId = customerKey.replace('1234abcd', '00000000');
  const order = diskOf(snapshot, { encryption: { kind: 'customer-key', keyId }, operationId: 'denied' });
  const { id } = await cloud.driver.createDisk(order, {});
  assert.match(id, /^vol-/);
  assert.equal(await usable(cloud, id), undefined);
});

it('refuses what no volume can be before EC2 is asked', async (t) => {
  const cloud = await start(t);
  const snapshot = await readySnapshot(cloud, cloud.addDisk());
  const cases: readonly (readonly [Partial<NewDisk>, RegExp])[] = [
    [{ zones: [] }, /exactly one zone/],
    [{ zones: ['eu-central-1a', 'eu-central-1b'] }, /exactly one zone/],
    [{ type: 'pd-ssd' }, /no volume type pd-ssd/],
    [{ tags: { 'aws:stack': 'x' } }, /does not take the key/],
    [{ tags: { ['k'.repeat(129)]: 'x' } }, /more than 128/],
    [{ tags: { key: 'v'.repeat(257) } }, /more than 256/],
  ];
  for (const [disk, words] of cases) {
    await assert.rejects(
      cloud.driver.createDisk(diskOf(snapshot, disk), {}),
      hasCode('invalid-argument', words),
    );
  }
  assert.equal(cloud.disks().length, 1);
});

it('lists by all tags, over pages, literally where EC2 would take a wildcard', async (t) => {
  const cloud = await start(t);
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push(cloud.addDisk({ tags: { plan: 'a*?\\b', n: String(n) } }));
  cloud.addDisk({ tags: { plan: 'axyz\\b' } });
  const found = await all(cloud.driver.listDisks({ tags: { plan: 'a*?\\b' } }));
  assert.deepEqual(
    found.map(({ id }) => id),
    ids,
  );
  assert.equal((await all(cloud.driver.listDisks({ tags: { plan: 'a*?\\b', n: '3' } }))).length, 1);
  for (const diskId of ids) {
    await cloud.driver.createSnapshot({ diskId, operationId: 'op', tags: { plan: 'shop' } }, {});
  }
  const snapshots = await all(cloud.driver.listSnapshots({ tags: { plan: 'shop', [operationTag]: 'op' } }));
  assert.deepEqual(
    snapshots.map(({ diskId }) => diskId),
    ids,
  );
});

it('deletes, and is content where nothing is there', async (t) => {
  const cloud = await start(t);
  const attached = cloud.addDisk({ attachedTo: ['i-1'] });
  const snapshot = await readySnapshot(cloud, attached);
  const { id } = await cloud.driver.createDisk(diskOf(snapshot), {});
  for (let times = 0; times < 2; times++) {
    await cloud.driver.deleteDisk(id, {});
    await cloud.driver.deleteSnapshot(snapshot.id, {});
  }
  assert.equal(cloud.disks().length, 1);
  assert.deepEqual(cloud.snapshots(), []);
  await assert.rejects(
    cloud.driver.deleteDisk(attached, {}),
    hasCode('conflict', /attached/, 'ec2:DeleteVolume'),
  );
});

it('copies a snapshot into another region, and finds it, makes a volume of it and deletes it there', async (t) => {
  const cloud = await start(t);
  const { driver } = cloud;
  const source = await readySnapshot(cloud, cloud.addDisk());
  const encryption = { kind: 'provider-key' } as const;
  const order = { snapshotId: source.id, operationId: 'copy-1', tags: {}, region: 'us-west-2', encryption };
  const copy = await driver.copySnapshot(order, {});
  assert.equal(copy.state, 'pending');
  assert.deepEqual(copy.regions, ['us-west-2']);
  let found = await driver.describeSnapshot(copy.id, {});
  while (found?.state === 'pending') found = await driver.describeSnapshot(copy.id, {});
  assert.equal(found?.state, 'ready');
  assert.deepEqual(found.regions, ['us-west-2']);
  assert.deepEqual([copy.diskId, found.diskId], [source.diskId, source.diskId]);
  assert.deepEqual(found.encryption, encryption);
  const listed = await all(driver.listSnapshots({ tags: { [operationTag]: 'copy-1' } }));
  assert.deepEqual(
    listed.map(({ id }) => id),
    [copy.id],
  );
  const place = { region: 'us-west-2', zones: ['us-west-2a'], encryption };
  const disk = await driver.createDisk(diskOf(copy, place), {});
  assert.equal((await usable(cloud, disk.id))?.region, 'us-west-2');
  await driver.deleteDisk(disk.id, {});
  await driver.deleteSnapshot(copy.id, {});
  assert.deepEqual(
    cloud.snapshots().map(({ id }) => id),
    [source.id],
  );
});

it('shares a snapshot with its key, twice the same, and takes back both', async (t) => {
  const cloud = await start(t);
  const { driver, otherAccount } = cloud;
  const encryption = { kind: 'customer-key', keyId: customerKey } as const;
  const { id } = await readySnapshot(cloud, cloud.addDisk({ encryption }));
  const share = await driver.shareSnapshot(id, otherAccount, {});
  assert.deepEqual(await driver.shareSnapshot(id, otherAccount, {}), { ...share, isNew: false });
  assert.deepEqual(cloud.sharedWith(id), [otherAccount]);
  const [grant, ...others] = cloud.grants();
  assert.deepEqual(others, []);
  assert.deepEqual(share.keyGrant, { keyId: customerKey, grantId: grant?.id });
  assert.equal(grant?.principal, `arn:aws:iam::${otherAccount}:root`);
  for (let times = 0; times < 2; times++) await driver.unshareSnapshot(share, {});
  assert.deepEqual(cloud.sharedWith(id), []);
  assert.deepEqual(cloud.grants(), []);
});

it('shares nothing under Amazon’s key, and keeps no grant of a share that was refused', async (t) => {
  const cloud = await start(t);
  const { driver, otherAccount } = cloud;
  const own = await readySnapshot(cloud, cloud.addDisk({ encryption: { kind: 'provider-key' } }), 'own');
  await assert.rejects(
    driver.shareSnapshot(own.id, otherAccount, {}),
    hasCode('unsupported', /aws\/ebs.*copy it under a customer/),
  );
  const encryption = { kind: 'customer-key', keyId: customerKey } as const;
  const { id } = await readySnapshot(cloud, cloud.addDisk({ encryption }), 'customers');
  cloud.strike({ call: 'shareSnapshot', kind: 'denied' });
  await assert.rejects(
    driver.shareSnapshot(id, otherAccount, {}),
    hasCode('permission-denied', /allow ec2:ModifySnapshotAttribute/, 'ec2:ModifySnapshotAttribute'),
  );
  assert.deepEqual(cloud.grants(), []);
  cloud.strike({ call: 'shareSnapshot', kind: 'unavailable' });
  await assert.rejects(driver.shareSnapshot(id, otherAccount, {}), { code: 'unavailable', retryable: true });
  assert.deepEqual(cloud.grants(), []);
  cloud.strike({ call: 'shareSnapshot', kind: 'lost-answer' });
  const share = await driver.shareSnapshot(id, otherAccount, {});
  assert.equal(cloud.grants().length, 1);
  await driver.unshareSnapshot(share, {});
  assert.deepEqual(cloud.grants(), []);
  await assert.rejects(
    driver.shareSnapshot('snap-00000000000000000', otherAccount, {}),
    hasCode('not-found', /no such snapshot/),
  );
});

it('takes back no right that an account had before, and no grant of a share that holds', async (t) => {
  const cloud = await start(t);
  const { driver, otherAccount } = cloud;
  const encryption = { kind: 'customer-key', keyId: customerKey } as const;
  const { id } = await readySnapshot(cloud, cloud.addDisk({ encryption }));
  const own = await readySnapshot(cloud, cloud.addDisk(), 'shop-data-2');
  cloud.state.snapshots.get(own.id)?.sharedWith.add(otherAccount);
  await driver.unshareSnapshot(await driver.shareSnapshot(own.id, otherAccount, {}), {});
  assert.deepEqual(cloud.sharedWith(own.id), [otherAccount]);
  const { keyGrant } = await driver.shareSnapshot(id, otherAccount, {});
  cloud.state.snapshots.get(id)?.sharedWith.clear();
  cloud.strike({ call: 'shareSnapshot', kind: 'denied' });
  await assert.rejects(driver.shareSnapshot(id, otherAccount, {}), { code: 'permission-denied' });
  assert.deepEqual(
    cloud.grants().map((grant) => grant.id),
    [keyGrant?.grantId],
  );
});

it('finds the grant of a key whose answer was lost, and takes it back with the share', async (t) => {
  const cloud = await start(t);
  const { driver, otherAccount } = cloud;
  const encryption = { kind: 'customer-key', keyId: customerKey } as const;
  const { id } = await readySnapshot(cloud, cloud.addDisk({ encryption }));
  const second = await readySnapshot(cloud, cloud.addDisk({ encryption }), 'shop-data-2');
  await driver.shareSnapshot(second.id, otherAccount, {});
  cloud.loseGrant();
  const share = await driver.shareSnapshot(id, otherAccount, {});
  assert.equal(cloud.grants().length, 2);
  await driver.unshareSnapshot(share, {});
  assert.equal(cloud.grants().length, 1);
});

it('makes no second volume while a listing may not have the first one yet', async (t) => {
  const cloud = await start(t);
  const snapshot = await readySnapshot(cloud, cloud.addDisk());
  const first = await cloud.driver.createDisk(diskOf(snapshot), {});
  const again = diskOf(snapshot, { tags: { 'tranship/expires': '2' } });
  cloud.strike({ call: 'listDisks', kind: 'listing-lags', times: 2 });
  for (let times = 0; times < 2; times++) {
    await assert.rejects(cloud.driver.createDisk(again, {}), { code: 'unavailable', retryable: true });
  }
  assert.equal((await cloud.driver.createDisk(again, {})).id, first.id);
});

it('goes to no endpoint that only the environment of the process names', async (t) => {
  const cloud = await start(t);
  process.env['AWS_ENDPOINT_URL'] = cloud.endpoint;
  t.after(() => delete process.env['AWS_ENDPOINT_URL']);
  const credentials = { accessKeyId: 'AKIATRANSHIP', secretAccessKey: 'secret' };
  const settings = { credentials, proxy: { https: 'http://127.0.0.1:1', http: 'http://127.0.0.1:1' } };
  const driver = await EbsDriver.open({ region: cloud.region, settings });
  t.after(() => driver.close());
  await assert.rejects(driver.describeDisk(cloud.addDisk(), {}), { code: 'unavailable' });
  assert.deepEqual(cloud.usedPermissions(), []);
});

it('makes no volume in another account than that of its credentials', async (t) => {
  const cloud = await start(t);
  const snapshot = await readySnapshot(cloud, cloud.addDisk());
  await assert.rejects(
    cloud.driver.createDisk(diskOf(snapshot, { account: cloud.otherAccount }), {}),
    hasCode('unsupported', /credentials are of 111122223333/),
  );
  assert.equal(cloud.disks().length, 1);
  assert.ok(await cloud.driver.createDisk(diskOf(snapshot, { account: '111122223333' }), {}));
});

it('knows types, zones and regions, and that there are others that do not exist', async (t) => {
  const { driver } = await start(t);
  assert.deepEqual(await driver.describeType('io2'), {
    minSizeBytes: 4 * gib,
    maxSizeBytes: 65_536 * gib,
  });
  assert.equal(await driver.describeType('pd-ssd'), undefined);
  assert.deepEqual(await driver.listZones('eu-central-1', {}), [
    'eu-central-1a',
    'eu-central-1b',
    'eu-central-1c',
  ]);
  assert.deepEqual(await driver.listZones('us-west-2', {}), ['us-west-2a', 'us-west-2b']);
  assert.deepEqual(await driver.listZones('us-wset-2', {}), []);
  assert.deepEqual(await driver.describeQuotas(), []);
});

it('rejects at once where the signal has fired, and leaves nothing', async (t) => {
  const cloud = await start(t);
  const diskId = cloud.addDisk();
  const order = cloud.driver.createSnapshot(
    { diskId, operationId: 'op', tags: {} },
    { signal: AbortSignal.abort() },
  );
  await assert.rejects(order, CancelledError);
  assert.deepEqual(cloud.snapshots(), []);
});

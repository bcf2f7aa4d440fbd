/** The driver and Azure's SDK before a double that checks each request against the SDK's own files. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { allOf } from '../../../../src/base/all-of.ts';
import { CancelledError, DiskError } from '../../../../src/base/errors.ts';
import type { ErrorCode } from '../../../../src/base/errors.ts';
import { AzureDiskDriver } from '../../../../src/providers/disks/azure-disk/driver.ts';
import { permissions } from '../../../../src/providers/disks/azure-disk/permissions.ts';
import type { DiskSnapshotDescription, NewDisk } from '../../../../src/providers/disks/driver.ts';
import { diskPermissions, openDisks } from '../../../../src/providers/disks/open.ts';
import { fieldOf } from '../../../support/disks/arm-description.ts';
import { ArmDouble, subscription } from '../../../support/disks/arm-double.ts';

const gib = 2 ** 30;
const base = `/subscriptions/${subscription}/resourceGroups/mc_cluster/providers/Microsoft.Compute`;
const set = `${base}/diskEncryptionSets/set`;

async function start(t: TestContext): Promise<ArmDouble> {
  const azure = await ArmDouble.start(t);
  t.after(() => assert.deepEqual(azure.violations(), []));
  return azure;
}

async function takeSnapshot(
  azure: ArmDouble,
  diskId: string,
  operationId = 'a',
): Promise<DiskSnapshotDescription> {
  const { id } = await azure.driver.createSnapshot({ diskId, operationId, tags: {} }, {});
  for (;;) {
    const snapshot = await azure.driver.describeSnapshot(id, {});
    if (snapshot?.state === 'ready') return snapshot;
  }
}

function newDisk(snapshotId: string, of: Partial<NewDisk> = {}): NewDisk {
  return {
    snapshotId,
    operationId: 'b',
    tags: {},
    region: 'westeurope',
    zones: ['westeurope-2'],
    type: 'Premium_LRS',
    sizeBytes: 8 * gib,
    encryption: { kind: 'provider-key' },
    ...of,
  };
}

function hasCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof DiskError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

/** What the last order said of the thing's properties. */
function lastOrder(azure: ArmDouble, ...path: readonly string[]): unknown {
  return path.reduce(fieldOf, azure.orders.at(-1)?.body);
}

describe('snapshots of Azure', () => {
  it('are incremental, next to the disk, and have their operation’s name', async (t) => {
    const azure = await start(t);
    const diskId = azure.addDisk({ tags: { 'kubernetes.io/pvc': 'data' } });
    const tags = { 'tranship/plan': 'shop', 'a:b<c>': 'any / value' };
    const made = await azure.driver.createSnapshot({ diskId, operationId: 'op-1', tags }, {});
    assert.deepEqual(
      { ...made, createdMs: 0 },
      {
        provider: 'azure',
        id: `${base}/snapshots/op-1`,
        account: subscription,
        diskId,
        state: 'pending',
        diskSizeBytes: 8 * gib,
        regions: ['westeurope'],
        encryption: { kind: 'provider-key' },
        tags: { ...tags, 'tranship/operation': 'op-1' },
        createdMs: 0,
      },
    );
    assert.ok(made.createdMs > 0);
    assert.equal(lastOrder(azure, 'properties', 'incremental'), true);
    assert.deepEqual(lastOrder(azure, 'tags'), {
      'tranship:plan': 'shop',
      'a^3ab^3cc^3e': 'any / value',
      'tranship:operation': 'op-1',
    });
    const ready = await takeSnapshot(azure, diskId, 'op-1');
    assert.deepEqual(
      { ...ready, createdMs: 0 },
      { ...made, state: 'ready', progressPercent: 100, createdMs: 0 },
    );
    assert.equal(azure.snapshots().length, 1);
  });

  it('are full where that is asked for, and in another resource group', async (t) => {
    const azure = await start(t);
    const order = {
      diskId: azure.addDisk(),
      operationId: 'a',
      tags: {},
      incremental: false,
      resourceGroup: 'Copies',
    };
    const { id } = await azure.driver.createSnapshot(order, {});
    assert.equal(
      id,
      `/subscriptions/${subscription}/resourceGroups/copies/providers/Microsoft.Compute/snapshots/a`,
    );
    assert.equal(lastOrder(azure, 'properties', 'incremental'), false);
  });

  it('of a disk that is copied in the background are ready at 100 per cent, not when they are there', async (t) => {
    const azure = await start(t);
    const diskId = azure.addDisk({ type: 'PremiumV2_LRS' });
    const made = await azure.driver.createSnapshot({ diskId, operationId: 'a', tags: {} }, {});
    const seen: unknown[] = [];
    for (let state = made.state; state !== 'ready';) {
      const now = await azure.driver.describeSnapshot(made.id, {});
      assert.ok(now);
      seen.push(`${now.state} ${now.progressPercent}`);
      ({ state } = now);
    }
    assert.deepEqual([...new Set(seen)], ['pending 0', 'pending 50', 'ready 100']);
  });

  it('are the same when the order is repeated, also after a lost answer', async (t) => {
    const azure = await start(t);
    const order = { diskId: azure.addDisk(), operationId: 'a', tags: {} };
    azure.strike({ call: 'createSnapshot', kind: 'lost-answer' });
    await assert.rejects(azure.driver.createSnapshot(order, {}), (error) => {
      assert.ok(error instanceof DiskError && error.retryable);
      return hasCode('unavailable')(error);
    });
    assert.equal((await azure.driver.createSnapshot(order, {})).id, `${base}/snapshots/a`);
    assert.equal(azure.snapshots().length, 1);
    assert.equal(azure.orders.length, 1);
  });

  it('do not replace what another program has given that name', async (t) => {
    const azure = await start(t);
    const diskId = azure.addDisk();
    await takeSnapshot(azure, diskId);
    const [own] = azure.snapshots();
    azure.retag(own?.id ?? '', { 'tranship:operation': 'another' });
    const again = azure.driver.createSnapshot({ diskId, operationId: 'a', tags: {} }, {});
    await assert.rejects(again, hasCode('already-exists'));
    assert.equal(azure.orders.length, 1);
  });

  it('are no more open to exports than their disk', async (t) => {
    const azure = await start(t);
    const { id } = await takeSnapshot(azure, azure.addDisk());
    assert.equal(lastOrder(azure, 'properties', 'networkAccessPolicy'), 'DenyAll');
    await azure.driver.createDisk(newDisk(id), {});
    assert.equal(lastOrder(azure, 'properties', 'networkAccessPolicy'), 'DenyAll');
    assert.equal(lastOrder(azure, 'properties', 'publicNetworkAccess'), 'Disabled');
  });

  it('are copied to another region, and know the disk that they were of', async (t) => {
    const azure = await start(t);
    const diskId = azure.addDisk();
    const { id: snapshotId } = await takeSnapshot(azure, diskId);
    const encryption = { kind: 'provider-key' } as const;
    const copy = { snapshotId, operationId: 'c', tags: { team: 'blue' }, region: 'North Europe', encryption };
    const made = await azure.driver.copySnapshot(copy, {});
    assert.equal(made.state, 'pending');
    assert.equal(made.progressPercent, 0);
    assert.equal(lastOrder(azure, 'properties', 'creationData', 'createOption'), 'CopyStart');
    const ready = await takeSnapshot(azure, diskId, 'c');
    assert.deepEqual(ready.regions, ['northeurope']);
    assert.equal(ready.diskId, diskId);
    assert.deepEqual(ready.tags, { team: 'blue', 'tranship/operation': 'c' });
  });

  it('are not copied to another region when they are full', async (t) => {
    const azure = await start(t);
    const order = { diskId: azure.addDisk(), operationId: 'a', tags: {}, incremental: false };
    const { id: snapshotId } = await azure.driver.createSnapshot(order, {});
    const encryption = { kind: 'provider-key' } as const;
    const copy = { snapshotId, operationId: 'c', tags: {}, region: 'northeurope', encryption };
    await assert.rejects(azure.driver.copySnapshot(copy, {}), hasCode('unsupported'));
  });

  it('are for another subscription where an identity has a role, which the error names', async (t) => {
    const azure = await start(t);
    const { id } = await takeSnapshot(azure, azure.addDisk());
    const share = await azure.driver.shareSnapshot(id, subscription.toUpperCase(), {});
    assert.deepEqual(share, { snapshotId: id, account: subscription });
    await azure.driver.unshareSnapshot(share, {});
    await assert.rejects(azure.driver.shareSnapshot(id, azure.otherAccount, {}), (error) => {
      assert.ok(error instanceof DiskError);
      assert.match(error.advice ?? '', /snapshots\/beginGetAccess\/action/);
      return hasCode('unsupported')(error);
    });
  });

  it('are made, copied and restored where they are listed, not in a subscription that nobody lists', async (t) => {
    const azure = await start(t);
    const { driver, otherAccount } = azure;
    const diskId = azure.addDisk();
    const foreign = diskId.replace(subscription, otherAccount);
    const { length } = azure.orders;
    await assert.rejects(
      driver.createSnapshot({ diskId: foreign, operationId: 'a', tags: {} }, {}),
      hasCode('unsupported'),
    );
    const { id: snapshotId } = await takeSnapshot(azure, diskId);
    await assert.rejects(
      driver.createDisk(newDisk(snapshotId, { account: otherAccount }), {}),
      hasCode('unsupported'),
    );
    assert.equal(azure.orders.length, length + 1);
    const target = new AzureDiskDriver({ ...azure.settings, subscriptionId: otherAccount });
    t.after(() => target.close());
    const encryption = { kind: 'provider-key' } as const;
    const copy = { snapshotId, operationId: 'c', tags: {}, region: 'northeurope', encryption };
    const copied = await target.copySnapshot({ ...copy, resourceGroup: 'copies' }, {});
    const disk = await target.createDisk(newDisk(snapshotId, { resourceGroup: 'copies' }), {});
    assert.deepEqual([copied.account, disk.account], [otherAccount, otherAccount]);
    const listed = [
      ...(await allOf(target.listSnapshots({ tags: {} }))),
      ...(await allOf(target.listDisks({ tags: {} }))),
    ];
    assert.deepEqual(
      listed.map(({ id }) => id),
      [copied.id, disk.id],
    );
  });

  it('say why a disk that is gone has none', async (t) => {
    const azure = await start(t);
    const order = { diskId: `${base}/disks/gone`, operationId: 'a', tags: {} };
    await assert.rejects(azure.driver.createSnapshot(order, {}), hasCode('not-found'));
    assert.equal(await azure.driver.describeDisk(order.diskId, {}), undefined);
    const elsewhere = order.diskId.replace('mc_cluster', 'no-such-group');
    assert.equal(await azure.driver.describeDisk(elsewhere, {}), undefined);
  });
});

describe('disks of Azure', () => {
  it('keep type, size and zone, and have what is told of the type’s performance by Azure only', async (t) => {
    const azure = await start(t);
    const diskId = azure.addDisk({ zones: ['westeurope-2'], attachedTo: ['machine-1'] });
    const source = await azure.driver.describeDisk(diskId, {});
    assert.ok(source);
    assert.equal(source.state, 'in-use');
    assert.deepEqual(source.attachedTo, ['machine-1']);
    assert.equal(source.iops, undefined);
    const { id } = await takeSnapshot(azure, diskId);
    const made = await azure.driver.createDisk(newDisk(id, { iops: 5000, tags: { team: 'blue' } }), {});
    assert.equal(made.state, 'creating');
    assert.deepEqual(lastOrder(azure, 'zones'), ['2']);
    assert.equal(lastOrder(azure, 'properties', 'diskIOPSReadWrite'), undefined);
    for (const state of ['creating', 'available']) {
      const { createdMs, ...now } = (await azure.driver.describeDisk(made.id, {})) ?? { createdMs: 0 };
      assert.ok(createdMs > 0);
      const { createdMs: _, ...expected } = made;
      assert.deepEqual(now, { ...expected, state });
    }
  });

  it('of Premium SSD v2 keep IOPS, throughput in millions of bytes, and the size of a sector', async (t) => {
    const azure = await start(t);
    const performance = { type: 'PremiumV2_LRS', iops: 5000, throughputBytesPerSecond: 400e6 };
    const diskId = azure.addDisk({ ...performance, sizeBytes: 100 * gib });
    const source = await azure.driver.describeDisk(diskId, {});
    assert.equal(source?.iops, 5000);
    assert.equal(source.throughputBytesPerSecond, 400e6);
    const { id } = await takeSnapshot(azure, diskId);
    azure.setSectors(id, 512);
    const made = await azure.driver.createDisk(newDisk(id, { ...performance, sizeBytes: 100 * gib }), {});
    assert.equal(made.iops, 5000);
    assert.equal(made.throughputBytesPerSecond, 400e6);
    assert.equal(lastOrder(azure, 'properties', 'diskMBpsReadWrite'), 400);
    assert.equal(lastOrder(azure, 'properties', 'creationData', 'logicalSectorSize'), 512);
  });

  it('that are kept in all zones are in none', async (t) => {
    const azure = await start(t);
    const { id } = await takeSnapshot(azure, azure.addDisk({ type: 'Premium_ZRS' }));
    const made = await azure.driver.createDisk(newDisk(id, { type: 'Premium_ZRS' }), {});
    assert.deepEqual(made.zones, []);
  });

  it('keep their encryption set, and how many layers of keys it has', async (t) => {
    const azure = await start(t);
    const encryption = { kind: 'customer-key', keyId: set } as const;
    const { id, encryption: kept } = await takeSnapshot(azure, azure.addDisk({ encryption }));
    assert.deepEqual(kept, encryption);
    await azure.driver.createDisk(newDisk(id, { encryption }), {});
    assert.deepEqual(lastOrder(azure, 'properties', 'encryption'), {
      type: 'EncryptionAtRestWithCustomerKey',
      diskEncryptionSetId: set,
    });
    const other = { kind: 'customer-key', keyId: `${set}-of-two`.toUpperCase() } as const;
    const keyId = `${base}/diskEncryptionSets/SET-OF-TWO`;
    await assert.rejects(
      azure.driver.createDisk(newDisk(id, { encryption: other, operationId: 'c' }), {}),
      hasCode('not-found'),
    );
    const found = { ...other, keyId: keyId.replace('SET-OF-TWO', 'set-of-two') };
    await azure.driver.createDisk(newDisk(id, { encryption: found, operationId: 'c' }), {});
    assert.deepEqual(lastOrder(azure, 'properties', 'encryption'), {
      type: 'EncryptionAtRestWithPlatformAndCustomerKeys',
      diskEncryptionSetId: found.keyId,
    });
  });

  it('are found by ids in any case, and have one spelling', async (t) => {
    const azure = await start(t);
    const diskId = azure.addDisk();
    const shouted = diskId.replace('/subscriptions/', '/SUBSCRIPTIONS/').replace('mc_cluster', 'MC_CLUSTER');
    assert.equal((await azure.driver.describeDisk(shouted.replace('/disks/', '/Disks/'), {}))?.id, diskId);
    const { id } = await takeSnapshot(azure, diskId);
    const listed = await allOf(azure.driver.listSnapshots({ tags: {} }));
    assert.deepEqual(
      listed.map((snapshot) => snapshot.id),
      [id],
    );
    for (const wrong of ['pvc-1', id, `${diskId}/more`, diskId.replace(subscription, 'a')]) {
      await assert.rejects(azure.driver.describeDisk(wrong, {}), hasCode('invalid-argument'), wrong);
    }
  });

  it('are listed by tags, page by page, whatever else there is', async (t) => {
    const azure = await start(t);
    const blue = [];
    for (let count = 0; count < 7; count++) {
      const id = azure.addDisk({ tags: count % 2 === 0 ? { 'a/team': 'blue', n: `${count}` } : {} });
      if (count % 2 === 0) blue.push(id);
    }
    const listed = await allOf(azure.driver.listDisks({ tags: { 'A/Team': 'blue' } }));
    assert.deepEqual(
      listed.map(({ id }) => id),
      blue,
    );
    assert.deepEqual(await allOf(azure.driver.listDisks({ tags: { 'a/team': 'blue', n: '3' } })), []);
  });

  it('can be deleted again, but not from a machine', async (t) => {
    const azure = await start(t);
    const id = azure.addDisk();
    await azure.driver.deleteDisk(id, {});
    assert.equal((await allOf(azure.driver.listDisks({ tags: {} })))[0]?.state, 'deleting');
    await azure.driver.deleteDisk(id, {});
    assert.equal(await azure.driver.describeDisk(id, {}), undefined);
    await azure.driver.deleteDisk(id, {});
    await azure.driver.deleteSnapshot(`${base}/snapshots/none`, {});
    await assert.rejects(
      azure.driver.deleteDisk(azure.addDisk({ attachedTo: ['m'] }), {}),
      hasCode('conflict'),
    );
  });

  it('say that they failed, or went, after the order was taken', async (t) => {
    const azure = await start(t);
    const { id } = await takeSnapshot(azure, azure.addDisk());
    for (const kind of ['fails-later', 'vanishes-later'] as const) {
      azure.strike({ call: 'createDisk', kind });
      const made = await azure.driver.createDisk(newDisk(id, { operationId: kind }), {});
      await azure.driver.describeDisk(made.id, {});
      const now = await azure.driver.describeDisk(made.id, {});
      assert.equal(now?.state, kind === 'fails-later' ? 'failed' : undefined);
      if (now !== undefined) assert.match(now.failure ?? '', /Failed/);
    }
  });
});

describe('what Azure offers', () => {
  it('zones, limits of types, and quotas', async (t) => {
    const azure = await start(t);
    azure.addDisk();
    const { driver } = azure;
    assert.deepEqual(await driver.listZones('West Europe', {}), [
      'westeurope-1',
      'westeurope-2',
      'westeurope-3',
    ]);
    assert.deepEqual(await driver.listZones('northeurope', {}), []);
    assert.deepEqual(await driver.listZones("no'where", {}), []);
    const limits = { minSizeBytes: gib, maxSizeBytes: 32_767 * gib };
    assert.deepEqual(await driver.describeType('Premium_LRS', 'westeurope', {}), limits);
    assert.equal(await driver.describeType('UltraSSD_LRS', 'westeurope', {}), undefined);
    assert.equal(await driver.describeType('gp3', 'westeurope', {}), undefined);
    assert.deepEqual(await driver.describeQuotas({ region: 'westeurope', type: 'Premium_LRS' }, {}), [
      { name: 'PremiumDiskCount', unit: 'disks', limit: 50_000, used: 1 },
      { name: 'StandardSnapshotCount', unit: 'snapshots', limit: 50_000, used: 0 },
    ]);
    assert.equal((await driver.describeQuotas({ region: 'westeurope' }, {})).length, 1);
  });
});

describe('the driver of Azure’s disks', () => {
  it('is what openDisks gives', async (t) => {
    const azure = await start(t);
    const driver = await openDisks('azure', { settings: { azure: azure.settings } });
    t.after(() => driver.close());
    assert.equal(await driver.account({}), subscription);
    assert.equal((await driver.describeDisk(azure.addDisk(), {}))?.type, 'Premium_LRS');
  });

  it('wants the permissions that it says, method by method', async (t) => {
    assert.equal(await diskPermissions('azure'), permissions);
    const azure = await start(t);
    const { driver } = azure;
    const encryption = { kind: 'customer-key', keyId: set } as const;
    const diskId = azure.addDisk({ encryption });
    const snapshot = await takeSnapshot(azure, diskId);
    const disk = newDisk(snapshot.id, { encryption });
    const copy = { snapshotId: snapshot.id, operationId: 'c', tags: {}, region: 'northeurope', encryption };
    const calls: Readonly<Record<keyof typeof permissions, () => Promise<unknown>>> = {
      account: () => driver.account({}),
      describeDisk: () => driver.describeDisk(diskId, {}),
      createDisk: () => driver.createDisk(disk, {}),
      deleteDisk: () => driver.deleteDisk(`${base}/disks/none`, {}),
      listDisks: () => allOf(driver.listDisks({ tags: {} })),
      describeSnapshot: () => driver.describeSnapshot(snapshot.id, {}),
      createSnapshot: () => driver.createSnapshot({ diskId, operationId: 'd', tags: {} }, {}),
      copySnapshot: () => driver.copySnapshot(copy, {}),
      deleteSnapshot: () => driver.deleteSnapshot(`${base}/snapshots/none`, {}),
      listSnapshots: () => allOf(driver.listSnapshots({ tags: {} })),
      shareSnapshot: () => driver.shareSnapshot(snapshot.id, subscription, {}),
      unshareSnapshot: () => driver.unshareSnapshot({ snapshotId: snapshot.id, account: subscription }, {}),
      describeType: () => driver.describeType('Premium_LRS', 'westeurope', {}),
      listZones: () => driver.listZones('westeurope', {}),
      describeQuotas: () => driver.describeQuotas({ region: 'westeurope' }, {}),
      close: () => driver.close(),
    };
    for (const [method, call] of Object.entries(calls)) {
      azure.forgetPermissions();
      await call();
      const stated = Object.entries(permissions).find(([name]) => name === method)?.[1] ?? [];
      assert.deepEqual(azure.usedPermissions(), [...stated].sort(), method);
    }
  });

  it('stops soon when it is cancelled, and speaks of the caller’s reason', async (t) => {
    const azure = await start(t);
    const reason = new DiskError('timeout', 'the deadline has passed');
    await assert.rejects(
      azure.driver.describeDisk(azure.addDisk(), { signal: AbortSignal.abort() }),
      CancelledError,
    );
    const cancel = new AbortController();
    azure.onRequest = () => cancel.abort(reason);
    const order = { diskId: azure.addDisk(), operationId: 'a', tags: {} };
    await assert.rejects(azure.driver.createSnapshot(order, { signal: cancel.signal }), reason);
  });

  it('takes no tags that Azure would refuse', async (t) => {
    const azure = await start(t);
    const diskId = azure.addDisk();
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`tag-${index}`, '']));
    const taken = azure.driver.createSnapshot({ diskId, operationId: 'a', tags }, {});
    await assert.rejects(taken, hasCode('invalid-argument'));
    assert.deepEqual(azure.orders, []);
  });
});

describe('the double of Azure’s management', () => {
  it('refuses what the SDK’s files do not describe, and keeps it in mind', async (t) => {
    const azure = await ArmDouble.start(t);
    await azure.driver.describeDisk(azure.addDisk(), {});
    const send = async (method: string, path: string, body?: unknown): Promise<number | undefined> => {
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      const headers = { authorization: 'Bearer any', 'content-type': 'application/json' };
      const url = `${azure.settings.endpoint}${path}`;
      request(url, { method, headers, ca: azure.settings.caCertificates }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end(body === undefined ? undefined : JSON.stringify(body));
      return promise;
    };
    const version = 'api-version=2026-03-02';
    assert.equal(await send('GET', `${base}/discs/a?${version}`), 404);
    assert.equal(await send('GET', `${base}/disks/a?api-version=2020-01-01`), 400);
    assert.equal(await send('GET', `${base}/disks/a?${version}&$expand=all`), 400);
    const order = {
      location: 'westeurope',
      properties: { creationData: { createOption: 'Copy' }, diskSizeGb: 8 },
    };
    assert.equal(await send('PUT', `${base}/disks/a?${version}`, order), 400);
    assert.equal(await send('PUT', `${base}/disks/a?${version}`, { properties: { diskSizeGB: '8' } }), 400);
    assert.deepEqual(azure.violations(), [
      `GET ${base}/discs/a`,
      'disks get: api-version',
      'disks get: $expand',
      'disk.properties.diskSizeGb',
      'disk.location is missing',
    ]);
  });
});

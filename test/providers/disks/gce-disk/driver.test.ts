/** The driver of Google's disks against a double that checks each request by Google's own descriptors. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { allOf } from '../../../../src/base/all-of.ts';
import type { DiskError } from '../../../../src/base/errors.ts';
import { operationTag } from '../../../../src/providers/disks/driver.ts';
import type { DiskDriver, DiskSnapshotDescription, NewDisk } from '../../../../src/providers/disks/driver.ts';
import { permissions } from '../../../../src/providers/disks/gce-disk/permissions.ts';
import { ComputeDouble } from '../../../support/disks/compute-double.ts';
import { diskErrorOf } from '../../../support/disks/disk-error-of.ts';

const GIB = 2 ** 30;
const KEY = 'projects/keys/locations/europe-west1/keyRings/ring/cryptoKeys/disks';

/** Every request must have been one that Google describes, with the permissions that the driver lists. */
async function start(t: TestContext): Promise<ComputeDouble> {
  const cloud = await ComputeDouble.start();
  t.after(async () => {
    await cloud.stop();
    assert.deepEqual(cloud.violations(), []);
    const listed = new Set<string>(Object.values(permissions).flat());
    assert.deepEqual(
      cloud.usedPermissions().filter((permission) => !listed.has(permission)),
      [],
    );
  });
  return cloud;
}

async function readySnapshot(
  driver: DiskDriver,
  diskId: string,
  operationId = 'snap-1',
): Promise<DiskSnapshotDescription> {
  const { id } = await driver.createSnapshot({ diskId, operationId, tags: {} }, {});
  for (;;) {
    const found = await driver.describeSnapshot(id, {});
    assert.ok(found);
    if (found.state === 'ready') return found;
  }
}

function diskOf(cloud: ComputeDouble, snapshotId: string, changes: Partial<NewDisk> = {}): NewDisk {
  return {
    snapshotId,
    operationId: 'disk-1',
    tags: {},
    region: cloud.region,
    zones: cloud.zones.slice(0, 1),
    type: 'pd-balanced',
    sizeBytes: 10 * GIB,
    encryption: { kind: 'provider-key' },
    ...changes,
  };
}

describe('Google disks: what a disk is', () => {
  it('a zonal one, attached, under a key of Cloud KMS', async (t) => {
    const cloud = await start(t);
    const id = cloud.addDisk({
      sizeBytes: 50 * GIB,
      type: 'pd-ssd',
      attachedTo: ['node-1'],
      encryption: { kind: 'customer-key', keyId: KEY },
      tags: { team: 'blue', 'kubernetes.io/created-for/pvc/name': 'Data' },
    });
    const disk = await cloud.driver.describeDisk(id, {});
    assert.deepEqual(
      { ...disk, createdMs: 0 },
      {
        provider: 'gcp',
        id: 'projects/tranship-source/zones/europe-west1-b/disks/source-1',
        account: 'tranship-source',
        state: 'in-use',
        sizeBytes: 50 * GIB,
        type: 'pd-ssd',
        region: 'europe-west1',
        zones: ['europe-west1-b'],
        // Without the version that the cloud has added to it.
        encryption: { kind: 'customer-key', keyId: KEY },
        attachedTo: ['projects/tranship-source/zones/europe-west1-b/instances/node-1'],
        tags: { team: 'blue', 'kubernetes.io/created-for/pvc/name': 'Data' },
        createdMs: 0,
      },
    );
  });

  it('a regional one has its two zones', async (t) => {
    const cloud = await start(t);
    const disk = await cloud.driver.describeDisk(cloud.addDisk({ zones: cloud.zones.slice(1) }), {});
    assert.deepEqual(disk?.zones, ['europe-west1-c', 'europe-west1-d']);
    assert.equal(disk.region, 'europe-west1');
    assert.match(disk.id, /\/regions\/europe-west1\/disks\//);
  });

  it('one that is not there is undefined; a project that is not there is an error', async (t) => {
    const cloud = await start(t);
    const id = cloud.addDisk();
    cloud.remove(id);
    assert.equal(await cloud.driver.describeDisk(id, {}), undefined);
    for (const wrong of ['vol-1', 'projects/p/zones/z/disks/', 'projects/p/global/snapshots/s']) {
      const { code, advice } = await diskErrorOf(cloud.driver.describeDisk(wrong, {}));
      assert.equal(code, 'invalid-argument');
      assert.match(advice ?? '', /projects\/P\/zones\/Z\/disks\/D/);
    }
  });
});

describe('Google disks: making a snapshot', () => {
  it('is done once, however often it is asked for', async (t) => {
    const cloud = await start(t);
    const order = { diskId: cloud.addDisk(), operationId: 'snap-1', tags: { 'tranship/plan': 'shop' } };
    cloud.strike({ call: 'createSnapshot', kind: 'lost-answer' });
    const lost = await diskErrorOf(cloud.driver.createSnapshot(order, {}));
    assert.deepEqual([lost.code, lost.retryable], ['unavailable', true]);
    const first = await cloud.driver.createSnapshot(order, {});
    assert.deepEqual(first.tags, { 'tranship/plan': 'shop', [operationTag]: 'snap-1' });
    assert.equal((await cloud.driver.createSnapshot(order, {})).id, first.id);
    assert.equal(cloud.snapshots().length, 1);
  });

  it('finds its own by the label where the cloud has forgotten the request', async (t) => {
    const cloud = await start(t);
    const order = { diskId: cloud.addDisk(), operationId: 'snap-1', tags: {} };
    const first = await cloud.driver.createSnapshot(order, {});
    cloud.world.forgetRequests();
    assert.equal((await cloud.driver.createSnapshot(order, {})).id, first.id);
    assert.equal(cloud.snapshots().length, 1);
  });

  it('does not take another’s of the same name for its own', async (t) => {
    const cloud = await start(t);
    const diskId = cloud.addDisk();
    cloud.world.insertSnapshot('tranship-source', { name: 'snap-1', sourceDisk: diskId }, 'ready', null);
    const order = { diskId, operationId: 'snap-1', tags: {} };
    const { code, where } = await diskErrorOf(cloud.driver.createSnapshot(order, {}));
    assert.deepEqual([code, where], ['already-exists', 'projects/tranship-source/global/snapshots/snap-1']);
  });

  it('tells a failure that comes after the order was taken, until it is deleted', async (t) => {
    const cloud = await start(t);
    cloud.strike({ call: 'createSnapshot', kind: 'fails-later' });
    const order = { diskId: cloud.addDisk(), operationId: 'snap-1', tags: {} };
    const { id } = await cloud.driver.createSnapshot(order, {});
    assert.equal((await cloud.driver.describeSnapshot(id, {}))?.state, 'pending');
    const early = await diskErrorOf(cloud.driver.deleteSnapshot(id, {}));
    assert.deepEqual([early.code, early.retryable], ['conflict', true], 'it may still come to be');
    const failed = await cloud.driver.describeSnapshot(id, {});
    assert.equal(failed?.state, 'failed');
    assert.match(failed.failure ?? '', /QUOTA_EXCEEDED: Quota 'SNAPSHOTS' exceeded/);
    await cloud.driver.deleteSnapshot(id, {});
    assert.equal(await cloud.driver.describeSnapshot(id, {}), undefined);
  });

  it('is kept where it is told', async (t) => {
    const cloud = await start(t);
    const order = { diskId: cloud.addDisk(), operationId: 'snap-1', tags: {}, storageLocation: 'us-east1' };
    const { id } = await cloud.driver.createSnapshot(order, {});
    assert.deepEqual((await cloud.driver.describeSnapshot(id, {}))?.regions, ['us-east1']);
  });

  it('is refused before anything is sent for a key that would have to be sent along', async (t) => {
    const cloud = await start(t);
    const diskId = cloud.addDisk({ encryption: { kind: 'customer-key', keyId: 'sha256:abc=' } });
    const { code, message } = await diskErrorOf(
      cloud.driver.createSnapshot({ diskId, operationId: 'snap-1', tags: {} }, {}),
    );
    assert.equal(code, 'unsupported');
    assert.match(message, /Cloud KMS/);
    assert.deepEqual(cloud.requests, ['Disks.Get']);
  });

  it('says that the disk is missing, and what cannot be a name', async (t) => {
    const cloud = await start(t);
    const diskId = cloud.addDisk();
    for (const operationId of ['1-begins-with-a-digit', 'ends-', 'Upper', 'a'.repeat(41)]) {
      const wrong = cloud.driver.createSnapshot({ diskId, operationId, tags: {} }, {});
      assert.equal((await diskErrorOf(wrong)).code, 'invalid-argument');
    }
    cloud.remove(diskId);
    const gone = await diskErrorOf(cloud.driver.createSnapshot({ diskId, operationId: 'a', tags: {} }, {}));
    assert.deepEqual([gone.code, gone.where], ['not-found', diskId]);
  });
});

describe('Google disks: making a disk', () => {
  const kinds: Readonly<Record<string, Partial<NewDisk>>> = {
    'a zonal one': { tags: { team: 'blue', path: '/Data' } },
    'a regional one': { zones: ['europe-west1-b', 'europe-west1-d'], type: 'pd-ssd' },
    'one under a key': { encryption: { kind: 'customer-key', keyId: KEY } },
    'a Hyperdisk': { type: 'hyperdisk-balanced', iops: 5000, throughputBytesPerSecond: 290 * 2 ** 20 },
    'a larger one of Extreme': { type: 'pd-extreme', iops: 20_000, sizeBytes: 600 * GIB },
  };
  for (const [name, changes] of Object.entries(kinds)) {
    it(`${name} has what was ordered`, async (t) => {
      const cloud = await start(t);
      const { id: snapshotId } = await readySnapshot(cloud.driver, cloud.addDisk());
      const ordered = diskOf(cloud, snapshotId, changes);
      const said = await cloud.driver.createDisk(ordered, {});
      for (let look = 0; look < 2; look++) {
        assert.equal((await cloud.driver.describeDisk(said.id, {}))?.state, 'creating');
      }
      const made = await cloud.driver.describeDisk(said.id, {});
      assert.equal(made?.state, 'available');
      assert.deepEqual({ ...made, state: 'creating', createdMs: 0 }, { ...said, createdMs: 0 });
      const { zones, type, sizeBytes, encryption, iops, throughputBytesPerSecond } = ordered;
      assert.deepEqual(
        [made.zones, made.type, made.sizeBytes, made.encryption, made.iops, made.throughputBytesPerSecond],
        [zones, type, sizeBytes, encryption, iops, throughputBytesPerSecond],
      );
      assert.deepEqual(made.tags, { ...ordered.tags, [operationTag]: 'disk-1' });
    });
  }

  it('leaves out performance that its type does not take', async (t) => {
    const cloud = await start(t);
    const { id: snapshotId } = await readySnapshot(cloud.driver, cloud.addDisk());
    const { id } = await cloud.driver.createDisk(diskOf(cloud, snapshotId, { iops: 5000 }), {});
    assert.equal((await cloud.driver.describeDisk(id, {}))?.iops, undefined);
  });

  it('is done once, however often it is asked for', async (t) => {
    const cloud = await start(t);
    const { id: snapshotId } = await readySnapshot(cloud.driver, cloud.addDisk());
    cloud.strike({ call: 'createDisk', kind: 'lost-answer' });
    assert.equal(
      (await diskErrorOf(cloud.driver.createDisk(diskOf(cloud, snapshotId), {}))).code,
      'unavailable',
    );
    const { id } = await cloud.driver.createDisk(diskOf(cloud, snapshotId), {});
    cloud.world.forgetRequests();
    assert.equal((await cloud.driver.createDisk(diskOf(cloud, snapshotId), {})).id, id);
    assert.equal(cloud.disks().length, 2);
  });

  it('is refused with the reason', async (t) => {
    const cloud = await start(t);
    const { driver } = cloud;
    const diskId = cloud.addDisk();
    const { id: early } = await driver.createSnapshot({ diskId, operationId: 'snap-0', tags: {} }, {});
    const { id: snapshotId } = await readySnapshot(driver, diskId);
    const cases: readonly (readonly [Partial<NewDisk>, string, RegExp])[] = [
      [{ snapshotId: early }, 'conflict', /not ready/],
      [{ snapshotId: snapshotId.replace('snap-1', 'snap-9') }, 'not-found', /snapshots\/snap-9/],
      [{ type: 'pd-fast' }, 'not-found', /diskTypes\/pd-fast/],
      [{ sizeBytes: GIB }, 'invalid-argument', /too small/],
      [{ zones: [] }, 'invalid-argument', /these zones: none/],
      [{ zones: cloud.zones }, 'invalid-argument', /one zone of europe-west1, or two/],
      [{ zones: ['us-east1-b'] }, 'invalid-argument', /us-east1-b/],
      [{ encryption: { kind: 'customer-key', keyId: 'arn:aws:kms' } }, 'invalid-argument', /cryptoKeys/],
      [{ encryption: { kind: 'customer-key', keyId: 'sha256:abc=' } }, 'unsupported', /Cloud KMS/],
    ];
    for (const [changes, code, words] of cases) {
      const error = await diskErrorOf(driver.createDisk(diskOf(cloud, snapshotId, changes), {}));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, words);
    }
    assert.equal(cloud.disks().length, 1);
  });
});

describe('Google disks: deleting and listing', () => {
  it('a disk that is attached stays, and one that is gone is no error', async (t) => {
    const cloud = await start(t);
    const attached = cloud.addDisk({ attachedTo: ['node-1'] });
    const { code, retryable, message } = await diskErrorOf(cloud.driver.deleteDisk(attached, {}));
    assert.deepEqual([code, retryable], ['conflict', false]);
    assert.match(message, /node-1.*detach/);
    const free = cloud.addDisk();
    await cloud.driver.deleteDisk(free, {});
    assert.equal((await cloud.driver.describeDisk(free, {}))?.state, 'deleting');
    assert.equal(await cloud.driver.describeDisk(free, {}), undefined);
    await cloud.driver.deleteDisk(free, {});
    await cloud.driver.deleteSnapshot('projects/tranship-source/global/snapshots/none', {});
  });

  it('finds what has the tags, on all pages, also by those that are no labels', async (t) => {
    const cloud = await start(t);
    const { driver } = cloud;
    for (let count = 0; count < 5; count++)
      cloud.addDisk({ tags: { team: 'blue', Name: `Disk ${count % 2}` } });
    cloud.addDisk({ tags: { team: 'red' }, zones: cloud.zones.slice(0, 2) });
    const count = async (tags: Readonly<Record<string, string>>): Promise<number> =>
      (await allOf(driver.listDisks({ tags }))).length;
    assert.equal(await count({}), 6);
    assert.equal(await count({ team: 'blue' }), 5);
    assert.equal(await count({ team: 'blue', Name: 'Disk 0' }), 3);
    assert.equal(await count({ team: 'red' }), 1);
    assert.equal(await count({ team: 'green' }), 0);
    const diskId = cloud.addDisk();
    for (let index = 0; index < 5; index++) {
      const tags = { 'tranship/plan': 'shop', 'tranship/volume': index === 0 ? 'ns/Data' : 'data' };
      await driver.createSnapshot({ diskId, operationId: `snap-${index}`, tags }, {});
    }
    assert.equal((await allOf(driver.listSnapshots({ tags: { 'tranship/plan': 'shop' } }))).length, 5);
    const [found, ...more] = await allOf(driver.listSnapshots({ tags: { 'tranship/volume': 'ns/Data' } }));
    assert.deepEqual([found?.id, more], ['projects/tranship-source/global/snapshots/snap-0', []]);
  });
});

describe('Google disks: where', () => {
  it('zones, types and quotas of a region', async (t) => {
    const { driver, region } = await start(t);
    assert.deepEqual(await driver.listZones(region, {}), [
      'europe-west1-b',
      'europe-west1-c',
      'europe-west1-d',
    ]);
    assert.deepEqual(await driver.listZones('europe-west', {}), []);
    const limits = { minSizeBytes: 10 * GIB, maxSizeBytes: 65536 * GIB };
    assert.deepEqual(await driver.describeType('pd-ssd', region, {}), limits);
    assert.equal(await driver.describeType('pd-fast', region, {}), undefined);
    assert.equal(await driver.describeType('pd-ssd', 'us-east1', {}), undefined);
    assert.deepEqual(await driver.describeQuotas({ region, type: 'pd-balanced' }, {}), [
      { name: 'SNAPSHOTS', unit: 'snapshots', limit: 1000, used: 0 },
      { name: 'SSD_TOTAL_GB', unit: 'gib', limit: 500, used: 20.5 },
    ]);
    assert.equal((await driver.describeQuotas({ region }, {})).length, 1);
    const typo = await diskErrorOf(driver.describeQuotas({ region: 'europe-west', type: 'pd-ssd' }, {}));
    assert.deepEqual([typo.code, typo.where], ['not-found', 'projects/tranship-source/regions/europe-west']);
  });

  it('a project must be named by somebody', async (t) => {
    const cloud = await ComputeDouble.start({ project: undefined });
    t.after(() => cloud.stop());
    const { code, message } = await diskErrorOf(cloud.driver.account({}));
    assert.equal(code, 'invalid-argument');
    assert.match(message, /project/);
  });
});

it('what is denied names the permission, and what may succeed later says so', async (t) => {
  const cloud = await start(t);
  const order = { diskId: cloud.addDisk(), operationId: 'snap-1', tags: {} };
  const errorWith = async (kind: 'denied' | 'quota' | 'throttled' | 'unavailable'): Promise<DiskError> => {
    cloud.strike({ call: 'createSnapshot', kind });
    return diskErrorOf(cloud.driver.createSnapshot(order, {}));
  };
  const denied = await errorWith('denied');
  assert.deepEqual(
    [denied.code, denied.action, denied.retryable],
    ['permission-denied', 'compute.snapshots.create', false],
  );
  assert.match(denied.message, /for want of compute\.snapshots\.create: projects\/tranship-source \(grant/);
  const quota = await errorWith('quota');
  assert.deepEqual([quota.code, quota.retryable], ['quota-exceeded', false]);
  assert.match(quota.message, /SNAPSHOTS.*raise the quota/);
  for (const kind of ['throttled', 'unavailable'] as const) {
    const { code, retryable } = await errorWith(kind);
    assert.deepEqual([code, retryable], [kind, true]);
  }
  assert.equal(cloud.snapshots().length, 0);
});

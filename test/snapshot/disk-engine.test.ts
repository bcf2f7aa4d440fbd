import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CancelledError, DiskError, RepositoryError } from '../../src/base/errors.ts';
import type { DiskDriver } from '../../src/providers/disks/driver.ts';
import { withDiskRetry } from '../../src/providers/disks/retry.ts';
import { checkRepository } from '../../src/repository/check.ts';
import { deleteDisk } from '../../src/snapshot/delete-disk.ts';
import { permissionsOfRole } from '../../src/snapshot/disk-policy.ts';
import { claimTurn, snapshotDocumentId } from '../../src/snapshot/disk-documents.ts';
import { diskTag, keptTags, repositoryTags } from '../../src/snapshot/disk-tags.ts';
import { gatherPreflightFacts } from '../../src/snapshot/gather-facts.ts';
import { listDisks } from '../../src/snapshot/list-disks.ts';
import { restoreDisk } from '../../src/snapshot/restore-disk.ts';
import { snapshotDisks } from '../../src/snapshot/snapshot-disks.ts';
import { sweepDisks } from '../../src/snapshot/sweep-disks.ts';
import { leaveUnfinished } from '../support/disks/document-scenarios.ts';
import { DiskWorld } from '../support/disks/disk-world.ts';
import { MemoryCloud, memoryPermissions } from '../support/disks/memory-cloud.ts';
import { peerSuite } from '../support/peers.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { Restic, Rustic } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function worldOf(named = false): Promise<{ readonly world: DiskWorld; readonly cloud: MemoryCloud }> {
  const cloud = new MemoryCloud({ named });
  return { world: await DiskWorld.around(cloud), cloud };
}

function keyOf(id: string): string {
  return `tranship/disks/${id}`;
}

describe('documents of disks', () => {
  it('are there before anything is made', async () => {
    const { world, cloud } = await worldOf();
    const diskId = world.addDisk();
    cloud.strike({ call: 'createSnapshot', kind: 'unavailable' });
    const states: string[] = [];
    const onEvent = ({ kind }: { readonly kind: string }): void => {
      if (kind === 'unanswered') states.push(kind);
    };
    const taken = await world.snapshot(diskId, { onEvent });
    assert.deepEqual(states, ['unanswered']);
    assert.equal(taken.state, 'ready');
    assert.equal(await world.repository.store.exists(keyOf(taken.id)), true);
  });

  it('are not read when one byte differs, and nothing is swept then', async () => {
    const { world, cloud } = await worldOf();
    const taken = await world.snapshot(world.addDisk());
    const { store } = world.repository;
    const sealed = await store.get(keyOf(taken.id));
    sealed[20] = (sealed[20] ?? 0) ^ 1;
    await store.put(keyOf(taken.id), sealed);
    const sweep = sweepDisks(world.repository, cloud);
    await assert.rejects(sweep, (error) => error instanceof RepositoryError && error.code === 'corrupt');
    assert.equal(cloud.snapshots().length, 1);
  });

  it('are not believed under another name', async () => {
    const { world } = await worldOf();
    const taken = await world.snapshot(world.addDisk());
    const { store } = world.repository;
    await store.put(keyOf('tranship-other'), await store.get(keyOf(taken.id)));
    await assert.rejects(listDisks(world.repository), /belongs under another name/);
  });

  it('hold no readable name', async () => {
    const { world } = await worldOf();
    const taken = await world.snapshot(world.addDisk(), { plan: 'secret-plan' });
    const sealed = await world.repository.store.get(keyOf(taken.id));
    assert.ok(!sealed.includes('secret-plan') && !sealed.includes('snap-'));
  });

  it('do not disturb our own check', async () => {
    const { world } = await worldOf();
    await world.snapshot(world.addDisk());
    const { errors, hints } = await checkRepository(world.repository, { readData: 'all' });
    assert.deepEqual([errors, hints], [[], []]);
  });

  peerSuite(['restic-newest', 'rustic'], 'beside the folders of restic’s format', (paths) => {
    it('do not disturb restic and rustic', async (t) => {
      const folder = temporaryFolder(t);
      const repository = await initQuickly(`${folder}/replica`);
      const cloud = new MemoryCloud({ named: true });
      const volumes = [{ volume: 'data', diskId: cloud.addDisk() }];
      await snapshotDisks(repository, cloud, { plan: 'shop', volumes });
      const restic = new Restic({ binary: paths['restic-newest'], repository: `${folder}/replica` });
      await restic.check();
      await restic.run(['prune']);
      await new Rustic({ binary: paths.rustic, repository: `${folder}/replica` }).check();
      assert.equal((await listDisks(repository)).length, 1);
    });
  });
});

describe('the disk engine', () => {
  it('sweeps the second snapshot where a listing lagged longer than it may', async () => {
    const { world, cloud } = await worldOf();
    const diskId = world.addDisk();
    cloud.strike({ call: 'createSnapshot', kind: 'lost-answer' });
    cloud.strike({ call: 'listSnapshots', kind: 'listing-lags', times: 9 });
    const taken = await world.snapshot(diskId);
    await world.sweepNow();
    assert.deepEqual(world.snapshots(), [taken.snapshot?.id]);
  });

  it('removes no disk that is attached', async () => {
    const { world, cloud } = await worldOf();
    const taken = await world.snapshot(world.addDisk());
    const { id, disk } = await world.restore(taken.id);
    assert.ok(disk);
    cloud.attach(disk.id, 'machine-1');
    await assert.rejects(
      deleteDisk(world.repository, cloud, id),
      (error) => error instanceof DiskError && error.code === 'conflict',
    );
    const [, restored] = await listDisks(world.repository);
    assert.equal(restored?.document.state, 'ready');
    await world.repository.store.delete(keyOf(id));
    const { kept } = await sweepDisks(world.repository, cloud, { unclaimedDisks: true });
    assert.deepEqual(
      kept.map((item) => [item.id, item.reason]),
      [[disk.id, 'attached']],
    );
  });

  it('keeps a restored disk when another try takes the place of its own', async () => {
    const { world, cloud } = await worldOf();
    const taken = await world.snapshot(world.addDisk());
    const { disk } = await world.restore(taken.id);
    assert.ok(disk);
    // Once the cloud does not see the disk, and refuses a second one.
    const looks: string[] = [];
    const driver: DiskDriver = {
      ...withDiskRetry(cloud, {}),
      describeDisk: async (id, options) => {
        if (looks.push(id) === 1) return undefined;
        return cloud.describeDisk(id, options);
      },
      createDisk: () => Promise.reject(new DiskError('permission-denied', 'not allowed')),
    };
    await assert.rejects(restoreDisk(world.repository, driver, { snapshot: taken.id }), /not allowed/);
    world.clock.pass(2 * 60 * 60_000);
    const { kept } = await sweepDisks(world.repository, cloud);
    assert.deepEqual(
      kept.map((item) => [item.id, item.reason]),
      [[disk.id, 'unclaimed']],
    );
    assert.ok(await cloud.describeDisk(disk.id, {}));
  });

  it('keeps a disk that others made of a backup of a restored one, tags included', async () => {
    let nowMs = Date.now();
    const cloud = new MemoryCloud({ named: false, nowMs: () => (nowMs += 1000) });
    const world = await DiskWorld.around(cloud);
    const taken = await world.snapshot(world.addDisk());
    const { disk, id, request } = await world.restore(taken.id);
    assert.ok(disk);
    const other = await cloud.createDisk(request, {});
    assert.deepEqual(other.tags, disk.tags);
    const { removed } = await sweepDisks(world.repository, cloud);
    await deleteDisk(world.repository, cloud, id);
    assert.deepEqual(removed, []);
    assert.ok(!cloud.disks().some((found) => found.id === disk.id));
    assert.ok(cloud.disks().some((found) => found.id === other.id));
  });

  it('removes no snapshot of a group that has not got its own tags yet', async () => {
    const { world, cloud } = await worldOf();
    const [diskId, tags] = [
      world.addDisk(),
      { ...repositoryTags(world.repository), [diskTag.kind]: 'snapshot' },
    ];
    const { id } = await cloud.createSnapshot({ diskId, operationId: 'group', tags }, {});
    await world.sweepNow();
    assert.deepEqual(world.snapshots(), [id]);
    world.clock.pass(8 * 24 * 60 * 60_000);
    await world.sweepNow();
    assert.deepEqual(world.snapshots(), []);
  });

  it('lets all snapshots of a group expire at one moment, which they can be tagged with together', async (t) => {
    const { world, cloud } = await worldOf();
    const volumes = ['data', 'log'].map((volume) => ({
      volume,
      diskId: world.addDisk({ attachedTo: ['machine-1'] }),
    }));
    let nowMs = world.clock.nowMs();
    t.mock.method(world.clock, 'nowMs', () => (nowMs += 1500));
    await snapshotDisks(world.repository, cloud, { plan: 'shop', volumes });
    const expiries = cloud.snapshots().map(({ tags }) => tags[diskTag.expires]);
    assert.equal(expiries.length, 2);
    assert.equal(expiries[0], expiries[1]);
  });

  it('does not say "removed" of what another region has', async () => {
    const { world, cloud } = await worldOf();
    const { id } = await world.snapshot(world.addDisk());
    const elsewhere = new MemoryCloud({ named: false });
    for (const options of [{}, { region: 'mem-9' }]) {
      await assert.rejects(
        deleteDisk(world.repository, elsewhere, id, options),
        (error) => error instanceof DiskError && error.code === 'refused',
      );
    }
    assert.equal((await listDisks(world.repository))[0]?.document.state, 'ready');
    for (const { id: gone } of cloud.snapshots()) cloud.remove(gone);
    await deleteDisk(world.repository, cloud, id, { region: cloud.region });
    assert.deepEqual(await listDisks(world.repository), []);
  });

  it('restores in another region by a copy, which it removes', async () => {
    const { world, cloud } = await worldOf();
    const taken = await world.snapshot(world.addDisk());
    const mapping = { region: 'mem-2', zones: ['mem-2a'] };
    await assert.rejects(
      world.restore(taken.id, { mapping }),
      (error) => error instanceof DiskError && error.code === 'refused',
    );
    const { disk } = await world.restore(taken.id, { mapping, copyFrom: cloud });
    assert.equal(disk?.region, 'mem-2');
    assert.deepEqual(world.snapshots(), [taken.snapshot?.id]);
  });

  it('maps type, size and labels, and drops the performance of another type', async () => {
    const { world } = await worldOf();
    const diskId = world.addDisk({ iops: 5000, tags: { team: 'blue', 'kubernetes.io/cluster/a': 'owned' } });
    const taken = await world.snapshot(diskId);
    const mapping = { type: 'slow', sizeBytes: 16 * 2 ** 30, tags: { team: 'green' } };
    const { disk } = await world.restore(taken.id, { mapping });
    assert.deepEqual([disk?.type, disk?.sizeBytes, disk?.iops], ['slow', 16 * 2 ** 30, undefined]);
    assert.deepEqual(keptTags(disk?.tags ?? {}), { team: 'green' });
  });

  it('refuses a disk smaller than its source', async () => {
    const { world } = await worldOf();
    const taken = await world.snapshot(world.addDisk());
    await assert.rejects(world.restore(taken.id, { mapping: { sizeBytes: 1 } }), /would have 1 bytes/);
  });

  it('fails, and removes the disk, where the cloud made another one than was ordered', async () => {
    const { world, cloud } = await worldOf();
    const taken = await world.snapshot(world.addDisk({ iops: 5000 }));
    const forgetful: DiskDriver = {
      ...withDiskRetry(cloud, {}),
      createDisk: (disk, options) => cloud.createDisk({ ...disk, iops: 3000 }, options),
    };
    await assert.rejects(
      restoreDisk(world.repository, forgetful, { snapshot: taken.id }),
      /IOPS 3000 instead of 5000/,
    );
    assert.deepEqual(await world.orphans(world.snapshots()), []);
  });

  it('gives out no disk of before for another one that is ordered', async () => {
    const { world } = await worldOf();
    const taken = await world.snapshot(world.addDisk());
    await world.restore(taken.id);
    await assert.rejects(world.restore(taken.id, { mapping: { type: 'slow' } }), /type fast instead of slow/);
    const { disk } = await world.restore(taken.id, { name: 'slow', mapping: { type: 'slow' } });
    assert.equal(disk?.type, 'slow');
  });

  it('begins anew what failed, also where unfinished things are kept', async () => {
    const { world, cloud } = await worldOf();
    const diskId = world.addDisk();
    cloud.strike({ call: 'createSnapshot', kind: 'fails-later' });
    await assert.rejects(world.snapshot(diskId, { keepUnfinished: true }), /ended in failure/);
    assert.deepEqual(world.snapshots(), []);
    assert.equal((await world.snapshot(diskId)).state, 'ready');
  });

  it('keeps the document of another region, of which it sees nothing', async () => {
    const { world, cloud } = await worldOf();
    const taken = await world.snapshot(world.addDisk(), { expireAfterMs: 1000 });
    world.clock.pass(60 * 60_000);
    const elsewhere = await DiskWorld.around(new MemoryCloud({ named: false }));
    const sweep = async (region: string) =>
      (await sweepDisks(world.repository, elsewhere.cloud.driver, { region })).removedDocuments;
    assert.deepEqual(await sweep('mem-9'), []);
    const { removed } = await sweepDisks(world.repository, cloud);
    assert.equal(removed[0]?.id, taken.snapshot?.id);
  });

  it('takes another disk’s snapshot for none of its own', async () => {
    const { world } = await worldOf();
    await world.snapshot(world.addDisk());
    await assert.rejects(
      world.snapshot(world.addDisk()),
      (error) => error instanceof DiskError && error.code === 'already-exists',
    );
    assert.equal(world.snapshots().length, 1);
  });

  it('waits for a restored disk that the cloud is changing, and makes no second one', async () => {
    const { world, cloud } = await worldOf();
    const taken = await world.snapshot(world.addDisk());
    const { disk } = await world.restore(taken.id);
    let looks = 0;
    const changing: DiskDriver = {
      ...withDiskRetry(cloud, {}),
      describeDisk: async (id, options) => {
        const found = await cloud.describeDisk(id, options);
        return found && looks++ < 3 ? { ...found, state: 'creating' } : found;
      },
    };
    const again = await restoreDisk(world.repository, changing, { snapshot: taken.id });
    assert.equal(again.disk?.id, disk?.id);
    assert.equal(looks, 4);
    assert.equal(cloud.disks().length, 2);
  });

  it('certifies no snapshot of another disk that the cloud answers with', async () => {
    const { world, cloud } = await worldOf();
    const other = world.addDisk();
    const mistaken: DiskDriver = {
      ...withDiskRetry(cloud, {}),
      createSnapshot: (order, options) => cloud.createSnapshot({ ...order, diskId: other }, options),
    };
    const volumes = [{ volume: 'data', diskId: world.addDisk() }];
    await assert.rejects(
      snapshotDisks(world.repository, mistaken, { plan: 'shop', volumes }),
      /the snapshot is of disk-1/,
    );
    assert.deepEqual(world.snapshots(), []);
  });

  it('goes on with what another account has begun in no case', async () => {
    const { world, cloud } = await worldOf();
    const diskId = world.addDisk();
    await world.snapshot(diskId);
    const foreign: DiskDriver = { ...withDiskRetry(cloud, {}), account: () => Promise.resolve('foreign') };
    const volumes = [{ volume: 'data', diskId }];
    await assert.rejects(
      snapshotDisks(world.repository, foreign, { plan: 'shop', volumes }),
      (error) => error instanceof DiskError && error.code === 'already-exists',
    );
  });

  it('takes back also what was shared before a call was interrupted', async () => {
    const { world, cloud } = await worldOf();
    const volumes = [{ volume: 'data', diskId: world.addDisk() }];
    const cancel = new AbortController();
    const interrupted: DiskDriver = {
      ...withDiskRetry(cloud, {}),
      shareSnapshot: async (id, account, options) => {
        if (account === 'second') cancel.abort();
        return cloud.shareSnapshot(id, account, options);
      },
    };
    const options = { plan: 'shop', volumes, keepUnfinished: true };
    await assert.rejects(
      snapshotDisks(world.repository, interrupted, {
        ...options,
        shareWith: ['first', 'second'],
        signal: cancel.signal,
      }),
      CancelledError,
    );
    assert.equal(cloud.shares().length, 1);
    const { documents } = await snapshotDisks(world.repository, cloud, options);
    assert.deepEqual(
      documents[0]?.shares.map(({ account }) => account),
      ['first'],
    );
    await deleteDisk(world.repository, cloud, documents[0]?.id ?? '');
    assert.deepEqual(cloud.shares(), []);
  });

  it('leaves to the call that took over what the one before has made', async () => {
    const { world, cloud } = await worldOf(true);
    const diskId = world.addDisk();
    const cancel = new AbortController();
    let second: Promise<unknown> | undefined;
    const onEvent = ({ kind }: { readonly kind: string }): void => {
      if (kind !== 'progress') return;
      second ??= world.snapshot(diskId, { takeOver: true }).finally(() => cancel.abort());
    };
    cloud.strike({ call: 'createSnapshot', kind: 'stays-pending' });
    // The first waits for ever, and cleans up when the second has ended at its own deadline.
    await assert.rejects(
      world.snapshot(diskId, { onEvent, signal: cancel.signal, deadlineMs: 240 * 60_000 }),
    );
    await assert.rejects(async () => second);
    await world.sweepLater();
    assert.deepEqual(await world.orphans(), []);
  });

  it('can take up what a call has claimed that ended before it began, after a while', async () => {
    const { world } = await worldOf();
    const diskId = world.addDisk();
    await leaveUnfinished(world, diskId);
    const [left] = await listDisks(world.repository);
    assert.ok(left);
    const claimed = await claimTurn(world.repository, left.document, { staleMs: 1 });
    assert.equal(claimed, 1);
    await assert.rejects(
      world.snapshot(diskId),
      (error) => error instanceof DiskError && error.code === 'conflict',
    );
    world.clock.pass(6 * 60_000);
    const taken = await world.snapshot(diskId);
    assert.equal(taken.turn, 2);
    await deleteDisk(world.repository, world.cloud.driver, taken.id);
    const keys: string[] = [];
    for await (const { key } of world.repository.store.list('tranship/')) keys.push(key);
    assert.deepEqual(keys, []);
  });

  it('gives out the disk though the copy of its snapshot cannot be removed', async () => {
    const { world, cloud } = await worldOf();
    const taken = await world.snapshot(world.addDisk());
    cloud.strike({ call: 'deleteSnapshot', kind: 'denied', times: 1000 });
    const mapping = { region: 'mem-2', zones: ['mem-2a'] };
    const { disk, state } = await world.restore(taken.id, { mapping, copyFrom: cloud });
    assert.deepEqual([state, disk?.region], ['ready', 'mem-2']);
    await world.sweepNow();
    assert.deepEqual(world.snapshots(), [taken.snapshot?.id]);
  });

  it('does not count the unfinished snapshot that the next call goes on with', async () => {
    const { world, cloud } = await worldOf();
    const diskId = world.addDisk();
    await leaveUnfinished(world, diskId);
    const document = snapshotDocumentId(world.repository, { plan: 'shop', volume: 'data', pass: 'final' });
    const of = { diskId, targetRegion: 'mem-1' };
    const facts = await gatherPreflightFacts(world.repository, cloud, of);
    assert.equal(facts.snapshotsMs.length, 1);
    const own = await gatherPreflightFacts(world.repository, cloud, { ...of, document });
    assert.deepEqual(own.snapshotsMs, []);
  });

  it('refuses a snapshot that has expired', async () => {
    const { world } = await worldOf();
    const taken = await world.snapshot(world.addDisk(), { expireAfterMs: 1000 });
    world.clock.pass(2000);
    await assert.rejects(world.restore(taken.id), /expired/);
  });

  it('gives each role what it calls, and to a sweep nothing that makes', () => {
    const sweep = permissionsOfRole('sweep', memoryPermissions);
    assert.deepEqual(
      sweep.filter((permission) => /Create|Share(?!.*Un)|Copy/.test(permission.replace('Unshare', ''))),
      [],
    );
    const restore = permissionsOfRole('restore', memoryPermissions);
    assert.ok(!restore.includes('memory:CreateSnapshot') && restore.includes('memory:CreateDisk'));
  });
});

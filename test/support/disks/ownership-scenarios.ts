import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CancelledError, DiskError } from '../../../src/base/errors.ts';
import { operationTag } from '../../../src/providers/disks/driver.ts';
import type { DiskDriver } from '../../../src/providers/disks/driver.ts';
import { withDiskRetry } from '../../../src/providers/disks/retry.ts';
import { deleteDisk } from '../../../src/snapshot/delete-disk.ts';
import { diskTag } from '../../../src/snapshot/disk-tags.ts';
import { listDisks } from '../../../src/snapshot/list-disks.ts';
import { sweepDisks } from '../../../src/snapshot/sweep-disks.ts';
import { DiskWorld } from './disk-world.ts';
import type { MakeDouble } from './disk-world.ts';

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

function isRefused(error: unknown): boolean {
  return error instanceof DiskError && error.code === 'refused';
}

/** What may be removed, and what is somebody else's whatever its tags say: the same for every driver. */
export function describeOwnership(makeDouble: MakeDouble): void {
  it('leaves a backup of a restored disk that was given all of its tags', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver, region } = world.cloud;
    const taken = await world.snapshot(world.addDisk());
    const { disk, id } = await world.restore(taken.id);
    assert.ok(disk);
    const { tags } = disk;
    assert.ok(tags[diskTag.document] === id && tags[diskTag.repository] !== undefined);
    const backup = await driver.createSnapshot(
      { diskId: disk.id, operationId: tags[operationTag] ?? '', tags },
      {},
    );
    world.clock.pass(30 * dayMs);
    const swept = await sweepDisks(world.repository, driver, { region });
    assert.deepEqual(
      swept.removed.map((item) => item.id),
      [taken.snapshot?.id],
    );
    assert.deepEqual([swept.kept, swept.failed], [[], []]);
    await deleteDisk(world.repository, driver, id, { region });
    assert.deepEqual(world.snapshots(), [backup.id]);
    await world.sweepLater();
    assert.deepEqual(world.snapshots(), [backup.id]);
  });

  it('leaves a disk that was made of a snapshot and given all of its tags', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver, region } = world.cloud;
    const { disk: source, snapshot, id } = await world.snapshot(world.addDisk());
    assert.ok(snapshot);
    const { type, sizeBytes, zones, encryption } = source;
    const operationId = snapshot.tags[operationTag] ?? '';
    const order = { snapshotId: snapshot.id, operationId, tags: snapshot.tags, type, sizeBytes, encryption };
    const made = await driver.createDisk({ ...order, region, zones }, {});
    const isThere = (): boolean => world.cloud.disks().some((disk) => disk.id === made.id);
    await sweepDisks(world.repository, driver, { region, unclaimedDisks: true });
    await deleteDisk(world.repository, driver, id, { region });
    await sweepDisks(world.repository, driver, { region, unclaimedDisks: true });
    assert.deepEqual([isThere(), world.snapshots()], [true, []]);
  });

  it('keeps snapshots that its copy of the repository does not know until their time is over', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver } = world.cloud;
    const { id, snapshot } = await world.snapshot(world.addDisk(), { expireAfterMs: 20 * dayMs });
    await world.repository.store.delete(`tranship/disks/${id}`);
    world.clock.pass(19 * dayMs);
    const early = await sweepDisks(world.repository, driver);
    assert.deepEqual(early.removed, []);
    assert.deepEqual(
      early.kept.map((item) => [item.id, item.reason]),
      [[snapshot?.id, 'unclaimed']],
    );
    world.clock.pass(2 * dayMs);
    const late = await sweepDisks(world.repository, driver);
    assert.deepEqual(
      late.removed.map((item) => item.id),
      [snapshot?.id],
    );
  });

  it('does not say "removed" of what another account has', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver, region } = world.cloud;
    const { id, snapshot } = await world.snapshot(world.addDisk(), { expireAfterMs: hourMs });
    const target: DiskDriver = {
      ...withDiskRetry(driver, {}),
      account: () => Promise.resolve('somebody-else'),
      deleteSnapshot: () => Promise.reject(new DiskError('permission-denied', 'not allowed')),
      async *listSnapshots() {
        // Another account lists its own.
      },
    };
    await assert.rejects(deleteDisk(world.repository, target, id, { region }), isRefused);
    const [listed] = await listDisks(world.repository);
    assert.equal(listed?.document.state, 'ready');
    world.clock.pass(2 * hourMs);
    const { removed, kept, removedDocuments } = await sweepDisks(world.repository, target, { region });
    assert.deepEqual([removed, removedDocuments], [[], []]);
    assert.deepEqual(
      kept.map((item) => [item.id, item.reason]),
      [[snapshot?.id, 'elsewhere']],
    );
  });

  it('removes nothing of a snapshot that is taken anew while it sweeps', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver, region } = world.cloud;
    const disks = ['data', 'log'].map((volume) => ({ volume, diskId: world.addDisk() }));
    for (const { volume, diskId } of disks) await world.snapshot(diskId, { volume, expireAfterMs: hourMs });
    world.clock.pass(2 * hourMs);
    const anew: string[] = [];
    const slow: DiskDriver = {
      ...withDiskRetry(driver, {}),
      deleteSnapshot: async (id, options) => {
        if (anew.length === 0) {
          const kept = world.cloud.snapshots().find((snapshot) => snapshot.id !== id);
          const other = disks.find(({ volume }) => volume === kept?.tags[diskTag.volume]);
          assert.ok(other);
          const { snapshot } = await world.snapshot(other.diskId, { volume: other.volume });
          anew.push(snapshot?.id ?? '');
        }
        await driver.deleteSnapshot(id, options);
      },
    };
    await sweepDisks(world.repository, slow, { region });
    assert.deepEqual(world.snapshots(), anew);
    assert.equal(
      (await listDisks(world.repository)).filter(({ document }) => document.state === 'ready').length,
      1,
    );
  });

  it('tells at once what stands in the way of a removal for ever', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver, region } = world.cloud;
    const { id } = await world.snapshot(world.addDisk());
    const used: DiskDriver = {
      ...withDiskRetry(driver, {}),
      deleteSnapshot: () => Promise.reject(new DiskError('conflict', 'an image is made of it')),
    };
    const deleting = deleteDisk(world.repository, used, id, { region });
    await assert.rejects(deleting, /an image is made of it/);
    const { failed } = await sweepDisks(world.repository, used, { region });
    assert.match(failed[0]?.error.message ?? '', /an image is made of it/);
  });

  it('writes down that a clean-up ran out of time', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    world.cloud.strike({ call: 'deleteSnapshot', kind: 'unavailable', times: 10_000 });
    const cancel = new AbortController();
    const { signal } = cancel;
    const onEvent = ({ kind }: { readonly kind: string }): void => {
      if (kind === 'made') cancel.abort();
    };
    await assert.rejects(world.snapshot(diskId, { signal, onEvent }), CancelledError);
    const [listed] = await listDisks(world.repository);
    assert.equal(listed?.document.state, 'abandoned');
    await world.sweepNow();
    assert.deepEqual(await world.orphans(), []);
  });
}

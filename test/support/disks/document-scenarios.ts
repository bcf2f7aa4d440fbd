import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CancelledError, DiskError } from '../../../src/base/errors.ts';
import type { DiskSnapshotDocument } from '../../../src/snapshot/disk-document.ts';
import { listDisks } from '../../../src/snapshot/list-disks.ts';
import { snapshotDisks } from '../../../src/snapshot/snapshot-disks.ts';
import { DiskWorld } from './disk-world.ts';
import type { MakeDouble } from './disk-world.ts';

const dayMs = 24 * 60 * 60_000;

/** Leaves a snapshot unfinished, for a call that goes on. */
export async function leaveUnfinished(world: DiskWorld, diskId: string): Promise<void> {
  const cancel = new AbortController();
  const late = world.snapshot(diskId, {
    keepUnfinished: true,
    signal: cancel.signal,
    onEvent: ({ kind }) => kind === 'progress' && cancel.abort(),
  });
  await assert.rejects(late, CancelledError);
}

function isRefusedAs(code: DiskError['code']): (error: unknown) => boolean {
  return (error) => error instanceof DiskError && error.code === code;
}

function accountsOf({ shares }: DiskSnapshotDocument): string[] {
  return shares.map(({ account }) => account);
}

/** What one document stands for, and who may write it: the same suite for every driver. */
export function describeDocuments(makeDouble: MakeDouble): void {
  it('makes a new disk of a snapshot that was taken anew, and gives out none of before', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    const first = await world.snapshot(diskId);
    const old = await world.restore(first.id);
    world.clock.pass(8 * dayMs);
    const second = await world.snapshot(diskId);
    assert.equal(second.id, first.id);
    assert.notEqual(second.snapshot?.id, first.snapshot?.id);
    assert.deepEqual(world.snapshots(), [second.snapshot?.id]);
    const made = await world.restore(second.id);
    assert.notEqual(made.disk?.id, old.disk?.id);
    assert.ok(await world.cloud.driver.describeDisk(old.disk?.id ?? '', {}));
  });

  it('says which snapshots an earlier call had taken', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const options = { plan: 'shop', volumes: [{ volume: 'data', diskId: world.addDisk() }] };
    const take = async () => snapshotDisks(world.repository, world.cloud.driver, options);
    const first = await take();
    assert.deepEqual(first.earlier, []);
    assert.deepEqual((await take()).earlier, [first.documents[0]?.id]);
  });

  it('goes on with the snapshot of no other disk, unfinished or not', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    await leaveUnfinished(world, diskId);
    const kept = world.snapshots();
    await assert.rejects(world.snapshot(world.addDisk()), isRefusedAs('already-exists'));
    assert.deepEqual(world.snapshots(), kept);
    assert.equal((await world.snapshot(diskId)).snapshot?.id, kept[0]);
  });

  it('lets one call alone take up what was left unfinished', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    await leaveUnfinished(world, diskId);
    world.events.length = 0;
    const calls = await Promise.allSettled([1, 2, 3].map(() => world.snapshot(diskId)));
    for (const call of calls) {
      // Who comes last may find it done.
      if (call.status === 'fulfilled') assert.equal(call.value.turn, 1);
      else assert.ok(isRefusedAs('conflict')(call.reason), String(call.reason));
    }
    assert.equal(world.events.filter(({ kind }) => kind === 'ready').length, 1);
    assert.equal(world.snapshots().length, 1);
    const [listed] = await listDisks(world.repository);
    assert.equal(listed?.document.state, 'ready');
  });

  it('shares what is there already with whom a later call names, and keeps it longer', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver, otherAccount } = world.cloud;
    const diskId = world.addDisk();
    const first = await world.snapshot(diskId);
    const shareWith = driver.capabilities.sharesByAccount === false ? [] : [otherAccount];
    const again = await world.snapshot(diskId, { shareWith, expireAfterMs: 30 * dayMs });
    assert.equal(again.snapshot?.id, first.snapshot?.id);
    assert.deepEqual(accountsOf(again), shareWith);
    assert.equal(again.expiresMs, first.begunMs + 30 * dayMs);
    assert.deepEqual((await listDisks(world.repository))[0]?.document, again);
    const third = await world.snapshot(diskId, { shareWith, expireAfterMs: dayMs });
    assert.deepEqual(third, again);
  });
}

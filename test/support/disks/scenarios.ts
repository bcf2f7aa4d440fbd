import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CancelledError, DiskError } from '../../../src/base/errors.ts';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { operationTag } from '../../../src/providers/disks/driver.ts';
import type { DiskPermissions } from '../../../src/providers/disks/permissions.ts';
import { deleteDisk } from '../../../src/snapshot/delete-disk.ts';
import { permissionsOfRole } from '../../../src/snapshot/disk-policy.ts';
import type { DiskRole } from '../../../src/snapshot/disk-policy.ts';
import { diskTag } from '../../../src/snapshot/disk-tags.ts';
import { gatherPreflightFacts } from '../../../src/snapshot/gather-facts.ts';
import { listDisks } from '../../../src/snapshot/list-disks.ts';
import { snapshotDisks } from '../../../src/snapshot/snapshot-disks.ts';
import { sweepDisks } from '../../../src/snapshot/sweep-disks.ts';
import type { CloudFaultKind, DoubleDisk } from './cloud-double.ts';
import { describeDocuments } from './document-scenarios.ts';
import { describeOwnership } from './ownership-scenarios.ts';
import { describeRandomFaults } from './random-faults.ts';
import { DiskWorld } from './disk-world.ts';
import type { MakeDouble } from './disk-world.ts';

/** What a cloud's own suite knows of it. */
export interface CloudSuiteOptions {
  /** Disks whose performance or key a copy must keep, each with a name. */
  readonly disks?: Readonly<Record<string, DoubleDisk>> | undefined;
  /** A permission is refused: what the error's `action` must be. */
  readonly createSnapshotAction?: string | undefined;
  /** What each call of the driver takes, from which the policies are made. */
  readonly permissions?: DiskPermissions | undefined;
  /** How many random schedules of faults run: few, unless all are asked for. */
  readonly schedules?: { readonly small: number; readonly full: number } | undefined;
}

function hasCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof DiskError, `not a DiskError: ${String(error)}`);
    assert.equal(error.code, code, error.message);
    return true;
  };
}

/**
 * What the engine does on a cloud, fault by fault: the same suite for every driver. Each test has a double of its own,
 * which is stopped when it ends.
 */
export function describeCloud(name: string, makeDouble: MakeDouble, options: CloudSuiteOptions = {}): void {
  describe(`disk snapshots: ${name}`, () => {
    describeWholeWay(makeDouble, options);
    describeLostAnswers(makeDouble);
    describeFailures(makeDouble, options);
    describeLeaving(makeDouble);
    describeDocuments(makeDouble);
    describeSweep(makeDouble);
    describeOwnership(makeDouble);
    describeGroups(makeDouble);
    if (options.permissions !== undefined) describePolicies(makeDouble, options.permissions);
    describeRandomFaults(makeDouble, options.schedules);
  });
}

function describeWholeWay(makeDouble: MakeDouble, { disks = {} }: CloudSuiteOptions): void {
  it('makes a disk like the source of its snapshot, and tags both', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk({ tags: { team: 'blue' } });
    const source = await world.cloud.driver.describeDisk(diskId, {});
    assert.ok(source);
    const taken = await world.snapshot(diskId);
    assert.equal(taken.state, 'ready');
    assert.deepEqual(world.snapshots(), [taken.snapshot?.id]);
    assert.deepEqual(taken.snapshot?.tags[diskTag.document], taken.id);
    assert.deepEqual(taken.snapshot.tags[operationTag], taken.operationId);
    const { disk, id } = await world.restore(taken.id);
    assert.ok(disk);
    assert.notEqual(disk.id, diskId);
    assert.equal(disk.state, 'available');
    for (const key of ['type', 'sizeBytes', 'zones', 'encryption', 'iops'] as const) {
      assert.deepEqual(disk[key], source[key], key);
    }
    assert.equal(disk.tags['team'], 'blue');
    assert.equal(disk.tags[diskTag.plan], 'shop');
    assert.equal(disk.tags[diskTag.volume], 'data');
    assert.equal(disk.tags[diskTag.pass], 'final');
    assert.match(disk.tags[diskTag.expires] ?? '', /^\d{10}$/);
    assert.equal(disk.tags[diskTag.document], id);
    const kinds = world.events.map(({ kind, thing }) => `${thing} ${kind}`);
    assert.equal(kinds[0], 'snapshot made');
    assert.equal(kinds.at(-1), 'disk ready');
    assert.deepEqual(world.cloud.violations(), []);
  });

  for (const [kind, made] of Object.entries(disks)) {
    it(`keeps what ${kind} has`, async (t) => {
      const world = await DiskWorld.make(t, makeDouble);
      const diskId = world.addDisk(made);
      const source = await world.cloud.driver.describeDisk(diskId, {});
      assert.ok(source);
      const taken = await world.snapshot(diskId);
      const { disk } = await world.restore(taken.id);
      assert.ok(disk);
      for (const key of [
        'type',
        'sizeBytes',
        'zones',
        'encryption',
        'iops',
        'throughputBytesPerSecond',
      ] as const) {
        assert.deepEqual(disk[key], source[key], key);
      }
      assert.deepEqual(world.cloud.violations(), []);
    });
  }

  it('finds what an equal call has made, and makes nothing twice', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    const first = await world.snapshot(diskId);
    assert.deepEqual(await world.snapshot(diskId), first);
    const restored = await world.restore(first.id);
    assert.equal((await world.restore(first.id)).disk?.id, restored.disk?.id);
    assert.equal(world.cloud.disks().length, 2);
    assert.equal(world.snapshots().length, 1);
  });

  it('shares a snapshot with another account, and takes that back when it is deleted', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { otherAccount, driver } = world.cloud;
    const taking = world.snapshot(world.addDisk(), { shareWith: [otherAccount] });
    if (driver.capabilities.sharesByAccount === false) {
      await assert.rejects(taking, hasCode('unsupported'));
      assert.deepEqual(world.snapshots(), []);
      return;
    }
    const taken = await taking;
    assert.deepEqual(
      taken.shares.map(({ account }) => account),
      [otherAccount],
    );
    await deleteDisk(world.repository, driver, taken.id);
    assert.deepEqual(world.snapshots(), []);
    assert.deepEqual(await listDisks(world.repository), []);
    assert.deepEqual(world.cloud.violations(), []);
  });

  it('lists what it made, and says where it has gone', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver } = world.cloud;
    const taken = await world.snapshot(world.addDisk());
    const states = async (): Promise<unknown[]> =>
      (await listDisks(world.repository, { driver })).map(({ document, now }) => [document.id, now]);
    assert.deepEqual(await states(), [[taken.id, 'ready']]);
    world.cloud.remove(taken.snapshot?.id ?? '');
    assert.deepEqual(await states(), [[taken.id, 'gone']]);
  });
}

function describeLostAnswers(makeDouble: MakeDouble): void {
  it('adopts the snapshot whose answer was lost', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    world.cloud.strike({ call: 'createSnapshot', kind: 'lost-answer' });
    const taken = await world.snapshot(world.addDisk());
    assert.deepEqual(world.snapshots(), [taken.snapshot?.id]);
  });

  it('adopts the snapshot and the disk whose answers broke after they had begun', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    world.cloud.strike({ call: 'createSnapshot', kind: 'cut-answer' });
    world.cloud.strike({ call: 'createDisk', kind: 'cut-answer' });
    const taken = await world.snapshot(world.addDisk());
    assert.deepEqual(world.snapshots(), [taken.snapshot?.id]);
    const { disk } = await world.restore(taken.id);
    assert.ok(disk);
    assert.equal(world.cloud.disks().length, 2);
  });

  it('adopts it also where the listing does not have it at first', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    world.cloud.strike({ call: 'createSnapshot', kind: 'lost-answer' });
    world.cloud.strike({ call: 'listSnapshots', kind: 'listing-lags', times: 2 });
    const taken = await world.snapshot(world.addDisk());
    assert.deepEqual(world.snapshots(), [taken.snapshot?.id]);
  });

  it('adopts the disk whose answer was lost', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const taken = await world.snapshot(world.addDisk());
    world.cloud.strike({ call: 'createDisk', kind: 'lost-answer' });
    const { disk } = await world.restore(taken.id);
    assert.ok(disk);
    assert.equal(world.cloud.disks().length, 2);
  });

  it('adopts or sweeps the disk whose answer was lost when a second try is refused', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const taken = await world.snapshot(world.addDisk());
    world.cloud.strike({ call: 'createDisk', kind: 'lost-answer' });
    world.cloud.strike({ call: 'createDisk', kind: 'denied' });
    world.cloud.strike({ call: 'listDisks', kind: 'listing-lags', times: 60 });
    // Who looks for the name before giving the order finds the disk, and is not refused.
    await world.restore(taken.id).catch((error: unknown) => assert.ok(hasCode('permission-denied')(error)));
    await world.sweepNow();
    assert.deepEqual(await world.orphans(world.snapshots()), []);
  });

  for (const kind of ['unavailable', 'throttled'] as const) {
    it(`goes on after ${kind} calls`, async (t) => {
      const world = await DiskWorld.make(t, makeDouble);
      const diskId = world.addDisk();
      for (const call of ['describeDisk', 'createSnapshot', 'describeSnapshot', 'createDisk'] as const) {
        world.cloud.strike({ call, kind });
      }
      const taken = await world.snapshot(diskId);
      const { disk } = await world.restore(taken.id);
      assert.ok(disk);
      assert.equal(world.cloud.disks().length, 2);
      assert.deepEqual(world.snapshots(), [taken.snapshot?.id]);
    });
  }
}

function describeFailures(makeDouble: MakeDouble, { createSnapshotAction }: CloudSuiteOptions): void {
  const cases: readonly (readonly [CloudFaultKind, ErrorCode])[] = [
    ['denied', 'permission-denied'],
    ['quota', 'quota-exceeded'],
    ['fails-later', 'failed'],
    ['vanishes-later', 'failed'],
    ['stays-pending', 'timeout'],
  ];
  for (const [kind, code] of cases) {
    it(`leaves nothing of a snapshot that is ${kind}: ${code}`, async (t) => {
      const world = await DiskWorld.make(t, makeDouble);
      const diskId = world.addDisk();
      world.cloud.strike({ call: 'createSnapshot', kind });
      await assert.rejects(world.snapshot(diskId), hasCode(code));
      await world.sweepNow();
      assert.deepEqual(await world.orphans(), []);
      await world.sweepLater();
      assert.deepEqual(await listDisks(world.repository), []);
    });

    it(`leaves nothing of a disk that is ${kind}: ${code}`, async (t) => {
      const world = await DiskWorld.make(t, makeDouble);
      const taken = await world.snapshot(world.addDisk());
      world.cloud.strike({ call: 'createDisk', kind });
      await assert.rejects(world.restore(taken.id), hasCode(code));
      await world.sweepNow();
      assert.deepEqual(await world.orphans([taken.snapshot?.id ?? '']), []);
      const { disk } = await world.restore(taken.id);
      assert.ok(disk);
    });
  }

  it('names the permission that is missing', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    world.cloud.strike({ call: 'createSnapshot', kind: 'denied' });
    await assert.rejects(world.snapshot(diskId), (error) => {
      assert.ok(error instanceof DiskError && error.action !== undefined, 'no action is named');
      if (createSnapshotAction !== undefined) assert.equal(error.action, createSnapshotAction);
      return true;
    });
  });

  it('tells to look at the key when a disk vanishes after its id was given out', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const taken = await world.snapshot(world.addDisk());
    world.cloud.strike({ call: 'createDisk', kind: 'vanishes-later' });
    await assert.rejects(world.restore(taken.id), /encryption key/);
  });

  it('says that a disk is gone before anything is made', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    world.cloud.remove(diskId);
    await assert.rejects(world.snapshot(diskId), hasCode('not-found'));
    assert.deepEqual(await listDisks(world.repository), []);
  });

  it('says that a snapshot is gone before a disk is made', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const taken = await world.snapshot(world.addDisk());
    world.cloud.remove(taken.snapshot?.id ?? '');
    await assert.rejects(world.restore(taken.id), hasCode('not-found'));
    assert.deepEqual(await world.orphans(), []);
  });
}

function describeLeaving(makeDouble: MakeDouble): void {
  it('leaves nothing when it is cancelled', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    for (const moment of ['made', 'progress'] as const) {
      const cancel = new AbortController();
      const { signal } = cancel;
      const onEvent = ({ kind }: { readonly kind: string }): void => {
        if (kind === moment) cancel.abort();
      };
      await assert.rejects(world.snapshot(diskId, { signal, onEvent }), CancelledError);
      await world.sweepNow();
      assert.deepEqual(await world.orphans(), [], moment);
    }
  });

  it('goes on with what a late call has left for the next one', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    const cancel = new AbortController();
    const late = world.snapshot(diskId, {
      keepUnfinished: true,
      signal: cancel.signal,
      onEvent: ({ kind }) => kind === 'progress' && cancel.abort(),
    });
    await assert.rejects(late, CancelledError);
    const [left] = world.snapshots();
    assert.ok(left);
    await world.sweepNow();
    const [listed] = await listDisks(world.repository);
    assert.equal(listed?.document.state, 'paused');
    assert.equal((await world.snapshot(diskId)).snapshot?.id, left);
    assert.deepEqual(world.snapshots(), [left]);
  });

  it('names what cannot be removed, and a sweep removes it', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    world.cloud.strike({ call: 'createSnapshot', kind: 'fails-later' });
    world.cloud.strike({ call: 'deleteSnapshot', kind: 'denied', times: 1000 });
    await assert.rejects(world.snapshot(diskId), hasCode('failed'));
    const [listed] = await listDisks(world.repository);
    assert.equal(listed?.document.state, 'abandoned');
    await world.sweepNow();
    assert.deepEqual(await world.orphans(), []);
  });

  it('lets nobody else at what it is doing', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const diskId = world.addDisk();
    world.cloud.strike({ call: 'createSnapshot', kind: 'stays-pending' });
    const cancel = new AbortController();
    let other: Promise<unknown> | undefined;
    const onEvent = (): void => {
      other ??= assert.rejects(world.snapshot(diskId), hasCode('conflict')).finally(() => cancel.abort());
    };
    await assert.rejects(world.snapshot(diskId, { onEvent, signal: cancel.signal }), CancelledError);
    await other;
    assert.deepEqual(world.snapshots(), []);
  });
}

function describeSweep(makeDouble: MakeDouble): void {
  it('sweeps a snapshot that has expired, after it has said so', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver } = world.cloud;
    const taken = await world.snapshot(world.addDisk(), { expireAfterMs: 60 * 60_000 });
    const early = await sweepDisks(world.repository, driver);
    assert.deepEqual(early.removed, []);
    world.clock.pass(61 * 60_000);
    const dry = await sweepDisks(world.repository, driver, { dryRun: true });
    assert.deepEqual(
      dry.removed.map(({ id, reason }) => [id, reason]),
      [[taken.snapshot?.id, 'expired']],
    );
    assert.equal(world.snapshots().length, 1);
    const real = await sweepDisks(world.repository, driver);
    assert.deepEqual(real, dry);
    assert.deepEqual(world.snapshots(), []);
    assert.deepEqual(await listDisks(world.repository), []);
  });

  it('sweeps nothing that a live document of another plan or another repository names', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const other = await DiskWorld.around(world.cloud);
    const own = await world.snapshot(world.addDisk());
    const plan = await world.snapshot(world.addDisk(), { plan: 'other' });
    const repository = await other.snapshot(other.addDisk());
    await world.sweepNow();
    const named = [own, plan, repository].map(({ snapshot }) => snapshot?.id ?? '');
    assert.deepEqual([...world.snapshots()].sort(), named.sort());
  });

  it('sweeps a snapshot of its own that no document names when its time is over, but no such disk', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver } = world.cloud;
    const taken = await world.snapshot(world.addDisk());
    const { disk, id } = await world.restore(taken.id);
    assert.ok(disk);
    for (const lost of [taken.id, id]) await world.repository.store.delete(`tranship/disks/${lost}`);
    world.clock.pass(8 * 24 * 60 * 60_000);
    const swept = await sweepDisks(world.repository, driver);
    assert.deepEqual(
      swept.removed.map((item) => item.id),
      [taken.snapshot?.id],
    );
    assert.deepEqual(
      swept.kept.map((item) => [item.id, item.reason]),
      [[disk.id, 'unclaimed']],
    );
    const all = await sweepDisks(world.repository, driver, { unclaimedDisks: true });
    assert.deepEqual(
      all.removed.map((item) => item.id),
      [disk.id],
    );
  });

  it('never sweeps a disk that was restored, however old it is', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const taken = await world.snapshot(world.addDisk());
    const { disk } = await world.restore(taken.id);
    world.clock.pass(365 * 24 * 60 * 60_000);
    const { removed } = await sweepDisks(world.repository, world.cloud.driver);
    assert.deepEqual(
      removed.map(({ id }) => id),
      [taken.snapshot?.id],
    );
    assert.ok(world.cloud.disks().some(({ id }) => id === disk?.id));
  });
}

function describeGroups(makeDouble: MakeDouble): void {
  it('takes the disks of one machine together where the cloud can, and says how far apart', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver } = world.cloud;
    const volumes = ['data', 'log'].map((volume) => ({
      volume,
      diskId: world.addDisk({ attachedTo: ['machine-1'] }),
    }));
    const result = await snapshotDisks(world.repository, driver, { plan: 'shop', volumes });
    assert.equal(result.grouped, driver.capabilities.groupsByMachine);
    assert.ok(result.spreadMs >= 0);
    assert.deepEqual(
      result.documents.map(({ volume, snapshot }) => [volume, snapshot?.diskId]),
      volumes.map(({ volume, diskId }) => [volume, diskId]),
    );
    assert.equal(world.snapshots().length, 2);
    assert.deepEqual(world.cloud.violations(), []);
  });

  it('leaves nothing of a group of which one fails', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const volumes = ['data', 'log'].map((volume) => ({ volume, diskId: world.addDisk() }));
    world.cloud.strike({ call: 'createSnapshot', kind: 'fails-later' });
    const taking = snapshotDisks(world.repository, world.cloud.driver, { plan: 'shop', volumes });
    await assert.rejects(taking, hasCode('failed'));
    await world.sweepNow();
    assert.deepEqual(await world.orphans(), []);
  });
}

function describePolicies(makeDouble: MakeDouble, permissions: DiskPermissions): void {
  it('wants no permission that the policies of its role do not give', async (t) => {
    const world = await DiskWorld.make(t, makeDouble);
    const { driver, region, otherAccount } = world.cloud;
    const roles: DiskRole[] = [];
    const check = (role: DiskRole): void => {
      roles.push(role);
      const allowed = new Set(roles.flatMap((given) => permissionsOfRole(given, permissions)));
      const wanted = world.cloud.usedPermissions().filter((permission) => !allowed.has(permission));
      assert.deepEqual(wanted, [], role);
    };
    const diskId = world.addDisk();
    await gatherPreflightFacts(world.repository, driver, { diskId, targetRegion: region });
    const shareWith = driver.capabilities.sharesByAccount === false ? [] : [otherAccount];
    const taken = await world.snapshot(diskId, { shareWith });
    world.cloud.strike({ call: 'createSnapshot', kind: 'fails-later' });
    await assert.rejects(world.snapshot(diskId, { pass: 'in vain' }));
    check('snapshot');
    await world.restore(taken.id);
    world.cloud.strike({ call: 'createDisk', kind: 'fails-later' });
    await assert.rejects(world.restore(taken.id, { name: 'in vain' }));
    check('restore');
    await world.sweepLater();
    await deleteDisk(world.repository, driver, taken.id);
    check('sweep');
    assert.deepEqual(world.cloud.violations(), []);
  });
}

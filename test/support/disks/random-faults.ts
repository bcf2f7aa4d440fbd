import assert from 'node:assert/strict';
import { it } from 'node:test';
import { TranshipError } from '../../../src/base/errors.ts';
import { snapshotDisks } from '../../../src/snapshot/snapshot-disks.ts';
import { createRandom, forEachSeed, scaled } from '../seed.ts';
import type { Random } from '../seed.ts';
import type { CloudCall, CloudFault, CloudFaultKind } from './cloud-double.ts';
import { DiskWorld } from './disk-world.ts';
import type { MakeDouble } from './disk-world.ts';

const faultsOf: Readonly<Record<CloudCall, readonly [CloudFaultKind, ...CloudFaultKind[]]>> = {
  createSnapshot: [
    'lost-answer',
    'cut-answer',
    'unavailable',
    'throttled',
    'denied',
    'quota',
    'fails-later',
    'vanishes-later',
    'stays-pending',
  ],
  createDisk: [
    'lost-answer',
    'cut-answer',
    'unavailable',
    'throttled',
    'denied',
    'quota',
    'fails-later',
    'vanishes-later',
    'stays-pending',
  ],
  describeSnapshot: ['unavailable', 'throttled', 'denied'],
  describeDisk: ['unavailable', 'throttled', 'denied'],
  deleteSnapshot: ['lost-answer', 'cut-answer', 'unavailable', 'throttled', 'denied'],
  deleteDisk: ['lost-answer', 'cut-answer', 'unavailable', 'throttled', 'denied'],
  listSnapshots: ['unavailable', 'throttled', 'denied', 'listing-lags'],
  listDisks: ['unavailable', 'throttled', 'denied', 'listing-lags'],
  shareSnapshot: ['lost-answer', 'cut-answer', 'unavailable', 'throttled', 'denied'],
};

const calls: readonly CloudCall[] = [
  'createSnapshot',
  'createDisk',
  'describeSnapshot',
  'describeDisk',
  'deleteSnapshot',
  'deleteDisk',
  'listSnapshots',
  'listDisks',
  'shareSnapshot',
];

/**
 * Random schedules of faults: each ends with the disk there or a typed error, and after a sweep nothing is left over.
 */
export function describeRandomFaults(
  makeDouble: MakeDouble,
  { small, full }: { readonly small: number; readonly full: number } = { small: 20, full: 500 },
): void {
  it('ends with the disk there or a typed error, and without orphans, whatever fails', async (t) => {
    const outcomes = new Map<string, number>();
    await forEachSeed(t, scaled(small, full), async (seed) => {
      const cloud = await makeDouble(t);
      try {
        const outcome = await runSchedule(await DiskWorld.around(cloud), createRandom(seed));
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        assert.deepEqual(cloud.violations(), []);
      } finally {
        await cloud.stop();
      }
    });
    t.diagnostic([...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', '));
  });
}

/** `there`, or the code of the error. */
async function runSchedule(world: DiskWorld, random: Random): Promise<string> {
  const { cloud, repository } = world;
  const machine = random.chance(0.3) ? ['machine-1'] : [];
  const volumes = ['data', 'log'].slice(0, random.between(1, 2)).map((volume) => ({
    volume,
    diskId: world.addDisk({ attachedTo: machine }),
  }));
  for (let count = random.between(0, 5); count > 0; count--) cloud.strike(randomFault(random));
  const cancel = new AbortController();
  let eventsUntilCancel = random.chance(0.2) ? random.between(1, 12) : Number.POSITIVE_INFINITY;
  const onEvent = (): void => {
    eventsUntilCancel -= 1;
    if (eventsUntilCancel === 0) cancel.abort();
  };
  const common = {
    onEvent,
    signal: cancel.signal,
    keepUnfinished: random.chance(0.2),
    deadlineMs: random.pick([10, 60]) * 60_000,
  };
  const attempt = async (): Promise<string[]> => {
    const shareWith = random.chance(0.3) ? [cloud.otherAccount] : [];
    const { documents } = await snapshotDisks(repository, cloud.driver, {
      ...common,
      plan: 'shop',
      volumes,
      shareWith,
    });
    const ids: string[] = [];
    for (const { id } of documents) {
      const { disk } = await world.restore(id, common);
      assert.ok(disk);
      ids.push(disk.id);
    }
    return ids;
  };
  let outcome = 'there';
  let there: string[] = [];
  try {
    there = await attempt();
  } catch (error) {
    if (!(error instanceof TranshipError)) throw error;
    outcome = error.code;
  }
  await world.sweepLater();
  // Once more, after the lag of a listing: what was unfinished on purpose has a week.
  world.clock.pass(8 * 24 * 60 * 60_000);
  await world.sweepLater();
  assert.deepEqual(await world.orphans(), []);
  for (const id of there) assert.ok(await cloud.driver.describeDisk(id, {}), `${id} is gone`);
  return outcome;
}

function randomFault(random: Random): CloudFault {
  const call = calls[random.below(calls.length)] ?? 'createDisk';
  const times = random.chance(0.2) ? random.between(2, 40) : random.between(1, 2);
  return { call, kind: random.pick(faultsOf[call]), times };
}

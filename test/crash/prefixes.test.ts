import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { restore } from '../../src/copy/restore.ts';
import { stage } from '../../src/copy/stage.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { checkRepository } from '../../src/repository/check.ts';
import { acquireLock } from '../../src/repository/locks.ts';
import { Repository } from '../../src/repository/repository.ts';
import { crashStates } from '../support/crash-states.ts';
import type { CrashState } from '../support/crash-states.ts';
import { hastyClock } from '../support/hasty-clock.ts';
import { orderBreaches } from '../support/order-checker.ts';
import { recordPasses } from '../support/pass-process.ts';
import type { Recording } from '../support/pass-process.ts';
import { peerSuite } from '../support/peers.ts';
import { PEER_PASSWORD, Restic } from '../support/restic.ts';
import { createRandom, forEachSeed, isFullScale, scaled } from '../support/seed.ts';
import type { Random } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { compareTrees } from '../support/tree-compare.ts';

const SEEDS = scaled(3, 20);
/** States of a seed after which a pass is run; each state is checked in any case. */
const CONTINUED = scaled(4, 1000);
/** Seeds, and states of each, that restic checks. */
const SEEDS_FOR_RESTIC = scaled(1, 20);
const CHECKED_BY_RESTIC = scaled(2, 3);

async function openState(objects: ReadonlyMap<string, Uint8Array>): Promise<Repository> {
  const store = new ObjectStore(new MemoryDriver({ objects }));
  return Repository.open(store, { password: PEER_PASSWORD, clock: hastyClock() });
}

/** Every snapshot that can be seen is whole, and those are all there that had been stored. */
async function assertIntact(
  repository: Repository,
  snapshots: readonly string[],
  label: string,
): Promise<void> {
  const report = await checkRepository(repository, { readData: 'all' });
  assert.deepEqual(report.errors, [], label);
  assert.deepEqual(report.affectedSnapshots, [], label);
  const there = await repository.listIds('snapshots');
  for (const id of snapshots) assert.ok(there.includes(id), `${label}: snapshot ${id} is gone`);
}

/** The next pass of another process: no lock is in its way, none stays, and all it stored comes back. */
async function assertContinues(repository: Repository, recording: Recording, label: string): Promise<string> {
  const paths = [recording.source];
  const { snapshotId, isPartial } = await stage(repository, { paths, storeAs: '/v', workers: 1 });
  assert.ok(snapshotId !== undefined && !isPartial, label);
  assert.deepEqual(await repository.listIds('locks'), [], `${label}: locks of dead processes stayed`);
  return snapshotId;
}

async function assertRestores(
  repository: Repository,
  snapshotId: string,
  original: string,
  label: string,
): Promise<void> {
  const target = join(dirname(original), 'restored');
  const { isPartial } = await restore(repository, { snapshot: `${snapshotId}:/v`, target, workers: 1 });
  assert.equal(isPartial, false, label);
  assert.deepEqual(compareTrees(original, target), [], label);
  removeTree(target);
}

/** Indices of at most `count` of the states, spread evenly from a random first one. */
function sample(random: Random, states: readonly CrashState[], count: number): ReadonlySet<number> {
  const step = Math.max(1, states.length / count);
  const first = random.below(Math.ceil(step));
  return new Set(Array.from({ length: count }, (_, i) => Math.floor(first + i * step)));
}

async function record(folder: string, seed: number): Promise<{ recording: Recording; states: CrashState[] }> {
  mkdirSync(folder);
  const recording = await recordPasses({ folder, seed, passes: scaled(3, 4) });
  const { masterKey } = await openState(recording.initial);
  assert.deepEqual(orderBreaches(recording.entries, { masterKey, initial: recording.initial }), []);
  const states = [...crashStates(recording.entries, recording.initial, createRandom(seed))];
  return { recording, states };
}

function diagnose(t: TestContext, states: readonly CrashState[], seed: number): void {
  const subsets = states.filter(({ lost }) => lost.length > 0).length;
  t.diagnostic(`seed ${seed}: ${states.length} crash states, ${subsets} of them with operations in flight`);
}

it('a crash after any store operation loses no snapshot and hinders no later pass', async (t) => {
  const folder = temporaryFolder(t);
  await forEachSeed(t, SEEDS, async (seed) => {
    const random = createRandom(seed + 1);
    const { recording, states } = await record(join(folder, String(seed)), seed);
    diagnose(t, states, seed);
    const continued = sample(random, states, CONTINUED);
    for (const [index, { label, objects, snapshots }] of states.entries()) {
      const repository = await openState(objects);
      await assertIntact(repository, snapshots, label);
      if (!isFullScale() && !continued.has(index)) continue;
      // A lock of a dead process must not be in the way of exclusive work either.
      if (random.chance(0.5)) await (await acquireLock(repository, { exclusive: true })).release();
      const newest = await assertContinues(repository, recording, label);
      await assertIntact(repository, [...snapshots, newest], `${label}, then a pass`);
      if (!random.chance(scaled(0.5, 0.2))) continue;
      await assertRestores(repository, newest, recording.source, label);
      for (const id of snapshots)
        await assertRestores(repository, id, join(dirname(recording.source), id), label);
    }
    removeTree(join(folder, String(seed)));
  });
});

/** Lays the state out as the local driver does; what was being written stands there as a torn temporary file. */
function materialise(folder: string, state: CrashState, torn: CrashState['lost'], random: Random): void {
  for (const [key, bytes] of state.objects) write(join(folder, key), bytes);
  for (const { kind, key, bytes } of torn) {
    if (kind !== 'put' || bytes === undefined) continue;
    const part = Buffer.from(bytes.subarray(0, random.pick([0, bytes.length >> 1, bytes.length])));
    if (part.length > 0 && random.chance(0.5)) part[random.below(part.length)] = random.below(256);
    write(join(folder, `${key}-tmp-${random.bytes(8).toString('hex')}`), part);
  }
}

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, bytes, { mode: 0o600 });
}

/** The changes that would have come next: those may have been half written. */
function nextChanges({ entries }: Recording, state: CrashState): CrashState['lost'] {
  if (state.lost.length > 0) return state.lost;
  const next = entries.find(({ kind, key }) => kind === 'put' && !state.objects.has(key));
  return next === undefined ? [] : [next];
}

peerSuite(['restic-newest'], 'crash states in a folder', (paths) => {
  it('restic finds them sound, and a pass goes on, also beside a torn temporary file', async (t) => {
    const folder = temporaryFolder(t);
    await forEachSeed(t, SEEDS_FOR_RESTIC, async (seed) => {
      const random = createRandom(seed + 2);
      const { recording, states } = await record(join(folder, String(seed)), seed);
      for (const index of sample(random, states, CHECKED_BY_RESTIC)) {
        const state = states[index];
        if (state === undefined) continue;
        const location = join(folder, `${seed}-${index}`);
        materialise(location, state, nextChanges(recording, state), random);
        const restic = new Restic({ binary: paths['restic-newest'], repository: location });
        await restic.check(['--no-lock', '--read-data']);
        const store = await openStore(location);
        const repository = await Repository.open(store, { password: PEER_PASSWORD });
        const newest = await assertContinues(repository, recording, state.label);
        await assertIntact(repository, [...state.snapshots, newest], state.label);
        await restic.check(['--no-lock']);
        removeTree(location);
      }
      removeTree(join(folder, String(seed)));
    });
  });
});

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { restore } from '../../src/copy/restore.ts';
import type { Overwrite } from '../../src/copy/restore.ts';
import { stage } from '../../src/copy/stage.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { checkRepository } from '../../src/repository/check.ts';
import { Repository } from '../../src/repository/repository.ts';
import { hastyClock } from '../support/hasty-clock.ts';
import { runPass } from '../support/pass-process.ts';
import { peerSuite } from '../support/peers.ts';
import { makeRandomTree, mutateTree } from '../support/random-tree.ts';
import { PEER_PASSWORD, Restic } from '../support/restic.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import type { Random } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { weakScrypt } from '../support/weak-key.ts';

/** A round begins with an empty repository, so that what is checked stays small. */
const STAGE_ROUNDS = scaled(1, 12);
const KILLS_OF_A_ROUND = scaled(7, 10);
const RESTORE_ROUNDS = scaled(1, 10);
const RESTORES_OF_A_ROUND = scaled(3, 8);
/** Every so many kills, every byte is read. */
const READ_DATA_EVERY = scaled(4, 10);
const FRESH_FILES = 10;

interface Round {
  readonly random: Random;
  readonly location: string;
  readonly source: string;
  readonly restic: Restic;
  readonly repository: Repository;
  /** Snapshots that a process, or this one, has been told of. */
  readonly acknowledged: string[];
}

async function startRound(folder: string, seed: number, binary: string): Promise<Round> {
  removeTree(folder);
  mkdirSync(folder);
  const location = join(folder, 'repository');
  const store = await openStore(location);
  await Repository.init(store, { password: PEER_PASSWORD, scryptCost: weakScrypt });
  const repository = await Repository.open(store, { password: PEER_PASSWORD, clock: hastyClock() });
  const source = join(folder, 'source');
  makeRandomTree(source, seed, { entries: 200, largeFiles: 2, sockets: false });
  const restic = new Restic({ binary, repository: location });
  return { random: createRandom(seed), location, source, restic, repository, acknowledged: [] };
}

/** Some random changes, and new files that fill a few packs. */
function change({ random, source }: Round, kill: number): void {
  for (let file = 0; file < FRESH_FILES; file++) {
    const old = join(source, `fresh-${kill - 1}-${file}`);
    if (random.chance(0.7)) rmSync(old, { force: true });
    writeFileSync(join(source, `fresh-${kill}-${file}`), random.bytes(random.between(1, 4_000_000)));
  }
  mutateTree(source, random.next());
}

async function count(repository: Repository): Promise<Record<'data' | 'index' | 'snapshots', number>> {
  const [data, index, snapshots] = await Promise.all([
    repository.listIds('data'),
    repository.listIds('index'),
    repository.listIds('snapshots'),
  ]);
  return { data: data.length, index: index.length, snapshots: snapshots.length };
}

/** More than half fall into the second half of a pass: the first goes into the lock and the start of the threads. */
function killTime(random: Random, durationMs: number): number {
  const share = random.below(1000) / 1000;
  return durationMs * (random.chance(0.35) ? share : 0.5 + share * 0.6);
}

/** How far the killed pass came, by what it left. */
function reached(
  before: Awaited<ReturnType<typeof count>>,
  after: Awaited<ReturnType<typeof count>>,
): string {
  if (after.snapshots > before.snapshots) return 'the snapshot';
  if (after.index > before.index) return 'an index';
  return after.data > before.data ? 'a pack' : 'nothing';
}

async function assertIntact(round: Round, readData: boolean): Promise<void> {
  const found = await checkRepository(round.repository, { readData: readData ? 'all' : 'none' });
  assert.deepEqual(found.errors, []);
  assert.deepEqual(found.affectedSnapshots, []);
  const there = await round.repository.listIds('snapshots');
  for (const id of round.acknowledged) assert.ok(there.includes(id), `acknowledged snapshot ${id} is gone`);
  await round.restic.check(['--no-lock', ...(readData ? ['--read-data'] : [])]);
}

/** An ordinary pass, which must need nothing but to be run, and whose snapshot must hold everything. */
async function assertRecovers(round: Round, target: string): Promise<void> {
  const { repository, source, acknowledged } = round;
  const { snapshotId, isPartial } = await stage(repository, { paths: [source], storeAs: '/v' });
  assert.ok(snapshotId !== undefined && !isPartial);
  acknowledged.push(snapshotId);
  assert.deepEqual(await repository.listIds('locks'), [], 'locks of killed processes stayed');
  await restore(repository, { snapshot: `${snapshotId}:/v`, target });
  assert.deepEqual(compareTrees(source, target), []);
  removeTree(target);
}

interface Tally {
  kills: number;
  tooLate: number;
  /** Kills by what the killed pass had come to write. */
  readonly reached: Map<string, number>;
}

function note(tally: Tally, wasKilled: boolean, wrote: string): void {
  tally.kills++;
  if (!wasKilled) tally.tooLate++;
  tally.reached.set(wrote, (tally.reached.get(wrote) ?? 0) + 1);
}

async function killStages(round: Round, folder: string, tally: Tally): Promise<void> {
  const { random, location, source, acknowledged } = round;
  const request = { kind: 'stage', repository: location, source, storeAs: '/v' } as const;
  // The time that a pass really takes, so that the kills spread over all of it.
  change(round, 0);
  const whole = await runPass(request);
  let { durationMs } = whole;
  if (whole.snapshotId !== undefined) acknowledged.push(whole.snapshotId);
  for (let kill = 1, hits = 0; hits < KILLS_OF_A_ROUND; kill++) {
    assertHits(kill, hits);
    change(round, kill);
    const before = await count(round.repository);
    const end = await runPass(request, killTime(random, durationMs));
    if (end.snapshotId !== undefined) acknowledged.push(end.snapshotId);
    if (end.wasKilled) hits++;
    else durationMs = end.durationMs;
    note(tally, end.wasKilled, reached(before, await count(round.repository)));
    await assertIntact(round, tally.kills % READ_DATA_EVERY === 0);
    // Now and then the next pass is killed as well.
    if (hits === KILLS_OF_A_ROUND || random.chance(0.6)) await assertRecovers(round, join(folder, 'target'));
  }
  await assertIntact(round, true);
}

/** A kill after the end of a pass tells little and does not count; were most like that, the test would be hollow. */
function assertHits(kill: number, hits: number): void {
  assert.ok(kill - hits < 20, 'nearly every kill came after the end of the pass');
}

function report(t: TestContext, { kills, tooLate, reached: wrote }: Tally): void {
  const phases = [...wrote].map(([what, times]) => `${what} ${times}`).join(', ');
  t.diagnostic(`${kills - tooLate} kills, and ${tooLate} after the end; had written: ${phases}`);
}

peerSuite(['restic-newest'], 'passes that are killed', (paths) => {
  const binary = paths['restic-newest'];

  it('a killed stage loses no snapshot, leaves none half written and hinders no later pass', async (t) => {
    const folder = temporaryFolder(t);
    const tally: Tally = { kills: 0, tooLate: 0, reached: new Map() };
    await forEachSeed(t, STAGE_ROUNDS, async (seed) => {
      const round = await startRound(join(folder, 'round'), seed, binary);
      await killStages(round, folder, tally);
      await round.repository.store.close();
    });
    report(t, tally);
  });

  it('a killed restore is simply repeated', async (t) => {
    const folder = temporaryFolder(t);
    const tally: Tally = { kills: 0, tooLate: 0, reached: new Map() };
    await forEachSeed(t, RESTORE_ROUNDS, async (seed) => {
      const round = await startRound(join(folder, 'round'), seed, binary);
      await killRestores(round, join(folder, 'target'), tally);
      await assertIntact(round, true);
      await round.repository.store.close();
    });
    report(t, tally);
  });
});

async function killRestores(round: Round, target: string, tally: Tally): Promise<void> {
  const { random, repository, location, source } = round;
  const paths = [source];
  change(round, 0);
  const first = await stage(repository, { paths, storeAs: '/v' });
  change(round, 1);
  const second = await stage(repository, { paths, storeAs: '/v' });
  const snapshot = `${second.snapshotId ?? ''}:/v`;
  const request = { kind: 'restore', repository: location, snapshot, target } as const;
  let { durationMs } = await runPass({ ...request, overwrite: 'always' });
  removeTree(target);
  for (let kill = 1, hits = 0; hits < RESTORES_OF_A_ROUND; kill++) {
    assertHits(kill, hits);
    // Into nothing, or over the tree as it was: then files are changed in place, and some are removed.
    const over = random.chance(0.5);
    if (over) await restore(repository, { snapshot: `${first.snapshotId ?? ''}:/v`, target });
    // Over an older tree, only the bytes tell of a change that kept size and time.
    const overwrite: Overwrite = over ? 'always' : random.pick(['always', 'if-changed']);
    const end = await runPass({ ...request, overwrite }, killTime(random, durationMs));
    if (end.wasKilled) hits++;
    else durationMs = end.durationMs;
    note(tally, end.wasKilled, over ? 'an older tree' : existsSync(target) ? 'the target' : 'nothing');
    const { isPartial, warnings } = await restore(repository, { snapshot, target, overwrite, delete: true });
    assert.deepEqual({ isPartial, warnings }, { isPartial: false, warnings: 0 });
    assert.deepEqual(compareTrees(source, target), [], `after a kill of ${overwrite}, over=${over}`);
    assert.deepEqual(await repository.listIds('locks'), [], 'locks of killed processes stayed');
    removeTree(target);
  }
}

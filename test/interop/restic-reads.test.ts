import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import type { StageOptions } from '../../src/copy/stage.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { peerSuite } from '../support/peers.ts';
import { initQuickly, openQuickly } from '../support/quick-repository.ts';
import { PEER_PASSWORD, Restic } from '../support/restic.ts';
import { forEachSeed, scaled } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { weakenKeys } from '../support/weak-key.ts';
import { makeForest, mutateForest } from './forest.ts';
import { assertRestores, assertSameTree, checkWell, stageWell } from './own-pass.ts';
import { lostAspects } from './peer-limits.ts';
import { expectedChanges, expectedListing, listingBelow, reportedChanges, statesOf } from './tree-changes.ts';
import type { TreeStates } from './tree-changes.ts';

const compressions = ['auto', 'off', 'max'] as const;
const versions = ['restic-oldest', 'restic-newest'] as const;
type Version = (typeof versions)[number];

interface Scene {
  readonly folder: string;
  readonly source: string;
  /** Where the source stands in a snapshot. */
  readonly prefix: string;
  readonly trees: number;
  readonly repository: Repository;
  readonly restics: Readonly<Record<Version, Restic>>;
  readonly options: StageOptions;
}

/** The seed chooses the kind of repository and of passes, so that consecutive seeds see all of them. */
async function openScene(
  folder: string,
  seed: number,
  trees: number,
  binaries: Readonly<Record<Version, string>>,
): Promise<Scene> {
  const location = join(folder, 'repository');
  const source = join(folder, 'source');
  const restic = (version: Version): Restic =>
    new Restic({ binary: binaries[version], repository: location });
  const restics = { 'restic-oldest': restic('restic-oldest'), 'restic-newest': restic('restic-newest') };
  const isRenamed = seed % 2 === 0;
  return {
    folder,
    source,
    prefix: isRenamed ? '/data/volume' : source,
    trees,
    repository: await createRepository(location, seed, restics['restic-oldest']),
    restics,
    options: {
      paths: [source],
      storeAs: isRenamed ? '/data/volume' : undefined,
      tags: ['volume=test'],
      compression: compressions[seed % 3],
    },
  };
}

async function createRepository(location: string, seed: number, restic: Restic): Promise<Repository> {
  if (seed % 5 !== 0) return initQuickly(location, { chunker: seed % 4 < 2 ? 'fastcdc' : 'rabin' });
  await restic.init(1);
  await weakenKeys(location, PEER_PASSWORD);
  return openQuickly(location);
}

/** What a snapshot held when it was made. */
interface Moment {
  readonly snapshotId: string;
  readonly states: TreeStates;
}

async function stageNow({ repository, options, source }: Scene): Promise<Moment> {
  const { snapshotId } = await stageWell(repository, options);
  return { snapshotId, states: statesOf(source) };
}

async function assertResticRestores(scene: Scene, version: Version, snapshotId: string): Promise<void> {
  const target = join(scene.folder, 'target');
  mkdirSync(target);
  await scene.restics[version].restore(snapshotId, target);
  const ignore = lostAspects(scene.source, [version]);
  assertSameTree(scene.source, join(target, scene.prefix), `${version} restored ${snapshotId}`, { ignore });
  removeTree(target);
}

async function assertResticLists(scene: Scene, version: Version, moment: Moment): Promise<void> {
  const listing = await scene.restics[version].ls(moment.snapshotId);
  assert.deepEqual(
    listingBelow(scene.prefix, listing),
    expectedListing(moment.states, scene.prefix),
    `${version} ls`,
  );
}

async function assertResticDiffers(
  scene: Scene,
  version: Version,
  before: Moment,
  after: Moment,
): Promise<void> {
  const args = ['diff', '--json', '--metadata', before.snapshotId, after.snapshotId];
  const { stdout } = await scene.restics[version].run(args);
  assert.deepEqual(
    reportedChanges(scene.prefix, stdout),
    expectedChanges(before.states, after.states, scene.prefix),
    `${version} diff`,
  );
}

/** Three moments of a forest; restic reads all of them, forgets the first, and prunes; we go on after it. */
async function playScene(scene: Scene, seed: number): Promise<void> {
  const { repository, restics, source, trees, folder } = scene;
  const [one, other] = seed % 2 === 0 ? versions : versions.toReversed();
  assert.ok(one !== undefined && other !== undefined);
  makeForest(source, seed, trees);
  const first = await stageNow(scene);
  await assertResticRestores(scene, one, first.snapshotId);
  mutateForest(source, seed, trees);
  const second = await stageNow(scene);
  for (const version of versions) {
    await restics[version].check();
    await assertResticLists(scene, version, second);
    await assertResticDiffers(scene, version, first, second);
    await assertResticRestores(scene, version, second.snapshotId);
  }
  await restics[one].run(['forget', first.snapshotId, '--prune', '--max-unused', '0']);
  const target = join(folder, 'target');
  const below = `${second.snapshotId}:${scene.prefix}`;
  await assertRestores(repository, below, source, target);
  await checkWell(repository);
  mutateForest(source, seed + 1, trees);
  const third = await stageNow(scene);
  await assertRestores(repository, `${third.snapshotId}:${scene.prefix}`, source, target);
  await restics[other].check();
  await assertResticRestores(scene, other, third.snapshotId);
}

peerSuite(versions, 'restic on what tranship wrote', (binaries) => {
  const treesPerRepository = scaled(2, 8);

  it('checks, restores, lists, compares and prunes repositories of random trees', async (t: TestContext) => {
    await forEachSeed(t, scaled(3, 26), async (seed) => {
      const folder = temporaryFolder(t);
      const scene = await openScene(folder, seed, treesPerRepository, binaries);
      await playScene(scene, seed);
      await scene.repository.store.close();
      removeTree(folder);
    });
  });
});

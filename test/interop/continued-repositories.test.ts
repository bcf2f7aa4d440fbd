import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import type { StageOptions } from '../../src/copy/stage.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { peerSuite } from '../support/peers.ts';
import { initQuickly, openQuickly } from '../support/quick-repository.ts';
import { PEER_PASSWORD } from '../support/restic.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { weakenKeys } from '../support/weak-key.ts';
import { makeForest, mutateForest } from './forest.ts';
import { assertRestores, assertSameTree, checkWell, stageWell } from './own-pass.ts';
import { lostAspects } from './peer-limits.ts';
import type { Program } from './peer-limits.ts';
import { openPeer } from './peer-program.ts';
import type { PeerPass, PeerProgram, PeerProgramName } from './peer-program.ts';

const mib = 2 ** 20;
const treesPerRepository = scaled(1, 3);
/** Chunks are 1.5 MiB on average and at most 8; the whole file again would be 16 MiB. */
const bigFileBytes = 16 * mib;
/**
 * A change touches the chunk that it is in and one more now and then; so large ones next to each other are very rare.
 */
const changeLimitBytes = 10 * mib;

interface Scene {
  readonly folder: string;
  readonly source: string;
  readonly repository: Repository;
  readonly peer: PeerProgram;
  /** Reads every file again, by either program: what is then not added was found by its contents alone. */
  readonly force: boolean;
}

function stageSource({ repository, source, force }: Scene, options: Partial<StageOptions> = {}) {
  return stageWell(repository, { paths: [source], force, ...options });
}

function backup({ peer, source, force }: Scene): Promise<PeerPass> {
  return peer.backup(source, { force });
}

/** Both restore the snapshot that `writer` made of the source as it is now. */
async function assertBothRestore(scene: Scene, snapshotId: string, writer: Program): Promise<void> {
  const { repository, source, folder, peer } = scene;
  const target = join(folder, 'target');
  await assertRestores(repository, `${snapshotId}:${source}`, source, target, {
    ignore: lostAspects(source, ['tranship', writer]),
  });
  const restored = await peer.restore(snapshotId, source, target);
  const ignore = lostAspects(source, [peer.name, writer]);
  assertSameTree(source, restored, `${peer.name} restored what ${writer} wrote`, { ignore });
  removeTree(target);
}

async function assertBothCheck({ repository, peer }: Scene): Promise<void> {
  await checkWell(repository);
  await peer.check();
}

/** A few bytes more in the middle: everything behind moves. */
function insertIntoBigFile(path: string, seed: number): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length / 2);
  writeFileSync(path, bytes.subarray(0, at));
  appendFileSync(path, createRandom(seed).bytes(1000));
  appendFileSync(path, bytes.subarray(at));
}

/** The source is stored already. Whoever comes second adds no data; a small change of a big file adds little. */
async function takeTurns(scene: Scene, seed: number): Promise<void> {
  const { source } = scene;
  const bigFile = join(source, 'big');
  assert.equal((await stageSource(scene)).counts.dataBlobs, 0, 'stage added data that the peer had stored');
  assert.equal((await backup(scene)).dataBlobs, 0, 'the peer added data that it had stored itself');

  insertIntoBigFile(bigFile, seed + 1);
  const { counts } = await stageSource(scene);
  assert.ok(counts.dataAdded < changeLimitBytes, `stage added ${counts.dataAdded} bytes for 1000`);
  assert.equal((await backup(scene)).dataBlobs, 0, 'the peer added data that stage had stored');

  insertIntoBigFile(bigFile, seed + 2);
  const added = await backup(scene);
  assert.ok(added.addedBytes < changeLimitBytes, `the peer added ${added.addedBytes} bytes for 1000`);
  assert.equal((await stageSource(scene)).counts.dataBlobs, 0, 'stage added data that the peer had stored');

  mutateForest(source, seed, treesPerRepository);
  await stageSource(scene);
  const last = await backup(scene);
  assert.equal(last.dataBlobs, 0, 'the peer added data that stage had stored');
  await assertBothRestore(scene, last.snapshotId, scene.peer.name);
  await assertBothCheck(scene);
}

function makeSource(source: string, seed: number): void {
  makeForest(source, seed, treesPerRepository);
  writeFileSync(join(source, 'big'), createRandom(seed).bytes(bigFileBytes));
}

async function continuePeer(
  t: TestContext,
  name: PeerProgramName,
  binary: string,
  seed: number,
): Promise<void> {
  const folder = temporaryFolder(t);
  const source = join(folder, 'source');
  const location = join(folder, 'repository');
  const peer = openPeer(name, binary, location);
  await peer.init();
  await weakenKeys(location, PEER_PASSWORD);
  makeSource(source, seed);
  const { snapshotId } = await peer.backup(source);
  const repository = await openQuickly(location);
  const scene = { folder, source, repository, peer, force: seed % 2 === 0 };
  await assertBothRestore(scene, snapshotId, name);
  await checkWell(repository);
  await takeTurns(scene, seed);
  await repository.store.close();
  removeTree(folder);
}

async function letPeerContinue(
  t: TestContext,
  name: PeerProgramName,
  binary: string,
  seed: number,
): Promise<void> {
  const folder = temporaryFolder(t);
  const source = join(folder, 'source');
  const location = join(folder, 'repository');
  const repository = await initQuickly(location, { chunker: 'rabin' });
  const peer = openPeer(name, binary, location);
  makeSource(source, seed);
  const scene = { folder, source, repository, peer, force: seed % 2 === 0 };
  const { snapshotId } = await stageSource(scene);
  await assertBothRestore(scene, snapshotId, 'tranship');
  await takeTurns(scene, seed);
  await repository.store.close();
  removeTree(folder);
}

for (const name of ['restic-oldest', 'restic-newest', 'rustic'] as const) {
  peerSuite([name], `tranship and ${name} on one repository`, (binaries) => {
    it('continues a repository of the peer, and no pass stores again what the other stored', async (t) => {
      await forEachSeed(t, scaled(1, 4), (seed) => continuePeer(t, name, binaries[name], seed));
    });

    it('lets the peer continue a repository of ours under `rabin`', async (t) => {
      await forEachSeed(t, scaled(1, 3), (seed) => letPeerContinue(t, name, binaries[name], seed));
    });
  });
}

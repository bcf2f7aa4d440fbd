/** Whole passes through a bucket, with restic at the same bucket. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeForest, mutateForest } from '../interop/forest.ts';
import { assertCancelsHinderNothing, assertKillsHinderNothing } from '../interop/interrupted-passes.ts';
import { assertRestores, assertSameTree, checkWell, stageWell } from '../interop/own-pass.ts';
import { lostAspects } from '../interop/peer-limits.ts';
import { initInGcs, openInGcs } from '../support/gcs/bucket-repository.ts';
import { newGcsBucket } from '../support/gcs/gcs-bucket.ts';
import type { GcsBucket } from '../support/gcs/gcs-bucket.ts';
import { gcsSuite } from '../support/gcs/gcs-suite.ts';
import { peer } from '../support/peers.ts';
import { Restic } from '../support/restic.ts';
import { forEachSeed, scaled } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';

const treesInForest = scaled(3, 8);
const kills = scaled(3, 15);
const prefix = 'clusters/east';

/** Absent where restic is not installed; where peers are required, the suites of its own have failed by then. */
function resticAt(bucket: GcsBucket, within = prefix): Restic | undefined {
  const binary = peer('restic-newest');
  if (binary === undefined) return undefined;
  return new Restic({ binary, repository: bucket.resticLocation(within), env: bucket.env });
}

gcsSuite('passes over GCS', (server) => {
  it('stage, restore and check agree with restic on random trees', async (t) => {
    await forEachSeed(t, scaled(1, 6), async (seed) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      const target = join(folder, 'target');
      const bucket = await newGcsBucket(server());
      const restic = resticAt(bucket);
      const chunker = seed % 2 === 0 ? 'fastcdc' : 'rabin';
      const repository = await initInGcs(bucket, { prefix, chunker });
      makeForest(source, seed, treesInForest);
      for (let pass = 0; pass < 2; pass++) {
        const { snapshotId } = await stageWell(repository, { paths: [source], storeAs: '/data/volume' });
        await assertRestores(repository, `${snapshotId}:/data/volume`, source, target);
        if (restic !== undefined) {
          mkdirSync(target);
          await restic.restore(snapshotId, target);
          const ignore = lostAspects(source, ['restic-newest']);
          assertSameTree(source, join(target, 'data/volume'), 'restic restored', { ignore });
          removeTree(target);
        }
        mutateForest(source, seed, treesInForest);
      }
      await checkWell(repository);
      await restic?.check();
      await repository.store.close();
      removeTree(folder);
    });
  });

  it('restic continues on the same bucket, and we continue what restic began', async (t) => {
    const folder = temporaryFolder(t);
    const source = join(folder, 'source');
    const bucket = await newGcsBucket(server());
    const restic = resticAt(bucket);
    if (restic === undefined) return;
    await restic.init();
    makeForest(source, 7, treesInForest);
    await restic.backup([source]);
    const [first] = await restic.snapshots();
    const repository = await openInGcs(bucket, { prefix });
    const { counts } = await stageWell(repository, { paths: [source], parent: first?.id });
    assert.equal(counts.dataBlobs, 0, 'what restic had stored was stored again');
    mutateForest(source, 8, treesInForest);
    await restic.backup([source]);
    await stageWell(repository, { paths: [source] });
    for (const { id } of (await restic.snapshots()).slice(-2)) {
      const ignore = lostAspects(source, ['restic-newest']);
      await assertRestores(repository, `${id}:${source}`, source, join(folder, 'target'), { ignore });
    }
    await checkWell(repository);
    await restic.check();
    await repository.store.close();
  });

  it('a cancelled stage leaves no lock, no snapshot and nothing that hinders the next', async (t) => {
    const repository = await initInGcs(await newGcsBucket(server()));
    await assertCancelsHinderNothing(t, repository);
    await repository.store.close();
  });

  it('a killed stage hinders no later pass', async (t) => {
    await forEachSeed(t, 1, async (seed) => {
      const bucket = await newGcsBucket(server());
      const repository = await initInGcs(bucket);
      await assertKillsHinderNothing(t, { repository, location: bucket.location() }, { seed, kills });
      await resticAt(bucket, '')?.check();
      await repository.store.close();
    });
  });
});

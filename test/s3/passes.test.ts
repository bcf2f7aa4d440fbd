/** Whole passes through buckets of servers that no one here wrote, with restic at the same bucket. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { verify } from '../../src/copy/verify.ts';
import { makeForest, mutateForest } from '../interop/forest.ts';
import { assertCancelsHinderNothing, assertKillsHinderNothing } from '../interop/interrupted-passes.ts';
import { assertRestores, assertSameTree, checkWell, stageWell } from '../interop/own-pass.ts';
import { lostAspects } from '../interop/peer-limits.ts';
import { peer } from '../support/peers.ts';
import { Restic } from '../support/restic.ts';
import { initInBucket, openInBucket } from '../support/s3/bucket-repository.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import type { S3Bucket } from '../support/s3/s3-bucket.ts';
import { s3Suite } from '../support/s3/s3-suite.ts';
import { forEachSeed, scaled } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';

const treesInForest = scaled(3, 8);
const kills = scaled(4, 15);
const prefix = 'clusters/east';

/** Absent where restic is not installed; where peers are required, the suites of its own have failed by then. */
function resticAt(bucket: S3Bucket, within = prefix): Restic | undefined {
  const binary = peer('restic-newest');
  if (binary === undefined) return undefined;
  return new Restic({ binary, repository: bucket.resticLocation(within), env: bucket.env });
}

s3Suite('passes over S3', (server) => {
  it('stage, restore, verify and check agree with restic on random trees', async (t) => {
    await forEachSeed(t, scaled(1, 6), async (seed) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      const target = join(folder, 'target');
      const bucket = await newBucket(server());
      const restic = resticAt(bucket);
      const chunker = seed % 2 === 0 ? 'fastcdc' : 'rabin';
      const repository = await initInBucket(bucket, { prefix, chunker });
      makeForest(source, seed, treesInForest);
      for (let pass = 0; pass < 2; pass++) {
        const { snapshotId } = await stageWell(repository, { paths: [source], storeAs: '/data/volume' });
        const snapshot = `${snapshotId}:/data/volume`;
        await assertRestores(repository, snapshot, source, target);
        const compared = await verify(repository, { snapshot, target: source });
        assert.ok(compared.isEqual);
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
      assert.deepEqual(await bucket.unfinishedUploads(), []);
      await repository.store.close();
      removeTree(folder);
    });
  });

  it('restic continues on the same bucket, and we continue what restic began', async (t) => {
    const folder = temporaryFolder(t);
    const source = join(folder, 'source');
    const bucket = await newBucket(server());
    const restic = resticAt(bucket);
    if (restic === undefined) return;
    await restic.init();
    makeForest(source, 7, treesInForest);
    await restic.backup([source]);
    const [first] = await restic.snapshots();
    const repository = await openInBucket(bucket, { prefix });
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

  it('a cancelled stage leaves no unfinished upload, no lock and nothing that hinders the next', async (t) => {
    const bucket = await newBucket(server());
    const repository = await initInBucket(bucket);
    await assertCancelsHinderNothing(t, repository, async () => {
      assert.deepEqual(await bucket.unfinishedUploads(), []);
    });
    await repository.store.close();
  });

  it('a killed stage leaves no unfinished upload and hinders no later pass', async (t) => {
    await forEachSeed(t, 1, async (seed) => {
      const bucket = await newBucket(server());
      const repository = await initInBucket(bucket);
      const shared = { repository, location: bucket.location(), settings: bucket.settings };
      const afterKill = async (): Promise<void> => {
        assert.deepEqual(await bucket.unfinishedUploads(), []);
      };
      await assertKillsHinderNothing(t, shared, { seed, kills, afterKill });
      await resticAt(bucket, '')?.check();
      await repository.store.close();
    });
  });
});

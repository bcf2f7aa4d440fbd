import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { listSnapshots } from '../../src/repository/snapshots.ts';
import { peerSuite } from '../support/peers.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { Restic } from '../support/restic.ts';
import { forEachSeed, scaled } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { makeForest } from './forest.ts';
import { assertRestores, checkWell, stageWell } from './own-pass.ts';

const treesPerRepository = scaled(6, 20);
const excluded = 'left-out-by-rewrite';

/**
 * Both commands read every tree, write it again, and refuse ("cannot encode tree ... without losing information")
 * when the bytes are not those that were there: they find every byte of a tree that is not as restic writes it.
 */
peerSuite(['restic-newest'], 'restic writes snapshots of tranship again', (binaries) => {
  it('rewrites and repairs them without a loss, and what it wrote is restored', async (t) => {
    await forEachSeed(t, scaled(1, 3), async (seed) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      const location = join(folder, 'repository');
      const repository = await initQuickly(location);
      const restic = new Restic({ binary: binaries['restic-newest'], repository: location });
      makeForest(source, seed, treesPerRepository);
      writeFileSync(join(source, excluded), 'x');
      const { snapshotId } = await stageWell(repository, { paths: [source], storeAs: '/data' });

      await restic.run(['repair', 'snapshots', '--forget']);
      const repaired = (await listSnapshots(repository)).snapshots.map(({ id }) => id);
      assert.deepEqual(repaired, [snapshotId], 'there was nothing to repair');

      await restic.run(['rewrite', '--exclude', excluded, '--forget']);
      const [rewritten, ...others] = (await listSnapshots(repository)).snapshots;
      assert.ok(rewritten !== undefined && others.length === 0);
      assert.equal(rewritten.original, snapshotId);
      await assertRestores(repository, `${rewritten.id}:/data`, source, join(folder, 'target'), {
        only: (path) => path.toString('latin1') !== excluded,
      });
      await restic.check();
      await checkWell(repository);
      await repository.store.close();
      removeTree(folder);
    });
  });
});

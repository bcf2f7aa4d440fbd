import { join } from 'node:path';
import { it } from 'node:test';
import { peerSuite } from '../support/peers.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { forEachSeed, scaled } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { makeForest, mutateForest } from './forest.ts';
import { assertSameTree, stageWell } from './own-pass.ts';
import { lostAspects } from './peer-limits.ts';
import { openPeer } from './peer-program.ts';

const treesPerRepository = scaled(4, 10);

peerSuite(['rustic'], 'rustic on what tranship wrote', (binaries) => {
  it('checks and restores repositories of random trees', async (t) => {
    await forEachSeed(t, scaled(2, 8), async (seed) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      const location = join(folder, 'repository');
      const repository = await initQuickly(location, { chunker: seed % 2 === 0 ? 'fastcdc' : 'rabin' });
      const rustic = openPeer('rustic', binaries.rustic, location);
      const compression = (['auto', 'off', 'max'] as const)[seed % 3];
      const assertRestored = async (): Promise<void> => {
        const { snapshotId } = await stageWell(repository, {
          paths: [source],
          storeAs: '/data/volume',
          compression,
        });
        const target = join(folder, 'target');
        const restored = await rustic.restore(snapshotId, '/data/volume', target);
        const ignore = lostAspects(source, ['rustic']);
        assertSameTree(source, restored, 'rustic restored what tranship wrote', { ignore });
        removeTree(target);
      };
      makeForest(source, seed, treesPerRepository);
      await assertRestored();
      mutateForest(source, seed, treesPerRepository);
      await assertRestored();
      await rustic.check();
      await repository.store.close();
      removeTree(folder);
    });
  });
});

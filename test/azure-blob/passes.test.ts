/** Whole passes through containers of Microsoft's own server. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { verify } from '../../src/copy/verify.ts';
import { makeForest, mutateForest } from '../interop/forest.ts';
import { assertCancelsHinderNothing, assertKillsHinderNothing } from '../interop/interrupted-passes.ts';
import { assertRestores, checkWell, stageWell } from '../interop/own-pass.ts';
import { newContainer } from '../support/azure-blob/azure-container.ts';
import { azureSuite } from '../support/azure-blob/azure-suite.ts';
import { initInContainer } from '../support/azure-blob/container-repository.ts';
import { forEachSeed, scaled } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';

const treesInForest = scaled(3, 8);
const kills = scaled(3, 15);

azureSuite('passes over Azure Blob Storage', (server) => {
  it('stage, restore, verify and check agree on random trees', async (t) => {
    await forEachSeed(t, scaled(1, 6), async (seed) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      const container = await newContainer(server());
      const repository = await initInContainer(container, { prefix: 'clusters/east' });
      makeForest(source, seed, treesInForest);
      for (let pass = 0; pass < 2; pass++) {
        const { snapshotId } = await stageWell(repository, { paths: [source], storeAs: '/data/volume' });
        const snapshot = `${snapshotId}:/data/volume`;
        await assertRestores(repository, snapshot, source, join(folder, 'target'));
        assert.ok((await verify(repository, { snapshot, target: source })).isEqual);
        mutateForest(source, seed, treesInForest);
      }
      await checkWell(repository);
      await repository.store.close();
      removeTree(folder);
    });
  });

  it('a cancelled stage leaves no lock and nothing that hinders the next', async (t) => {
    const repository = await initInContainer(await newContainer(server()));
    await assertCancelsHinderNothing(t, repository);
    await repository.store.close();
  });

  it('a killed stage leaves no blocks and hinders no later pass', async (t) => {
    await forEachSeed(t, 1, async (seed) => {
      const container = await newContainer(server());
      const repository = await initInContainer(container);
      const shared = { repository, location: container.location(), settings: container.settings };
      await assertKillsHinderNothing(t, shared, { seed, kills });
      for await (const { name } of container.client.listBlobsFlat({ includeUncommitedBlobs: true })) {
        assert.ok(await container.client.getBlobClient(name).exists(), `blocks of ${name} stayed behind`);
      }
      await repository.store.close();
    });
  });
});

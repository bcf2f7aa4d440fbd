/** Whole passes through containers of Microsoft's own server. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { CancelledError } from '../../src/base/errors.ts';
import { stage } from '../../src/copy/stage.ts';
import { verify } from '../../src/copy/verify.ts';
import { packSizeBytes } from '../../src/repository/pack-builder.ts';
import { makeForest, mutateForest } from '../interop/forest.ts';
import { assertRestores, checkWell, stageWell } from '../interop/own-pass.ts';
import { newContainer } from '../support/azure-blob/azure-container.ts';
import { azureSuite } from '../support/azure-blob/azure-suite.ts';
import { initInContainer } from '../support/azure-blob/container-repository.ts';
import { runPass } from '../support/pass-process.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';

const treesInForest = scaled(3, 8);
const kills = scaled(3, 15);

function fill(folder: string, seed: number, files: number): void {
  const random = createRandom(seed);
  mkdirSync(folder, { recursive: true });
  for (let file = 0; file < files; file++) {
    writeFileSync(join(folder, `file-${file}`), random.bytes(random.between(1, 3_000_000)));
  }
}

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
    const folder = temporaryFolder(t);
    const source = join(folder, 'source');
    fill(source, 11, 40);
    const repository = await initInContainer(await newContainer(server()));
    for (const files of [1, 10, 25]) {
      const controller = new AbortController();
      let seen = 0;
      const staging = stage(repository, {
        paths: [source],
        storeAs: '/v',
        packSizeBytes: packSizeBytes.minimum,
        signal: controller.signal,
        onEvent: (event) => {
          if (event.type === 'item' && ++seen === files) controller.abort();
        },
      });
      await assert.rejects(staging, CancelledError);
      assert.deepEqual(await repository.listIds('locks'), []);
      assert.deepEqual(await repository.listIds('snapshots'), []);
    }
    const { snapshotId } = await stageWell(repository, { paths: [source], storeAs: '/v' });
    await assertRestores(repository, `${snapshotId}:/v`, source, join(folder, 'target'));
    await checkWell(repository);
    await repository.store.close();
  });

  it('a killed stage leaves no blocks and hinders no later pass', async (t) => {
    const folder = temporaryFolder(t);
    const source = join(folder, 'source');
    const container = await newContainer(server());
    const repository = await initInContainer(container);
    const { settings } = container;
    const request = {
      kind: 'stage',
      repository: container.location(),
      settings,
      source,
      storeAs: '/v',
    } as const;
    const random = createRandom(13);
    fill(join(source, 'first'), 1, 10);
    let { durationMs } = await runPass(request);
    let hits = 0;
    for (let kill = 1; hits < kills; kill++) {
      assert.ok(kill - hits < 20, 'nearly every kill came after the end of the pass');
      fill(join(source, `fresh-${kill}`), kill, 10);
      const end = await runPass(request, durationMs * (0.3 + random.below(700) / 1000));
      if (end.wasKilled) hits += 1;
      else durationMs = end.durationMs;
    }
    await checkWell(repository);
    for await (const { name } of container.client.listBlobsFlat({ includeUncommitedBlobs: true })) {
      assert.ok(await container.client.getBlobClient(name).exists(), `blocks of ${name} stayed behind`);
    }
    const { snapshotId } = await stageWell(repository, { paths: [source], storeAs: '/v' });
    assert.deepEqual(await repository.listIds('locks'), [], 'locks of killed processes stayed');
    await assertRestores(repository, `${snapshotId}:/v`, source, join(folder, 'target'));
    await repository.store.close();
  });
});

/** Snapshots copied between repositories, by us and by restic, judged by the other one. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { copySnapshots } from '../../src/copy/copy-snapshots.ts';
import { listSnapshots } from '../../src/repository/snapshots.ts';
import { peerSuite } from '../support/peers.ts';
import { initQuickly, openQuickly } from '../support/quick-repository.ts';
import { PEER_PASSWORD, Restic } from '../support/restic.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { weakenKeys } from '../support/weak-key.ts';
import { makeForest } from './forest.ts';
import { lostAspects } from './peer-limits.ts';
import { assertRestores, assertSameTree, checkWell, stageWell } from './own-pass.ts';

const env = { RESTIC_FROM_PASSWORD: PEER_PASSWORD };

peerSuite(['restic-newest'], 'copies of snapshots', (paths) => {
  const binary = paths['restic-newest'];

  it('restic checks and restores what we copied, and finds nothing left to copy', async (t) => {
    await forEachSeed(t, scaled(1, 6), async (seed) => {
      const folder = temporaryFolder(t);
      const tree = join(folder, 'tree');
      makeForest(tree, seed, 1);
      const source = await initQuickly(join(folder, 'source'));
      await stageWell(source, { paths: [tree] });
      const location = join(folder, 'target');
      const target = await initQuickly(location, { chunker: 'rabin' });
      const { copied } = await copySnapshots(source, target, { workers: 2 });
      assert.equal(copied.length, 1);
      const restic = new Restic({ binary, repository: location, env });
      await restic.check();
      const out = join(folder, 'out');
      await restic.restore('latest', out);
      const ignore = lostAspects(tree, ['restic-newest']);
      assertSameTree(tree, join(out, tree), 'restic restored a copy of ours', { ignore });
      const before = [await target.listIds('data'), await target.listIds('snapshots')];
      await restic.run(['copy', '--from-repo', join(folder, 'source')]);
      assert.deepEqual([await target.listIds('data'), await target.listIds('snapshots')], before);
    });
  });

  it('we read what restic copied, and find nothing left to copy', async (t) => {
    const folder = temporaryFolder(t);
    const tree = join(folder, 'tree');
    makeForest(tree, 3, 1);
    const source = await initQuickly(join(folder, 'source'));
    await stageWell(source, { paths: [tree], storeAs: '/v' });
    const location = join(folder, 'target');
    const restic = new Restic({ binary, repository: location, env });
    await restic.init();
    await weakenKeys(location, PEER_PASSWORD);
    await restic.run(['copy', '--from-repo', join(folder, 'source')]);
    const target = await openQuickly(location);
    await checkWell(target);
    await assertRestores(target, 'latest:/v', tree, join(folder, 'out'));
    const { copied, skipped, counts } = await copySnapshots(source, target, { workers: 1 });
    assert.deepEqual([copied.length, skipped.length, counts.bytesAdded], [0, 1, 0]);
  });

  it('from version 1 to 2 blobs are compressed, and from 2 to 1 they are not', async (t) => {
    const folder = temporaryFolder(t);
    const tree = join(folder, 'tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'text'), 'all the same\n'.repeat(200_000));
    writeFileSync(join(tree, 'noise'), createRandom(5).bytes(1_000_000));
    const old = new Restic({ binary, repository: join(folder, 'old'), env });
    await old.init(1);
    await weakenKeys(join(folder, 'old'), PEER_PASSWORD);
    await old.backup([tree]);
    const first = await openQuickly(join(folder, 'old'));
    const second = await initQuickly(join(folder, 'new'));
    const up = await copySnapshots(first, second, { workers: 1 });
    assert.ok(up.counts.bytesAdded < up.counts.bytesFound / 2);
    await new Restic({ binary, repository: join(folder, 'new') }).check();
    const another = new Restic({ binary, repository: join(folder, 'back'), env });
    await another.init(1);
    await weakenKeys(join(folder, 'back'), PEER_PASSWORD);
    const third = await openQuickly(join(folder, 'back'));
    const down = await copySnapshots(second, third, { workers: 1 });
    assert.ok(down.counts.bytesAdded > 3_500_000);
    assert.equal(third.config.version, 1);
    await another.check();
    await another.restore('latest', join(folder, 'out'));
    assertSameTree(tree, join(folder, 'out', tree), 'restic restored from version 1', {
      ignore: ['allocation'],
    });
    const [snapshot] = (await listSnapshots(third)).snapshots;
    assert.equal(snapshot?.original, (await listSnapshots(first)).snapshots[0]?.id);
  });
});

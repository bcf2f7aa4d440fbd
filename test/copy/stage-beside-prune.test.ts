import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { RepositoryError } from '../../src/base/errors.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { encodeIndexFile } from '../../src/repository/format/index-file.ts';
import { visitIndexFiles } from '../../src/repository/loaded-index.ts';
import type { IndexFilePack } from '../../src/repository/format/index-file.ts';
import { makeRandomTree } from '../support/random-tree.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { restoreAll, stageAll, stateOf, watchWalk, workplace } from './copying.ts';

describe('packs that one index lists and another marks for deletion', () => {
  it('are not relied on: their blobs are stored again', async (t) => {
    const { folder, repository } = await workplace(t);
    const source = join(folder, 'source');
    makeRandomTree(source, 14);
    const first = await stageAll(repository, source);
    const packs: IndexFilePack[] = [];
    const listing = await repository.listIds('index');
    await visitIndexFiles(repository, listing, (_id, file) => {
      packs.push(...file.packs);
    });
    const packsToDelete = packs.map((pack) => ({ ...pack, time: '2026-01-01T00:00:00Z' }));
    await repository.saveDocument('index', encodeIndexFile({ packs: [], packsToDelete }));
    const second = await stageAll(repository, source, { force: true });
    assert.ok(first.counts.dataBlobs > 0);
    assert.equal(second.counts.dataBlobs, first.counts.dataBlobs);
    assert.equal(second.counts.treeBlobs, first.counts.treeBlobs);
    // The prune comes to its end.
    for (const id of listing) await repository.removeDocument('index', id);
    for (const { id } of packs) await repository.store.delete(keyOf('data', id));
    const target = join(folder, 'target');
    const restored = await restoreAll(repository, target);
    assert.deepEqual([...restored.errors.values()], []);
    assert.deepEqual(compareTrees(source, target), []);
  });
});

describe('a host that stages into the repository at the same time', () => {
  it('does not keep a pass from ending that relies on more blobs than a word has bits', async (t) => {
    const { folder, location, repository } = await workplace(t);
    const source = join(folder, 'source');
    mkdirSync(source);
    for (let i = 0; i < 100; i++) writeFileSync(join(source, `file ${i}`), `contents of file ${i}`);
    await stageAll(repository, source);
    const others = await repository.saveDocument('index', encodeIndexFile({ packs: [] }));
    const aside = join(folder, others);
    renameSync(join(location, 'index', others), aside);
    let isDone = false;
    const look = (): void => {
      if (isDone) return;
      isDone = true;
      renameSync(aside, join(location, 'index', others));
    };
    const second = await stageAll(repository, source, { exclusion: watchWalk({ look }) });
    assert.ok(isDone && second.snapshotId !== undefined);
    assert.equal(second.counts.filesUnmodified, 100);
  });
});

describe('a prune that works beside the pass without asking for a lock', () => {
  /** What the prune does, all at once: an index that marks everything as deleted is at hand. */
  const deeds: Readonly<Record<string, (location: string, markedIndex: string) => void>> = {
    'deletes the index and its packs': (location) => {
      for (const kind of ['index', 'data']) rmSync(join(location, kind), { recursive: true });
    },
    'marks the packs for deletion': (location, markedIndex) => {
      rmSync(join(location, 'index'), { recursive: true });
      mkdirSync(join(location, 'index'));
      renameSync(markedIndex, join(location, 'index', basename(markedIndex)));
    },
  };
  for (const [deed, act] of Object.entries(deeds)) {
    it(`and ${deed} makes the pass end without a snapshot`, async (t) => {
      const { folder, location, repository } = await workplace(t);
      const source = join(folder, 'source');
      makeRandomTree(source, 12);
      const first = await stageAll(repository, source);
      const packs: IndexFilePack[] = [];
      await visitIndexFiles(repository, await repository.listIds('index'), (_id, file) => {
        packs.push(...file.packs);
      });
      const marked = encodeIndexFile({ packs: [], packsToDelete: packs });
      const markedId = await repository.saveDocument('index', marked);
      const markedIndex = join(folder, markedId);
      renameSync(join(location, 'index', markedId), markedIndex);
      appendFileSync(join(source, 'new'), 'new');
      let isDone = false;
      const look = (): void => {
        if (!isDone) act(location, markedIndex);
        isDone = true;
      };
      await assert.rejects(stageAll(repository, source, { exclusion: watchWalk({ look }) }), (error) => {
        assert.ok(error instanceof RepositoryError, String(error));
        assert.equal(error.code, 'conflict');
        assert.equal(error.retryable, true);
        return true;
      });
      assert.deepEqual(await stateOf(repository), { snapshots: [first.snapshotId], locks: 0 });
      const again = await stageAll(repository, source);
      assert.equal(again.isPartial, false);
      const target = join(folder, 'target');
      await restoreAll(repository, target);
      assert.deepEqual(compareTrees(source, target), []);
    });
  }

  it('and only rewrites the index does not disturb the pass', async (t) => {
    const { folder, location, repository } = await workplace(t);
    const source = join(folder, 'source');
    makeRandomTree(source, 13);
    await stageAll(repository, source);
    const packs: IndexFilePack[] = [];
    await visitIndexFiles(repository, await repository.listIds('index'), (_id, file) => {
      packs.push(...file.packs);
    });
    const rewritten = await repository.saveDocument(
      'index',
      encodeIndexFile({ packs: packs.toReversed(), supersedes: [] }),
    );
    const aside = join(folder, rewritten);
    renameSync(join(location, 'index', rewritten), aside);
    let isDone = false;
    const look = (): void => {
      if (isDone) return;
      isDone = true;
      rmSync(join(location, 'index'), { recursive: true });
      mkdirSync(join(location, 'index'));
      renameSync(aside, join(location, 'index', rewritten));
    };
    const staged = await stageAll(repository, source, { exclusion: watchWalk({ look }) });
    assert.ok(isDone && staged.snapshotId !== undefined);
  });
});

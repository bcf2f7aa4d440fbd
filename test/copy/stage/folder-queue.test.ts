import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openReadingPool } from '../../../src/copy/pipeline/reading-pool.ts';
import { FolderQueue } from '../../../src/copy/stage/folder-queue.ts';
import { ReliedBlobs } from '../../../src/copy/stage/relied-blobs.ts';
import { encodeTree } from '../../../src/repository/format/tree.ts';
import { loadIndex } from '../../../src/repository/loaded-index.ts';
import { TreeLoader } from '../../../src/repository/tree-loader.ts';
import { node, putIndex, putPack, sha256, smallRepository } from '../../repository/small-repository.ts';
import { openFolder } from '../../support/open-folder.ts';

describe('a queue of folders', () => {
  it('leaves a vast tree of few names to the walk, and does not fetch it', async (t) => {
    const { repository, blobs } = await smallRepository();
    const content = Array.from({ length: 80_000 }, () => blobs.a1);
    const tree = encodeTree([node({ name: 'a', content, size: 80_000 })]);
    await putIndex(repository, [await putPack(repository, 'tree', [tree])]);
    const index = await loadIndex(repository);
    const pool = openReadingPool(repository, index, { workers: 1 });
    t.after(() => pool.close());
    const folder = openFolder(t);
    writeFileSync(join(folder.path, 'a'), 'contents');
    const get = t.mock.method(repository.store, 'get');
    const queue = new FolderQueue(pool, new TreeLoader(repository, index), new ReliedBlobs(index.blobs));
    const compared = await queue.compare({ fd: folder.fd, names: ['a'], subtree: sha256(tree) });
    assert.equal(compared, undefined);
    assert.equal(get.mock.callCount(), 0);
  });

  it('leaves small folders to the walk until a thread has come up, and takes large ones at once', async (t) => {
    const { repository } = await smallRepository();
    const index = await loadIndex(repository);
    const pool = openReadingPool(repository, index, { workers: 1 });
    t.after(() => pool.close());
    const queue = new FolderQueue(pool, new TreeLoader(repository, index), new ReliedBlobs(index.blobs));
    queue.start();
    assert.equal(queue.takes(10), false);
    assert.equal(queue.takes(20_000), true);
    await pool.run('compare-files', { files: [] });
    assert.equal(queue.takes(10), true);
  });
});

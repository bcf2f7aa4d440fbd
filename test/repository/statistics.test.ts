import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RepositoryError } from '../../src/base/errors.ts';
import { listSnapshots } from '../../src/repository/snapshots.ts';
import { computeStatistics } from '../../src/repository/statistics.ts';
import type { StatisticsMode } from '../../src/repository/statistics.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { HandMade, fileNode, folderNode } from '../copy/hand-made.ts';
import { smallRepository } from './small-repository.ts';

async function count(repository: Repository, mode: StatisticsMode) {
  const { snapshots } = await listSnapshots(repository);
  return computeStatistics(repository, snapshots, { mode });
}

const halves = [560, 27] as const;
const shared = 1250;

describe('statistics', () => {
  it('count what the modes say', async () => {
    const { repository } = await smallRepository();
    const files = halves[0] + halves[1] + 2 * shared + 2 * 8;
    assert.deepEqual(await count(repository, 'restore-size'), {
      snapshots: 2,
      totalBytes: files,
      files: 9,
      blobs: 0,
    });
    assert.deepEqual(await count(repository, 'files-by-contents'), {
      snapshots: 2,
      totalBytes: halves[0] + halves[1] + shared + 8,
      files: 4,
      blobs: 0,
    });
    assert.deepEqual(await count(repository, 'blobs-per-file'), {
      snapshots: 2,
      totalBytes: halves[0] + halves[1] + shared + 4,
      files: 3,
      blobs: 4,
    });
    const { compression, blobs } = await count(repository, 'raw-data');
    assert.equal(blobs, 7);
    assert.ok(compression !== undefined && compression.ratio > 1 && compression.progressPercent < 100);
  });

  it('read each tree once, however many snapshots share it', async (t) => {
    const { repository } = await smallRepository();
    const get = t.mock.method(repository.store, 'get');
    await count(repository, 'restore-size');
    const packs = get.mock.calls.filter(({ arguments: [key] }) => key.startsWith('data/'));
    assert.equal(packs.length, 1);
  });

  it('of a restore count a file with several names once in each snapshot', async () => {
    const { repository } = await smallRepository();
    const made = new HandMade(repository);
    const linked = { links: 2, inode: 5, device_id: 1 };
    const id = made.data('linked');
    const below = made.tree([fileNode('b', [id], 6, linked)]);
    const root = made.tree([fileNode('a', [id], 6, linked), folderNode('f', below), folderNode('g', below)]);
    const before = await count(repository, 'restore-size');
    await made.save(root);
    await made.save(made.tree([folderNode('f', below), folderNode('g', root)]));
    const after = await count(repository, 'restore-size');
    assert.equal(after.totalBytes - before.totalBytes, 12);
    assert.equal(after.files - before.files, 5 + 8);
  });

  it('of nothing are nothing', async () => {
    const { repository } = await smallRepository();
    const statistics = await computeStatistics(repository, [], { mode: 'raw-data' });
    const compression = { uncompressedBytes: 0, ratio: 0, progressPercent: 0, spaceSavingPercent: 0 };
    assert.deepEqual(statistics, { snapshots: 0, totalBytes: 0, files: 0, blobs: 0, compression });
  });

  it('name a tree or a blob that is missing', async () => {
    const { repository } = await smallRepository();
    const made = new HandMade(repository);
    await made.save(made.tree([folderNode('f', '1'.repeat(64)), fileNode('x', ['2'.repeat(64)], 1)]));
    await assert.rejects(count(repository, 'restore-size'), (error) => {
      assert.ok(error instanceof RepositoryError);
      assert.match(error.message, /tree.*1111/);
      return error.code === 'corrupt';
    });
  });
});

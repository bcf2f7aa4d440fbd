import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FileSystemError } from '../../src/base/errors.ts';
import { stageAll, stateOf, withoutRights, workplace } from './copying.ts';
import { files } from './restore-fixtures.ts';

describe('a source of which nothing can be read', () => {
  const sources: Readonly<Record<string, readonly string[]>> = {
    'a closed folder': ['closed'],
    'a closed file': ['closed/../file'],
    'two closed folders': ['closed', 'other'],
  };
  for (const [title, names] of Object.entries(sources)) {
    it(`(${title}) makes no snapshot, and the earlier one stays the newest`, async (t) => {
      const { folder, repository } = await workplace(t);
      files('source/closed/inner', 'source/other/inner', 'source/file')(folder);
      const paths = names.map((name) => join(folder, 'source', name));
      await withoutRights(folder, async () => {
        const options = { paths, storeAs: undefined };
        const first = await stageAll(repository, folder, options);
        assert.equal(first.isPartial, false);
        for (const path of paths) chmodSync(path, 0);
        await assert.rejects(stageAll(repository, folder, { ...options, force: true }), (error) => {
          assert.ok(error instanceof FileSystemError, String(error));
          assert.match(error.message, /no snapshot was written/);
          return true;
        });
        assert.deepEqual(await stateOf(repository), { snapshots: [first.snapshotId], locks: 0 });
        for (const path of paths) chmodSync(path, 0o700);
      });
    });
  }

  it('is no error of an empty folder', async (t) => {
    const { folder, repository } = await workplace(t);
    mkdirSync(join(folder, 'source'));
    const staged = await stageAll(repository, join(folder, 'source'));
    assert.equal(staged.isPartial, false);
    assert.deepEqual((await stateOf(repository)).snapshots, [staged.snapshotId]);
  });
});

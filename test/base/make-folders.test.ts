import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeFolders } from '../../src/base/make-folders.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('makeFolders', () => {
  it('makes what is missing and names the topmost', async (t) => {
    const root = temporaryFolder(t);
    assert.equal(await makeFolders(join(root, 'a', 'b', 'c'), 0o700), join(root, 'a'));
    assert.equal(statSync(join(root, 'a', 'b', 'c')).mode & 0o777, 0o700);
    assert.equal(await makeFolders(join(root, 'a', 'b', 'c'), 0o700), undefined);
    assert.equal(await makeFolders(join(root, 'a', 'd'), 0o700), join(root, 'a', 'd'));
  });

  it('may be called for the same folder at once', async (t) => {
    const path = join(temporaryFolder(t), 'a', 'b', 'c');
    await Promise.all(Array.from({ length: 8 }, () => makeFolders(path, 0o700)));
    assert.ok(existsSync(path));
  });

  it('fails where a file is in the way', async (t) => {
    const root = temporaryFolder(t);
    writeFileSync(join(root, 'file'), '');
    await assert.rejects(makeFolders(join(root, 'file'), 0o700), { code: 'EEXIST' });
    await assert.rejects(makeFolders(join(root, 'file', 'below'), 0o700), { code: 'ENOTDIR' });
  });

  it('ends where the file system takes no folders (a restore into /proc span for ever)', async () => {
    await assert.rejects(makeFolders('/proc/nowhere/below', 0o700), { code: 'ENOENT' });
  });
});

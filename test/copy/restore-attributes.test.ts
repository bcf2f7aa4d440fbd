import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { FileSystemError } from '../../src/base/errors.ts';
import {
  close,
  listExtendedAttributes,
  openPathAt,
  openRoot,
  setExtendedAttribute,
} from '../../src/base/file-system.ts';
import { skipLoudly } from '../support/root-test.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { restoreAll, stageAll, withoutRights, workplace } from './copying.ts';
import { files } from './restore-fixtures.ts';

function withOpen<Result>(folder: string, name: string, use: (fd: number) => Result): Result {
  const parent = openRoot(join(folder, dirname(name)));
  try {
    const fd = openPathAt(parent, Buffer.from(basename(name)));
    try {
      return use(fd);
    } finally {
      close(fd);
    }
  } finally {
    close(parent);
  }
}

/** False where the file system takes no attributes of users. */
function giveAttribute(folder: string, name: string, value: string): boolean {
  try {
    withOpen(folder, name, (fd) => setExtendedAttribute(fd, 'user.colour', Buffer.from(value)));
    return true;
  } catch (error) {
    if (error instanceof FileSystemError && error.code === 'unsupported') return false;
    throw error;
  }
}

test('extended attributes of read-only files and folders are not lost without root’s rights', async (t) => {
  const { folder, repository } = await workplace(t);
  const [source, target] = [join(folder, 'source'), join(folder, 'target')];
  const names = ['file', 'closed', 'closed/inner'];
  const setModes = (folderMode: number, fileMode: number): void => {
    chmodSync(join(source, 'closed'), 0o755);
    for (const name of ['file', 'closed/inner']) chmodSync(join(source, name), fileMode);
    chmodSync(join(source, 'closed'), folderMode);
  };
  files('file', 'closed/inner')(source);
  await withoutRights(folder, async () => {
    if (!names.every((name) => giveAttribute(source, name, 'red')))
      return skipLoudly(t, 'the temporary folder’s file system takes no attributes of users');
    setModes(0o555, 0o444);
    await stageAll(repository, source);
    const fresh = await restoreAll(repository, target);
    assert.deepEqual([...fresh.errors.values(), ...fresh.warned.values()], []);
    assert.deepEqual(compareTrees(source, target), []);
    setModes(0o755, 0o644);
    for (const name of names) assert.ok(giveAttribute(source, name, 'blue'));
    setModes(0o555, 0o444);
    await stageAll(repository, source);
    const updated = await restoreAll(repository, target);
    assert.deepEqual([...updated.errors.values(), ...updated.warned.values()], []);
    for (const name of names) {
      const [attribute] = withOpen(target, name, (fd) => listExtendedAttributes(fd));
      assert.equal(attribute?.value.toString(), 'blue', name);
    }
    assert.deepEqual(compareTrees(source, target), []);
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { dataSets } from '../../bench/data/catalogue.ts';
import { keepData } from '../../bench/data/kept-data.ts';
import { TreeChanges } from '../../bench/data/tree-changes.ts';
import { assertSameTree } from '../../bench/support/tree-count.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const scale = 0.001;

/** Names and contents of everything below a folder. */
function digestOf(folder: string): string {
  const hash = createHash('sha256');
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }));
  for (const { entry, path } of paths.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${path.slice(folder.length)}\n`);
    if (entry.isFile()) hash.update(readFileSync(path));
    if (entry.isSymbolicLink()) hash.update(readlinkSync(path));
  }
  return hash.digest('hex');
}

describe('data sets', () => {
  for (const data of dataSets) {
    it(`${data.name} is the same each time, changes and goes back`, async (t) => {
      const folder = temporaryFolder(t);
      const [first, second] = [join(folder, 'first'), join(folder, 'second')];
      for (const tree of [first, second]) {
        mkdirSync(tree);
        await data.fill(tree, scale);
      }
      const before = digestOf(first);
      assert.equal(digestOf(second), before);
      const changes = new TreeChanges(first, join(folder, 'changes'));
      await data.change(first, scale, changes);
      const changed = digestOf(first);
      assert.notEqual(changed, before);
      // Another process may have to take it back.
      new TreeChanges(first, join(folder, 'changes')).undo();
      assert.equal(digestOf(first), before);
      await data.change(first, scale, changes);
      assert.equal(digestOf(first), changed);
    });
  }
});

describe('kept data', () => {
  const made = { count: 0 };
  const data = {
    name: 'sample',
    about: '',
    fill: async (folder: string) => {
      made.count += 1;
      writeFileSync(join(folder, 'file'), 'contents');
    },
    change: async (_: string, __: number, changes: TreeChanges) =>
      changes.overwrite('file', 0, Buffer.from('C')),
  };

  it('is made once, and what a killed run changed is taken back', async (t) => {
    const folder = temporaryFolder(t);
    const kept = await keepData(data, 1, folder);
    await kept.change();
    assert.equal(readFileSync(join(kept.tree, 'file'), 'utf8'), 'Contents');
    const again = await keepData(data, 1, folder);
    assert.equal(readFileSync(join(again.tree, 'file'), 'utf8'), 'contents');
    assert.equal(made.count, 1);
    assert.deepEqual(again.count, { files: 1, folders: 0, bytes: 8 });
  });

  it('leaves nothing where it cannot be made', async (t) => {
    const folder = temporaryFolder(t);
    const failing = { ...data, fill: () => Promise.reject(new Error('no network')) };
    await assert.rejects(keepData(failing, 1, folder), /no network/);
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe('a restored tree', () => {
  it('that differs is noticed', (t) => {
    const folder = temporaryFolder(t);
    const [original, copy] = [join(folder, 'original'), join(folder, 'copy')];
    for (const tree of [original, copy]) {
      mkdirSync(tree);
      writeFileSync(join(tree, 'file'), 'contents');
    }
    assertSameTree(original, copy);
    writeFileSync(join(copy, 'file'), 'Contents');
    assert.throws(() => assertSameTree(original, copy), /other contents of file/);
    rmSync(join(copy, 'file'));
    assert.ok(!existsSync(join(copy, 'file')));
    assert.throws(() => assertSameTree(original, copy), /restored .*"files":0/);
  });
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Folders } from '../../../../src/providers/objects/local/folders.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tranship-folders-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('calls that come while a sync runs share the next one', async () => {
  const folders = new Folders();
  const first = folders.sync(root);
  const later = Array.from({ length: 50 }, () => folders.sync(root));
  await Promise.all([first, ...later]);
  await folders.sync(root);
});

test('a failure reaches every call that shared it, and the next call tries anew', async () => {
  const folders = new Folders();
  const missing = join(root, 'missing');
  const results = await Promise.allSettled([
    folders.sync(missing),
    folders.sync(missing),
    folders.sync(missing),
  ]);
  assert.ok(results.every(({ status }) => status === 'rejected'));
  await folders.make(missing);
  await folders.sync(missing);
});

test('folders are made once however many ask', async () => {
  const folders = new Folders();
  const deep = join(root, 'a/b/c');
  await Promise.all([
    folders.make(deep),
    folders.make(deep),
    folders.make(join(root, 'a/b/d')),
    folders.make(root),
  ]);
  assert.ok((await stat(deep)).isDirectory());
  assert.ok((await stat(join(root, 'a/b/d'))).isDirectory());
});

test('a file in place of a folder is an error, again for the next caller', async () => {
  const folders = new Folders();
  await writeFile(join(root, 'file'), '');
  await assert.rejects(folders.make(join(root, 'file/below')), { code: 'ENOTDIR' });
  await assert.rejects(folders.make(join(root, 'file/below')), { code: 'ENOTDIR' });
});

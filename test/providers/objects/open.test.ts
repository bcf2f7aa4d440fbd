import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { CancelledError, StoreError, TranshipError, UsageError } from '../../../src/base/errors.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { openStore, parseStoreLocation } from '../../../src/providers/objects/open.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tranship-open-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('a path, a file URL and local: name the same store', async () => {
  const root = join(folder, 'a store');
  const forms = [
    root,
    relative(process.cwd(), root),
    pathToFileURL(root).href,
    `local:${root}`,
    `LOCAL:${root}/`,
  ];
  for (const [index, form] of forms.entries()) {
    const store = await openStore(form);
    assert.equal(store.url, pathToFileURL(root).href);
    await store.put(`k${index}`, Buffer.from(form));
    await store.close();
  }
  assert.deepEqual((await readdir(root)).sort(), ['k0', 'k1', 'k2', 'k3', 'k4']);
});

test('opening creates nothing, and a folder may be missing', async () => {
  const store = await openStore(join(folder, 'missing', 'deep'));
  assert.equal((await store.list().next()).done, true);
  assert.equal(await store.exists('config'), false);
  assert.ok(!(await readdir(folder)).includes('missing'));
});

test('a path with a colon needs a slash before it', () => {
  assert.deepEqual(parseStoreLocation('./a:b'), { kind: 'local', path: './a:b' });
  assert.deepEqual(parseStoreLocation('/srv/a:b'), { kind: 'local', path: '/srv/a:b' });
  assert.deepEqual(parseStoreLocation('local:a:b'), { kind: 'local', path: 'a:b' });
  assert.throws(() => parseStoreLocation('a:b'), UsageError);
});

test('a store in memory is new each time', async () => {
  const store = await openStore('memory:');
  await store.put('a', Buffer.of(1));
  assert.equal(await (await openStore('memory:')).exists('a'), false);
});

test('forms without a driver are refused with what there is, and never repeated', async () => {
  const secret = 'hunter2';
  const forms = ['s3', 'gs', 'azure', 'azblob', 'rest', 'sftp', 'b2', 'swift', 'rclone', 'ftp', 'C'].map(
    (scheme) => `${scheme}://user:${secret}@host/bucket`,
  );
  for (const form of [
    ...forms,
    '',
    'local:',
    'memory:x',
    'file:relative',
    'file://host/x',
    'file:///x?y',
    'a\0b',
    's3:',
  ]) {
    await assert.rejects(openStore(form), (error) => {
      assert.ok(error instanceof UsageError, form);
      assert.ok(!error.message.includes(secret), error.message);
      return true;
    });
  }
  await assert.rejects(openStore('rest:https://host/'), /not supported yet: rest: \(use a path, file/);
  await assert.rejects(openStore('ftp://host'), /unknown kind of store: ftp:/);
});

test('a file is no store', async () => {
  const path = join(folder, 'file');
  await writeFile(path, '');
  await assert.rejects(openStore(path), StoreError);
  await assert.rejects(openStore(join(path, 'below')), TranshipError);
});

test('options reach the decorators', async () => {
  const kinds: string[] = [];
  const store = await openStore('memory:', { readOnly: true, observe: ({ kind }) => kinds.push(kind) });
  await assert.rejects(store.put('a', Buffer.of(1)), StoreError);
  assert.equal(await store.exists('a'), false);
  assert.deepEqual(kinds, ['head']);
  await assert.rejects(openStore('memory:', { signal: AbortSignal.abort() }), CancelledError);
});

test('a driver in place of a location is observed, tried again and guarded as all stores are', async () => {
  let failures = 1;
  class FlakyDriver extends MemoryDriver {
    override async put(...args: Parameters<MemoryDriver['put']>): Promise<void> {
      if (failures-- > 0) throw new StoreError('unavailable', 'not now', { retryable: true });
      await super.put(...args);
    }
  }
  const driver = new FlakyDriver();
  const outcomes: string[] = [];
  const retries: string[] = [];
  const store = await openStore(driver, {
    clock: { ...systemClock, sleep: async () => {} },
    observe: ({ outcome }) => outcomes.push(outcome),
    onRetry: ({ key }) => retries.push(key),
  });
  await store.put('key', Buffer.from('value'));
  assert.deepEqual([outcomes, retries], [['failed', 'done'], ['key']]);
  const guarded = await openStore(driver, { readOnly: true });
  await assert.rejects(guarded.delete('key'), StoreError);
  assert.equal((await store.get('key')).toString(), 'value');
});

import assert from 'node:assert/strict';
import { putAll } from './put-all.ts';
import type { ConformanceCase, ConformanceContext } from './case.ts';
import { listKeys } from './expect.ts';

async function emptyListing({ store }: ConformanceContext): Promise<void> {
  assert.deepEqual(await listKeys(store), []);
  assert.deepEqual(await listKeys(store, 'no/such/folder/'), []);
}

async function byPrefix({ store }: ConformanceContext): Promise<void> {
  const keys = ['data/00/a', 'data/00/b', 'data/01/a', 'data2', 'dat', 'index/a', 'keys/a'];
  await putAll(store, keys);
  const expected = (prefix: string): string[] => keys.filter((key) => key.startsWith(prefix)).sort();
  for (const prefix of [
    '',
    'd',
    'data',
    'data/',
    'data/0',
    'data/00',
    'data/00/',
    'data/00/a',
    'index/',
    'x',
    'keys/a/',
  ]) {
    assert.deepEqual(await listKeys(store, prefix), expected(prefix), `prefix ${JSON.stringify(prefix)}`);
  }
}

/** A hyphen and a dot stand before the slash in byte order, a digit after it: folders must not be sorted as names. */
async function aroundTheDelimiter({ store }: ConformanceContext): Promise<void> {
  const keys = ['a-b', 'a-c/d', 'a.b', 'a.c/d', 'a/b', 'a/b-c', 'a/b.c/d', 'a0', 'a00/b', 'aB', 'a_b', 'A/b'];
  await putAll(store, keys);
  assert.deepEqual(await listKeys(store), [...keys].sort());
  assert.deepEqual(await listKeys(store, 'a/'), ['a/b', 'a/b-c', 'a/b.c/d']);
}

async function manyKeys({ store, manyObjects, signal }: ConformanceContext): Promise<void> {
  const keys = Array.from(
    { length: manyObjects },
    (_, index) => `many/${String(index * 7919).padStart(9, '0')}`,
  );
  await putAll(store, keys, signal);
  assert.deepEqual(await listKeys(store, 'many/'), keys);
  const last = keys.at(-1) ?? '';
  const first = keys[0] ?? '';
  await store.delete(first);
  await store.put(`${last}-more`, Buffer.of(1));
  assert.deepEqual(await listKeys(store, 'many/'), [...keys.slice(1), `${last}-more`]);
}

async function afterChanges({ store }: ConformanceContext): Promise<void> {
  await putAll(store, ['b', 'd']);
  assert.deepEqual(await listKeys(store), ['b', 'd']);
  await putAll(store, ['a', 'c', 'e']);
  assert.deepEqual(await listKeys(store), ['a', 'b', 'c', 'd', 'e']);
  await store.delete('c');
  await store.delete('a');
  assert.deepEqual(await listKeys(store), ['b', 'd', 'e']);
}

/** Objects may come and go during a listing; those that stay must be in it. */
async function whileChanging({ store }: ConformanceContext): Promise<void> {
  const staying = Array.from({ length: 60 }, (_, index) => `k/${index + 100}`);
  const leaving = staying.map((key) => `${key}-leaves`);
  await putAll(store, [...staying, ...leaving]);
  const listed = new Set<string>();
  for await (const info of store.list('k/')) {
    const next = leaving.pop();
    if (next !== undefined) await store.delete(next);
    if (listed.size < 20) await store.put(`k/${listed.size}-new`, Buffer.of(1));
    listed.add(info.key);
  }
  assert.deepEqual(
    staying.filter((key) => !listed.has(key)),
    [],
    'the listing omitted objects',
  );
}

async function leftListing({ store }: ConformanceContext): Promise<void> {
  await putAll(store, ['a', 'b', 'c']);
  for (let round = 0; round < 20; round += 1) {
    for await (const info of store.list()) {
      assert.equal(info.key, 'a');
      break;
    }
  }
  assert.deepEqual(await listKeys(store), ['a', 'b', 'c']);
}

export const listCases: readonly ConformanceCase[] = [
  { name: 'an empty listing is no error', run: emptyListing },
  { name: 'a listing has the keys that start with the prefix', run: byPrefix },
  { name: 'keys around the delimiter come in byte order', run: aroundTheDelimiter },
  { name: 'a listing of more than a page is whole, also after insert and delete', run: manyKeys },
  { name: 'a listing shows every completed change', run: afterChanges },
  { name: 'a listing omits nothing while others change the store', run: whileChanging },
  { name: 'a listing may be left early', run: leftListing },
];

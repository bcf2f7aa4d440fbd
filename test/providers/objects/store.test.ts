import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledError, StoreError, UsageError } from '../../../src/base/errors.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../../src/providers/objects/store.ts';
import { faultRules, withFaults } from '../../support/providers/fault.ts';
import { Trace, withTrace } from '../../support/providers/trace.ts';

const badKeys = [
  '',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  'a/../b',
  'a/./b',
  'a b',
  'ä',
  'a\\b',
  'a\0',
  'a-tmp-b',
  'a?b',
];
const tooLong = ['x/'.repeat(450) + 'x', 'y'.repeat(256)];

test('a key that some driver could not store reaches none', async () => {
  const trace = new Trace();
  const store = new ObjectStore(withTrace(new MemoryDriver(), trace));
  for (const key of [...badKeys, ...tooLong]) {
    await assert.rejects(store.put(key, Buffer.of(1)), UsageError, key);
    await assert.rejects(store.get(key), UsageError, key);
    await assert.rejects(store.head(key), UsageError, key);
    await assert.rejects(store.exists(key), UsageError, key);
    await assert.rejects(store.delete(key), UsageError, key);
    await assert.rejects(store.putLarge(key, []), UsageError, key);
  }
  assert.deepEqual(trace.entries, []);
});

test('a prefix is a beginning of keys, never a way out of the store', async () => {
  const store = new ObjectStore(new MemoryDriver({ objects: [['a/..b', Buffer.of(1)]] }));
  for (const prefix of ['/', '../', 'a/../', 'a//', './', 'a b', 'a/./b']) {
    await assert.rejects(store.list(prefix).next(), UsageError, prefix);
  }
  for (const prefix of ['', 'a', 'a/', 'a/.', 'a/..', 'a/..b']) {
    assert.equal((await store.list(prefix).next()).value?.key, 'a/..b', prefix);
  }
});

test('a range must be whole numbers in order', async () => {
  const store = new ObjectStore(new MemoryDriver({ objects: [['a', Buffer.alloc(10)]] }));
  for (const [start, end] of [
    [-1, 2],
    [3, 2],
    [0.5, 2],
    [0, NaN],
    [0, Infinity],
    [0, 2 ** 53],
  ] as const) {
    await assert.rejects(store.get('a', { range: { start, end } }), UsageError);
  }
});

test('a range that comes short or long is corrupt', async () => {
  const memory = new MemoryDriver({ objects: [['a', Buffer.alloc(10)]] });
  const short = withFaults(memory, faultRules({ on: 'get', action: { kind: 'truncate', sizeBytes: 3 } }));
  const range = { start: 0, end: 8 };
  await assert.rejects(new ObjectStore(short).get('a', { range }), isCorrupt);
  const long = { ...withFaults(memory, faultRules()), get: () => memory.get('a', {}) };
  await assert.rejects(new ObjectStore(long).get('a', { range }), isCorrupt);
  await assert.rejects(new ObjectStore(memory).get('a', { range: { start: 8, end: 11 } }), isCorrupt);
});

test('exists tells absence from failure', async () => {
  const memory = new MemoryDriver({ objects: [['a', Buffer.of(1)]] });
  assert.equal(await new ObjectStore(memory).exists('a'), true);
  assert.equal(await new ObjectStore(memory).exists('b'), false);
  const denied = new StoreError('permission-denied', 'no');
  const failing = withFaults(memory, faultRules({ action: { kind: 'fail-before', error: denied } }));
  await assert.rejects(new ObjectStore(failing).exists('b'), denied);
});

test('a SHA-256 is 64 lower-case hex digits', async () => {
  const store = new ObjectStore(new MemoryDriver());
  await store.put('a', Buffer.of(1), { sha256: 'a1'.repeat(32) });
  for (const sha256 of ['', 'a1', 'A1'.repeat(32), 'g1'.repeat(32)]) {
    await assert.rejects(store.put('a', Buffer.of(1), { sha256 }), UsageError);
  }
});

test('a view below a prefix sees its part only and names keys without it', async () => {
  const memory = new MemoryDriver({
    objects: [
      ['a/x', Buffer.of(1)],
      ['ab/y', Buffer.of(2)],
      ['a', Buffer.of(3)],
    ],
  });
  const view = new ObjectStore(memory).withPrefix('a');
  assert.equal(view.url, 'memory:/a');
  await view.put('z/z', Buffer.of(4));
  const keys: string[] = [];
  for await (const { key } of view.list()) keys.push(key);
  assert.deepEqual(keys, ['x', 'z/z']);
  assert.equal((await view.head('x')).key, 'x');
  assert.ok(memory.contents().has('a/z/z'));
  assert.throws(() => new ObjectStore(memory).withPrefix('../a'), UsageError);
  await assert.rejects(
    view.withPrefix('p'.repeat(250)).put('k/'.repeat(330) + 'k', Buffer.of(1)),
    UsageError,
  );
});

test('closing twice is no error', async () => {
  const store = new ObjectStore(new MemoryDriver());
  await store.close();
  await store.close();
});

test('an option bag whose signal has fired sends nothing', async () => {
  const trace = new Trace();
  const store = new ObjectStore(withTrace(new MemoryDriver(), trace));
  const options = { signal: AbortSignal.abort() };
  await assert.rejects(store.put('a', Buffer.of(1), options), CancelledError);
  await assert.rejects(store.putLarge('a', [Buffer.of(1)], options), CancelledError);
  await assert.rejects(store.get('a', options), CancelledError);
  await assert.rejects(store.exists('a', options), CancelledError);
  await assert.rejects(store.list('', options).next(), CancelledError);
  assert.deepEqual(trace.entries, []);
});

function isCorrupt(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'corrupt';
}

import assert from 'node:assert/strict';
import { TranshipError } from '../../../base/errors.ts';
import { MAX_KEY_LENGTH, MAX_SEGMENT_LENGTH } from '../object-key.ts';
import type { ConformanceCase, ConformanceContext } from './case.ts';
import { assertSameBytes, expectBytes, expectCode, listInfos, listKeys, sampleBytes } from './expect.ts';

const RACING_WRITERS = 8;

async function roundTrip({ store }: ConformanceContext): Promise<void> {
  for (const sizeBytes of [1, 1000, 65_537, 3_000_001]) {
    const bytes = sampleBytes(sizeBytes, sizeBytes);
    await store.put(`size/${sizeBytes}`, bytes);
    await expectBytes(store, `size/${sizeBytes}`, bytes);
  }
}

async function emptyObject({ store }: ConformanceContext): Promise<void> {
  await store.put('empty', Buffer.alloc(0));
  await store.put('empty-pieces', []);
  await expectBytes(store, 'empty', Buffer.alloc(0));
  await expectBytes(store, 'empty-pieces', Buffer.alloc(0));
  assert.equal((await store.head('empty')).sizeBytes, 0);
}

async function manyPieces({ store }: ConformanceContext): Promise<void> {
  const whole = sampleBytes(300_000);
  const pieces: Uint8Array[] = [new Uint8Array(0)];
  for (let start = 0; start < whole.byteLength; start += 111) pieces.push(whole.subarray(start, start + 111));
  await store.put('pieces', pieces);
  await expectBytes(store, 'pieces', whole);
}

async function oddKeys({ store }: ConformanceContext): Promise<void> {
  const keys = ['a', 'A', '-', '_', '..a', '.hidden', 'a..b', '...', '0', '-_.', 'x.tar.gz', 'CON'];
  for (const [index, key] of keys.entries()) await store.put(`odd/${key}`, sampleBytes(10, index));
  for (const [index, key] of keys.entries()) await expectBytes(store, `odd/${key}`, sampleBytes(10, index));
  assert.deepEqual(await listKeys(store, 'odd/'), keys.map((key) => `odd/${key}`).sort());
}

async function longKeys({ store }: ConformanceContext): Promise<void> {
  const segment = 's'.repeat(MAX_SEGMENT_LENGTH);
  // A view below a prefix takes only what its prefix leaves.
  const room = MAX_KEY_LENGTH - 200;
  const deep = `${'d/'.repeat(Math.floor(room / 2) - 1)}d`;
  for (const key of [segment, `t${segment.slice(1)}/${segment}`, deep]) {
    await store.put(key, sampleBytes(20, key.length));
    await expectBytes(store, key, sampleBytes(20, key.length));
    assert.ok((await listKeys(store, key)).includes(key), 'the listing lacks a long key');
  }
}

async function overwrite({ store }: ConformanceContext): Promise<void> {
  await store.put('twice', sampleBytes(5000, 1));
  await store.put('twice', sampleBytes(70, 2), { mode: 'overwrite' });
  await expectBytes(store, 'twice', sampleBytes(70, 2));
  assert.deepEqual(await listKeys(store), ['twice']);
}

async function createOnly({ store }: ConformanceContext): Promise<void> {
  await store.put('once', sampleBytes(100, 1), { mode: 'create' });
  await expectCode('already-exists', store.put('once', sampleBytes(100, 2), { mode: 'create' }));
  await expectBytes(store, 'once', sampleBytes(100, 1));
  assert.deepEqual(await listKeys(store), ['once']);
  await store.delete('once');
  await store.put('once', sampleBytes(100, 3), { mode: 'create' });
  await expectBytes(store, 'once', sampleBytes(100, 3));
}

async function racingCreates({ store }: ConformanceContext): Promise<void> {
  const bodies = Array.from({ length: RACING_WRITERS }, (_, index) => sampleBytes(50_000 + index, index));
  const results = await Promise.allSettled(bodies.map((body) => store.put('race', body, { mode: 'create' })));
  const winners = bodies.filter((_, index) => results[index]?.status === 'fulfilled');
  assert.equal(winners.length, 1, `${winners.length} writers created the same object`);
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    const error: unknown = result.reason;
    assert.ok(error instanceof TranshipError, 'a loser failed with a foreign error');
    assert.equal(error.code, 'already-exists');
  }
  await expectBytes(store, 'race', winners[0] ?? Buffer.alloc(0));
}

async function racingOverwrites({ store }: ConformanceContext): Promise<void> {
  const bodies = Array.from({ length: RACING_WRITERS }, (_, index) => sampleBytes(50_000 + index, index));
  await Promise.all(bodies.map((body) => store.put('race', body)));
  const stored = await store.get('race');
  assert.ok(
    bodies.some((body) => body.equals(stored)),
    'the object is none of those that were put',
  );
  assert.deepEqual(await listKeys(store), ['race']);
}

async function readWhileWriting({ store }: ConformanceContext): Promise<void> {
  const versions = Array.from({ length: 12 }, (_, index) =>
    Buffer.alloc(400_000 + index * 40_000, index + 1),
  );
  await store.put('shared', versions[0] ?? Buffer.alloc(0));
  let writing = true;
  const readAgain = async (): Promise<void> => {
    while (writing) {
      const seen = await store.get('shared');
      const version = versions[(seen[0] ?? 0) - 1];
      assert.ok(version !== undefined, 'a reader saw bytes that were never put');
      assertSameBytes(seen, version, 'a reader saw a mixture');
    }
  };
  const writeAll = async (): Promise<void> => {
    try {
      for (const version of versions) await store.put('shared', version);
    } finally {
      writing = false;
    }
  };
  await Promise.all([writeAll(), readAgain(), readAgain()]);
}

async function cancelledPut({ store }: ConformanceContext): Promise<void> {
  const body = sampleBytes(6_000_000);
  for (const [index, pause] of [pauseMicrotask, pauseTurn, pauseTurns].entries()) {
    const controller = new AbortController();
    const key = `cancelled/${index}`;
    const putting = store.put(key, body, { signal: controller.signal });
    const settled = Promise.allSettled([putting]);
    await pause();
    controller.abort();
    const [result] = await settled;
    if (result.status === 'fulfilled') {
      await expectBytes(store, key, body);
      await store.delete(key);
      continue;
    }
    await expectCode('cancelled', putting);
    assert.equal(await store.exists(key), false, 'a cancelled put left an object');
  }
  assert.deepEqual(await listKeys(store), []);
}

async function firedSignal({ store }: ConformanceContext): Promise<void> {
  await store.put('there', sampleBytes(10));
  const signal = AbortSignal.abort();
  await expectCode('cancelled', store.put('new', sampleBytes(10), { signal }));
  await expectCode('cancelled', store.get('there', { signal }));
  await expectCode('cancelled', store.head('there', { signal }));
  await expectCode('cancelled', store.delete('there', { signal }));
  await expectCode('cancelled', listInfos(store, { signal }));
  assert.deepEqual(await listKeys(store), ['there']);
}

async function deleteObjects({ store }: ConformanceContext): Promise<void> {
  await store.delete('never/was');
  await store.put('a/b', sampleBytes(10));
  await store.delete('a');
  await expectBytes(store, 'a/b', sampleBytes(10));
  await store.delete('a/b');
  await store.delete('a/b');
  assert.equal(await store.exists('a/b'), false);
  assert.deepEqual(await listKeys(store), []);
}

async function deleteManyObjects({ store, manyObjects }: ConformanceContext): Promise<void> {
  const keys = Array.from({ length: manyObjects }, (_, index) => `many/${index}`);
  const stored = keys.filter((_, index) => index % 100 === 0 || index === keys.length - 1);
  for (const key of [...stored, 'other']) await store.put(key, sampleBytes(10));
  await store.deleteMany(keys);
  assert.deepEqual(await listKeys(store), ['other']);
  await store.deleteMany([]);
}

async function pauseMicrotask(): Promise<void> {
  await Promise.resolve();
}

async function pauseTurn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function pauseTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await pauseTurn();
}

export const writeCases: readonly ConformanceCase[] = [
  { name: 'what is put is what is got', run: roundTrip },
  { name: 'an object may be empty', run: emptyObject },
  { name: 'a body in thousands of pieces arrives in order', run: manyPieces },
  { name: 'keys of all allowed characters are distinct', run: oddKeys },
  { name: 'keys may be long and deep', run: longKeys },
  { name: 'overwrite replaces', run: overwrite },
  { name: 'create refuses what exists and leaves it', run: createOnly },
  { name: 'of racing creates exactly one wins', appliesTo: (can) => can.atomicCreate, run: racingCreates },
  { name: 'of racing overwrites one is stored whole', run: racingOverwrites },
  { name: 'a reader sees one version while others are written', run: readWhileWriting },
  { name: 'a cancelled put leaves nothing', run: cancelledPut },
  { name: 'a signal that has fired stops every operation', run: firedSignal },
  { name: 'delete removes one object, and succeeds when there is none', run: deleteObjects },
  { name: 'many objects are deleted at once, whether they exist or not', run: deleteManyObjects },
];

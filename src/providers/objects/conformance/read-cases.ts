import assert from 'node:assert/strict';
import type { ConformanceCase, ConformanceContext } from './case.ts';
import { assertSameBytes, expectCode, listInfos, readRange, sampleBytes } from './expect.ts';

const EARLIEST_PLAUSIBLE_MS = Date.UTC(2020, 0, 1);

async function ranges({ store }: ConformanceContext): Promise<void> {
  const bytes = sampleBytes(2_500_000);
  const size = bytes.byteLength;
  await store.put('object', bytes);
  const cases = [
    [0, 1],
    [0, size],
    [1, 2],
    [1_000_000, 1_300_000],
    [size - 1, size],
    [size - 70_000, size],
  ] as const;
  for (const [start, end] of cases) {
    const got = await store.get('object', { range: { start, end } });
    assertSameBytes(got, bytes.subarray(start, end), `bytes ${start} to ${end}`);
  }
  assert.equal((await store.get('object', { range: { start: 10, end: 10 } })).byteLength, 0);
}

async function rangesPastTheEnd({ driver, store }: ConformanceContext): Promise<void> {
  const bytes = sampleBytes(1000);
  await store.put('object', bytes);
  assertSameBytes(await readRange(driver, 'object', 900, 5000), bytes.subarray(900), 'bytes 900 to 5000');
  const toTheEnd = await readRange(driver, 'object', 999, Number.MAX_SAFE_INTEGER);
  assertSameBytes(toTheEnd, bytes.subarray(999), 'the last byte');
  assert.equal((await readRange(driver, 'object', 1000, 1010)).byteLength, 0);
  assert.equal((await readRange(driver, 'object', 5000, 5010)).byteLength, 0);
  await expectCode('corrupt', store.get('object', { range: { start: 900, end: 1001 } }));
}

async function missing({ store }: ConformanceContext): Promise<void> {
  await store.put('folder/object', sampleBytes(10));
  for (const key of ['nothing', 'folder', 'folder/nothing', 'folder/object/below']) {
    await expectCode('not-found', store.get(key));
    await expectCode('not-found', store.get(key, { range: { start: 0, end: 5 } }));
    await expectCode('not-found', store.get(key, { range: { start: 0, end: 0 } }));
    await expectCode('not-found', store.head(key));
    assert.equal(await store.exists(key), false);
  }
}

async function facts({ store }: ConformanceContext): Promise<void> {
  await store.put('object', sampleBytes(12_345));
  const first = await store.head('object');
  assert.equal(first.key, 'object');
  assert.equal(first.sizeBytes, 12_345);
  assert.ok(first.modifiedMs > EARLIEST_PLAUSIBLE_MS, 'the time of change is not plausible');
  const [listed] = await listInfos(store);
  assert.deepEqual(listed, first);
  await store.put('object', sampleBytes(7));
  const second = await store.head('object');
  assert.equal(second.sizeBytes, 7);
  assert.ok(second.modifiedMs >= first.modifiedMs, 'the time of change went back');
}

async function piecesBelongToTheCaller({ store }: ConformanceContext): Promise<void> {
  const bytes = sampleBytes(200_000);
  const body = Buffer.from(bytes);
  await store.put('object', body);
  body.fill(0);
  for await (const piece of store.stream('object')) piece.fill(255);
  assertSameBytes(await store.get('object'), bytes, 'after the caller changed its buffers');
}

async function memoryOfTheCaller({ driver, store }: ConformanceContext): Promise<void> {
  const bytes = sampleBytes(2_500_000);
  await store.put('object', bytes);
  const [start, end] = [70_000, 2_300_000];
  for (const memory of [Buffer.alloc(end - start), Buffer.from(new SharedArrayBuffer(end - start))]) {
    await store.read('object', { start, end }, memory);
    assertSameBytes(memory, bytes.subarray(start, end), 'what the memory holds');
  }
  const small = Buffer.alloc(100_000);
  const pieces: Uint8Array[] = [];
  for await (const piece of driver.get('object', { into: small })) pieces.push(piece);
  assertSameBytes(Buffer.concat(pieces), bytes, 'an object larger than the memory given');
  await expectCode('corrupt', store.read('object', { start: 2_450_000, end: 2_550_000 }, small));
  await expectCode('not-found', store.read('nothing', { start: 0, end: 100_000 }, small));
}

async function leftStream({ store }: ConformanceContext): Promise<void> {
  await store.put('object', sampleBytes(3_000_000));
  for (let round = 0; round < 40; round += 1) {
    for await (const piece of store.stream('object')) {
      assert.ok(piece.byteLength > 0);
      break;
    }
  }
  assert.equal((await store.get('object')).byteLength, 3_000_000);
}

async function cancelledGet({ store }: ConformanceContext): Promise<void> {
  await store.put('object', sampleBytes(4_000_000));
  const controller = new AbortController();
  const reading = async (): Promise<void> => {
    for await (const piece of store.stream('object', { signal: controller.signal })) {
      assert.ok(piece.byteLength < 4_000_000, 'a large object must come in pieces');
      controller.abort();
    }
  };
  await expectCode('cancelled', reading());
}

export const readCases: readonly ConformanceCase[] = [
  { name: 'ranges yield exactly their bytes', run: ranges },
  { name: 'a range past the end yields the bytes there are', run: rangesPastTheEnd },
  { name: 'what does not exist is not-found', run: missing },
  { name: 'head and list tell size and time alike', run: facts },
  { name: 'buffers belong to the caller before and after', run: piecesBelongToTheCaller },
  { name: 'what is read into memory of the caller comes whole', run: memoryOfTheCaller },
  { name: 'streams that are left early free what they hold', run: leftStream },
  { name: 'a signal ends a stream between pieces', run: cancelledGet },
];

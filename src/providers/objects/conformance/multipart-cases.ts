import assert from 'node:assert/strict';
import type { ConformanceCase, ConformanceContext } from './case.ts';
import { expectBytes, expectCode, listKeys, sampleBytes } from './expect.ts';

async function complete({ driver, store, partSizeBytes }: ConformanceContext): Promise<void> {
  const whole = sampleBytes(partSizeBytes * 2 + 12_345);
  const upload = await driver.createMultipart('large', {});
  await upload.putPart(1, whole.subarray(0, partSizeBytes));
  await upload.putPart(2, whole.subarray(partSizeBytes, partSizeBytes * 2));
  await upload.putPart(3, whole.subarray(partSizeBytes * 2));
  assert.deepEqual(await listKeys(store), [], 'parts show before the upload is complete');
  await upload.complete();
  await expectBytes(store, 'large', whole);
  assert.deepEqual(await listKeys(store), ['large']);
}

async function outOfOrder({ driver, store, partSizeBytes }: ConformanceContext): Promise<void> {
  const whole = sampleBytes(partSizeBytes * 2 + 1);
  const part = (number: number): Buffer =>
    whole.subarray((number - 1) * partSizeBytes, number * partSizeBytes);
  const upload = await driver.createMultipart('large', {});
  await upload.putPart(3, part(3));
  await Promise.all([upload.putPart(2, part(2)), upload.putPart(1, sampleBytes(partSizeBytes, 9))]);
  // A part that is sent again replaces the earlier one.
  await upload.putPart(1, part(1));
  await upload.complete();
  await expectBytes(store, 'large', whole);
}

async function abort({ driver, store, partSizeBytes }: ConformanceContext): Promise<void> {
  const upload = await driver.createMultipart('large', {});
  await upload.putPart(1, sampleBytes(partSizeBytes));
  await upload.abort();
  await upload.abort();
  assert.deepEqual(await listKeys(store), []);
  await expectCode('not-found', store.head('large'));
  await expectCode('not-found', upload.complete());
}

async function abortKeepsTheOld({ driver, store, partSizeBytes }: ConformanceContext): Promise<void> {
  await store.put('large', sampleBytes(100));
  const upload = await driver.createMultipart('large', {});
  await upload.putPart(1, sampleBytes(partSizeBytes));
  await expectBytes(store, 'large', sampleBytes(100));
  await upload.abort();
  await expectBytes(store, 'large', sampleBytes(100));
}

async function createOnly({ driver, store }: ConformanceContext): Promise<void> {
  const upload = await driver.createMultipart('large', { mode: 'create' });
  await upload.putPart(1, sampleBytes(1000));
  await store.put('large', sampleBytes(100));
  await expectCode('already-exists', upload.complete());
  await upload.abort();
  await expectBytes(store, 'large', sampleBytes(100));
}

async function putLarge({ store, partSizeBytes }: ConformanceContext): Promise<void> {
  const whole = sampleBytes(partSizeBytes * 3 + 777);
  for (const sizeBytes of [0, 10, partSizeBytes, partSizeBytes * 2, whole.byteLength]) {
    const body = whole.subarray(0, sizeBytes);
    const stride = Math.ceil(partSizeBytes / 7.3);
    const source = function* (): Generator<Uint8Array> {
      for (let start = 0; start < sizeBytes; start += stride) yield body.subarray(start, start + stride);
    };
    const result = await store.putLarge(`large/${sizeBytes}`, source(), { partSizeBytes });
    assert.equal(result.sizeBytes, sizeBytes);
    await expectBytes(store, `large/${sizeBytes}`, body);
  }
}

async function failedSource({ store, partSizeBytes }: ConformanceContext): Promise<void> {
  const source = function* (): Generator<Uint8Array> {
    for (let part = 0; part < 3; part += 1) yield sampleBytes(partSizeBytes, part);
    throw new Error('the source broke');
  };
  await assert.rejects(store.putLarge('large', source(), { partSizeBytes }), /the source broke/);
  assert.deepEqual(await listKeys(store), []);
}

async function cancelledPutLarge({ store, partSizeBytes }: ConformanceContext): Promise<void> {
  const controller = new AbortController();
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (let part = 0; part < 3; part += 1) yield sampleBytes(partSizeBytes, part);
    controller.abort();
    await new Promise(() => {});
  };
  const { signal } = controller;
  await expectCode('cancelled', store.putLarge('large', source(), { partSizeBytes, signal }));
  assert.deepEqual(await listKeys(store), []);
}

export const multipartCases: readonly ConformanceCase[] = [
  { name: 'an upload in parts shows only when complete', run: complete },
  { name: 'parts may come in any order and again', run: outOfOrder },
  { name: 'an aborted upload leaves nothing', run: abort },
  { name: 'an aborted upload leaves the object that was there', run: abortKeepsTheOld },
  {
    name: 'an upload in mode create refuses what exists',
    appliesTo: (can) => can.atomicCreate,
    run: createOnly,
  },
  { name: 'a large body arrives whole, whatever its parts', run: putLarge },
  { name: 'a large body whose source fails leaves nothing', run: failedSource },
  { name: 'a large body that is cancelled leaves nothing', run: cancelledPutLarge },
];

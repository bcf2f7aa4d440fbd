import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledError } from '../../../src/base/errors.ts';
import type { AbortableOptions } from '../../../src/providers/objects/driver.ts';
import { GcsDriver } from '../../../src/providers/objects/gcs/driver.ts';
import { parseGcsLocation } from '../../../src/providers/objects/gcs/location.ts';
import { intercept } from '../../../src/providers/objects/intercept.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { collect } from '../../../src/providers/objects/object-body.ts';
import { withRequestRate } from '../../../src/providers/objects/request-rate.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const keys = Array.from({ length: 2500 }, (_, index) => `k/${String(index).padStart(5, '0')}`);

function bench(requestsPerSecond: number) {
  const clock = new ManualClock();
  const memory = new MemoryDriver({ objects: keys.map((key) => [key, Buffer.of(1)]) });
  return { clock, memory, driver: withRequestRate(memory, { requestsPerSecond, clock }) };
}

/** Seconds until the work is done, to a tenth. */
async function secondsOf(clock: ManualClock, work: Promise<unknown>): Promise<number> {
  const startMs = clock.monotonicMs();
  await clock.advanceUntil(work);
  return (clock.monotonicMs() - startMs) / 1000;
}

test('requests of every kind share one ceiling', async () => {
  const { clock, driver } = bench(2);
  const upload = await driver.createMultipart('large', {});
  const work = [
    driver.put('a', Buffer.of(1), {}),
    driver.head('k/00000', {}),
    collect(driver.get('k/00001', {})),
    driver.delete('k/00002', {}),
    upload.putPart(1, Buffer.of(1)),
    upload.abort(),
  ];
  assert.equal(await secondsOf(clock, Promise.all(work)), 3);
});

test('a listing and a deletion of many count once for a thousand', async () => {
  const { clock, driver, memory } = bench(1);
  const list = async (): Promise<number> => {
    let count = 0;
    for await (const { key } of driver.list('k/', {})) count += key.length > 0 ? 1 : 0;
    return count;
  };
  assert.equal(
    await secondsOf(
      clock,
      list().then((count) => assert.equal(count, 2500)),
    ),
    2,
  );
  assert.equal(await secondsOf(clock, driver.deleteMany(keys, {})), 3);
  assert.equal(memory.contents().size, 0);
});

test('a deletion of many counts once for as many as the service deletes with one request', async () => {
  const clock = new ManualClock();
  const memory = new MemoryDriver({ objects: keys.map((key) => [key, Buffer.of(1)]) });
  const requests: number[] = [];
  const service = {
    ...intercept(memory, { run: (_operation, work) => work(), stream: (_operation, open) => open() }),
    capabilities: { ...memory.capabilities, keysPerDeletion: 100 },
    deleteMany: (some: readonly string[], options: AbortableOptions) => {
      requests.push(some.length);
      return memory.deleteMany(some, options);
    },
  };
  const driver = withRequestRate(service, { requestsPerSecond: 1, clock });
  assert.equal(await secondsOf(clock, driver.deleteMany(keys.slice(0, 250), {})), 2);
  assert.deepEqual(requests, [100, 100, 50]);
  const location = parseGcsLocation('//bucket');
  assert.equal(new GcsDriver(location).capabilities.keysPerDeletion, 100);
});

test('a request that waits is never sent when its signal fires', async () => {
  const { driver, memory } = bench(0.001);
  await driver.put('first', Buffer.of(1), {});
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = [
    driver.put('second', Buffer.of(1), { signal }),
    collect(driver.get('k/00000', { signal })),
  ];
  const settled = Promise.allSettled(waiting);
  controller.abort();
  for (const result of await settled) {
    assert.ok(result.status === 'rejected' && result.reason instanceof CancelledError);
  }
  assert.ok(!memory.contents().has('second'));
});

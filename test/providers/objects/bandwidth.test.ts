import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledError } from '../../../src/base/errors.ts';
import { withBandwidth } from '../../../src/providers/objects/bandwidth.ts';
import type { ObjectDriver, PutOptions } from '../../../src/providers/objects/driver.ts';
import { withLimit } from '../../../src/providers/objects/limit.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { openStore } from '../../../src/providers/objects/open.ts';
import { bodySizeBytes, collect } from '../../../src/providers/objects/object-body.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const slice = 1000;

/** Sends bodies in slices, as a driver of a network does, and notes when each was sent. */
function pacing(memory: MemoryDriver, sent: (key: string, bytes: number) => void): ObjectDriver {
  return {
    url: memory.url,
    capabilities: memory.capabilities,
    put: async (key, body, options: PutOptions) => {
      for (let rest = bodySizeBytes(body); rest > 0; rest -= slice) {
        await options.pace?.(Math.min(slice, rest), options.signal);
        sent(key, Math.min(slice, rest));
      }
      await memory.put(key, body, options);
    },
    get: async function* (key, options) {
      const whole = await collect(memory.get(key, options));
      for (let start = 0; start < whole.length; start += slice) yield whole.subarray(start, start + slice);
    },
    head: (key, options) => memory.head(key, options),
    list: (prefix, options) => memory.list(prefix, options),
    delete: (key, options) => memory.delete(key, options),
    deleteMany: (keys, options) => memory.deleteMany(keys, options),
    createMultipart: (key, options) => memory.createMultipart(key, options),
    close: () => memory.close(),
  };
}

function bench(rates: { readonly uploadRate?: number; readonly downloadRate?: number }) {
  const clock = new ManualClock();
  const moved: { readonly key: string; readonly bytes: number; readonly atMs: number }[] = [];
  const startMs = clock.monotonicMs();
  const note = (key: string, bytes: number): void =>
    void moved.push({ key, bytes, atMs: clock.monotonicMs() - startMs });
  const memory = new MemoryDriver({ objects: [['big', Buffer.alloc(20 * slice, 1)]] });
  const driver = withBandwidth(withLimit(pacing(memory, note), { connections: 2 }), { ...rates, clock });
  return { clock, driver, memory, moved, note };
}

/** The most that was moved within any second. */
function busiestSecond(moved: readonly { readonly bytes: number; readonly atMs: number }[]): number {
  return Math.max(
    ...moved.map(({ atMs }) =>
      moved
        .filter((other) => other.atMs >= atMs && other.atMs < atMs + 1000)
        .reduce((total, { bytes }) => total + bytes, 0),
    ),
  );
}

test('bodies of all puts together are sent no faster than the rate, and side by side', async () => {
  const { clock, driver, memory, moved } = bench({ uploadRate: 5 * slice });
  const puts = ['a', 'b'].map((key) => driver.put(key, Buffer.alloc(10 * slice, 2), {}));
  await clock.advanceUntil(Promise.all(puts));
  assert.ok(busiestSecond(moved) <= 6 * slice);
  assert.ok((moved.at(-1)?.atMs ?? 0) >= 3600);
  assert.deepEqual(new Set(moved.slice(0, 4).map(({ key }) => key)), new Set(['a', 'b']));
  assert.equal(memory.contents().size, 3);
});

test('what is received is handed on no faster than the rate', async () => {
  const { clock, driver, moved, note } = bench({ downloadRate: 5 * slice });
  const read = async (): Promise<void> => {
    for await (const piece of driver.get('big', {})) note('big', piece.byteLength);
  };
  await clock.advanceUntil(read());
  assert.equal(moved.length, 20);
  assert.ok(busiestSecond(moved) <= 6 * slice);
});

test('a reader who is held back holds no connection', async () => {
  const { clock, driver, memory } = bench({ downloadRate: slice });
  const readers = Array.from({ length: 4 }, () => collect(driver.get('big', {})));
  await clock.advance(1000);
  await driver.put('meanwhile', Buffer.of(1), {});
  assert.ok(memory.contents().has('meanwhile'));
  await clock.advanceUntil(Promise.all(readers));
});

test('a driver that sends bodies at once makes the next body wait for as long', async () => {
  const clock = new ManualClock();
  const memory = new MemoryDriver();
  const driver = withBandwidth(memory, { uploadRate: 1000, clock });
  await driver.put('first', Buffer.alloc(10_000), {});
  const second = driver.put('second', Buffer.alloc(1), {});
  await clock.advance(9000);
  assert.ok(!memory.contents().has('second'));
  await clock.advance(1000);
  await second;
  assert.ok(memory.contents().has('second'));
});

test('parts of an upload count, and a cancelled one ends while it is held back', async () => {
  const clock = new ManualClock();
  const driver = withBandwidth(new MemoryDriver(), { uploadRate: 1000, clock });
  const upload = await driver.createMultipart('large', {});
  await upload.putPart(1, Buffer.alloc(100_000));
  const controller = new AbortController();
  const waiting = upload.putPart(2, Buffer.of(1), { signal: controller.signal });
  controller.abort();
  await assert.rejects(waiting, CancelledError);
  await upload.complete();
});

test('a store keeps to its limits, each attempt counted, and says no to those that are none', async () => {
  const clock = new ManualClock();
  const requests: number[] = [];
  const startMs = clock.monotonicMs();
  const store = await openStore('memory:', {
    clock,
    limits: { downloadRate: 2 ** 20, uploadRate: 2 ** 20, requestsPerSecond: 2 },
    observe: () => void requests.push(clock.monotonicMs() - startMs),
  });
  const puts = Array.from({ length: 6 }, (_, index) => store.put(`k${index}`, Buffer.alloc(2 ** 19)));
  await clock.advanceUntil(Promise.all(puts));
  await clock.advanceUntil(Promise.all([store.get('k1'), store.exists('k2'), store.delete('k3')]));
  assert.equal(requests.length, 9);
  for (const atMs of requests) {
    assert.ok(requests.filter((other) => other >= atMs && other < atMs + 1000).length <= 3);
  }
  await assert.rejects(openStore('memory:', { limits: { uploadRate: 0 } }), /above 0/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledError, StoreError } from '../../../src/base/errors.ts';
import type { ObjectDriver } from '../../../src/providers/objects/driver.ts';
import { intercept } from '../../../src/providers/objects/intercept.ts';
import { withLimit } from '../../../src/providers/objects/limit.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { collect } from '../../../src/providers/objects/object-body.ts';
import { faultRules, withFaults } from '../../support/providers/fault.ts';

interface Gauge {
  running: number;
  most: number;
}

/** Every request takes a few turns of the event loop, and counts while it does. */
function gauged(driver: ObjectDriver, gauge: Gauge): ObjectDriver {
  const counted = async <T>(work: () => Promise<T>): Promise<T> => {
    gauge.running += 1;
    gauge.most = Math.max(gauge.most, gauge.running);
    try {
      for (let turn = 0; turn < 3; turn += 1) await nextTurn();
      return await work();
    } finally {
      gauge.running -= 1;
    }
  };
  return intercept(driver, {
    run: (_operation, work) => counted(work),
    stream: async function* (_operation, open) {
      const iterator = open()[Symbol.asyncIterator]();
      for (;;) {
        const result = await counted(() => iterator.next());
        if (result.done === true) return;
        yield result.value;
      }
    },
  });
}

/** Refuses requests, and passes streams, while it is overloaded. */
function overloadable(driver: ObjectDriver, isOverloaded: () => boolean): ObjectDriver {
  return intercept(driver, {
    run: async (_operation, work) => {
      if (isOverloaded()) throw new StoreError('throttled', 'slow down', { retryable: true });
      return work();
    },
    stream: (_operation, open) => open(),
  });
}

test('no more requests run at once than there are connections', async () => {
  const gauge = { running: 0, most: 0 };
  const driver = withLimit(gauged(new MemoryDriver(), gauge), { connections: 3 });
  const keys = Array.from({ length: 30 }, (_, index) => `k/${index}`);
  await Promise.all(keys.map((key) => driver.put(key, Buffer.alloc(200_000), {})));
  await Promise.all(keys.map((key) => collect(driver.get(key, {}))));
  await Promise.all(keys.map((key) => driver.head(key, {})));
  assert.equal(gauge.most, 3);
  assert.equal(gauge.running, 0);
});

test("without a number the driver's own limit holds", async () => {
  const gauge = { running: 0, most: 0 };
  const driver = gauged(new MemoryDriver(), gauge);
  const limited = withLimit(driver);
  await Promise.all(Array.from({ length: 60 }, (_, index) => limited.put(`k${index}`, Buffer.of(1), {})));
  assert.equal(gauge.most, driver.capabilities.connections);
});

test('a reader that puts what it reads does not starve with one connection', async () => {
  const memory = new MemoryDriver({ objects: [['a', Buffer.alloc(300_000, 1)]] });
  const driver = withLimit(memory, { connections: 1 });
  let pieces = 0;
  for await (const piece of driver.get('a', {})) {
    pieces += 1;
    await driver.put(`copy/${pieces}`, piece, {});
  }
  for await (const { key } of driver.list('copy/', {})) await driver.delete(key, {});
  assert.ok(pieces > 1);
  assert.deepEqual([...memory.contents().keys()], ['a']);
});

test('a request leaves the queue when its signal fires, and is never sent', async () => {
  const stalling = withFaults(new MemoryDriver(), faultRules({ action: { kind: 'stall' } }));
  const driver = withLimit(stalling, { connections: 1 });
  const first = new AbortController();
  const second = new AbortController();
  const blocking = driver.put('first', Buffer.of(1), { signal: first.signal });
  const queued = driver.put('second', Buffer.of(1), { signal: second.signal });
  const streamed = collect(driver.get('second', { signal: second.signal }));
  const settled = Promise.allSettled([blocking]);
  second.abort();
  await assert.rejects(queued, CancelledError);
  await assert.rejects(streamed, CancelledError);
  first.abort();
  const [result] = await settled;
  assert.equal(result.status, 'rejected');
  await driver.put('third', Buffer.of(1), {});
  assert.deepEqual(await keysOf(driver), ['third']);
});

test('an upload can be aborted while every connection is stalled', async () => {
  const rules = faultRules({ on: 'put-part', action: { kind: 'stall' } });
  const driver = withLimit(withFaults(new MemoryDriver(), rules), { connections: 1 });
  const upload = await driver.createMultipart('k', {});
  const controller = new AbortController();
  const stalled = Promise.allSettled([upload.putPart(1, Buffer.of(1), { signal: controller.signal })]);
  await upload.abort();
  controller.abort();
  await stalled;
});

test('a thousand waiting requests on one signal raise no warning', async () => {
  const warnings: Error[] = [];
  const collectWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', collectWarning);
  const { signal } = new AbortController();
  const driver = withLimit(new MemoryDriver(), { connections: 2 });
  await Promise.all(
    Array.from({ length: 1000 }, (_, index) => driver.put(`k${index}`, Buffer.of(1), { signal })),
  );
  await nextTurn();
  process.off('warning', collectWarning);
  assert.deepEqual(warnings, []);
});

async function keysOf(driver: ObjectDriver): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of driver.list('', {})) keys.push(key);
  return keys;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test('a server that is overloaded is asked for less at once, and for more again as it recovers', async () => {
  const gauge = { running: 0, most: 0 };
  let overloaded = false;
  const busy = overloadable(new MemoryDriver(), () => overloaded);
  const driver = withLimit(gauged(busy, gauge), { connections: 16 });
  const most = async (requests: number): Promise<number> => {
    gauge.most = 0;
    await Promise.allSettled(
      Array.from({ length: requests }, (_, i) => driver.put(`k${i}`, Buffer.of(1), {})),
    );
    return gauge.most;
  };
  assert.equal(await most(40), 16);
  overloaded = true;
  await most(16);
  overloaded = false;
  assert.equal(await most(8), 8, 'sixteen refusals of one burst count once');
  overloaded = true;
  for (let round = 0; round < 5; round += 1) await most(1);
  overloaded = false;
  assert.equal(await most(2), 1);
  assert.equal(await most(400), 16, 'no place came back');
});

test('a server that refused everything for a while soon gets again half of what it had', async () => {
  const gauge = { running: 0, most: 0 };
  let overloaded = false;
  const busy = overloadable(new MemoryDriver(), () => overloaded);
  const driver = withLimit(gauged(busy, gauge), { connections: 16 });
  const atOnce = async (requests: number): Promise<number> => {
    gauge.most = 0;
    await Promise.allSettled(
      Array.from({ length: requests }, (_, index) => driver.put(`k${index}`, Buffer.of(1), {})),
    );
    return gauge.most;
  };
  await atOnce(16);
  overloaded = true;
  for (let refusal = 0; refusal < 10; refusal += 1) await atOnce(1);
  overloaded = false;
  assert.deepEqual([await atOnce(1), await atOnce(2), await atOnce(4), await atOnce(8)], [1, 2, 4, 8]);
  const next = await atOnce(16);
  assert.ok(next === 9 || next === 10, `${next} at once: from there on it is one more for a whole round`);
});

test('the pieces of one answer do not bring the places back', async () => {
  const memory = new MemoryDriver();
  await memory.put('large', Buffer.alloc(4_000_000), {});
  const gauge = { running: 0, most: 0 };
  let overloaded = true;
  const busy = overloadable(memory, () => overloaded);
  const driver = withLimit(gauged(busy, gauge), { connections: 16 });
  for (let cut = 0; cut < 4; cut += 1) await Promise.allSettled([driver.head('large', {})]);
  overloaded = false;
  await collect(driver.get('large', {}));
  gauge.most = 0;
  await Promise.all([1, 2, 3, 4].map(() => driver.head('large', {})));
  // The answer brought one place back, and the first of these another.
  assert.ok(gauge.most <= 3, `${gauge.most} at once after four refusals and one answer`);
});

for (const kind of ['uploads', 'downloads'] as const) {
  test(`${kind} that began before the refusals do not bring the places back when they end`, async () => {
    const memory = new MemoryDriver({ objects: [['large', Buffer.alloc(400_000)]] });
    const release = Promise.withResolvers<void>();
    let [mode, running, most]: ['slow' | 'refusing' | 'well', number, number] = ['slow', 0, 0];
    const held = intercept(memory, {
      run: async (_operation, work) => {
        if (mode === 'slow') await release.promise;
        if (mode === 'refusing') throw new StoreError('throttled', 'slow down', { retryable: true });
        running += 1;
        most = Math.max(most, running);
        for (let turn = 0; turn < 3; turn += 1) await nextTurn();
        running -= 1;
        return work();
      },
      stream: async function* (_operation, open) {
        await release.promise;
        yield* open();
      },
    });
    const driver = withLimit(held, { connections: 16 });
    const begun = Array.from({ length: 3 }, (_, index) =>
      kind === 'uploads' ? driver.put(`k${index}`, Buffer.of(1), {}) : collect(driver.get('large', {})),
    );
    await nextTurn();
    mode = 'refusing';
    for (let cut = 0; cut < 3; cut += 1) await Promise.allSettled([driver.head('large', {})]);
    mode = 'well';
    release.resolve();
    await Promise.all(begun);
    most = 0;
    await Promise.all([1, 2, 3].map(() => driver.head('large', {})));
    assert.equal(most, 2, 'sixteen, halved three times');
  });
}

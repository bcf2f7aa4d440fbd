import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledError, StoreError } from '../../../src/base/errors.ts';
import type { RetryEvent, RetryOptions } from '../../../src/providers/objects/attempts.ts';
import type { ObjectDriver } from '../../../src/providers/objects/driver.ts';
import { intercept } from '../../../src/providers/objects/intercept.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { collect } from '../../../src/providers/objects/object-body.ts';
import { withRetry } from '../../../src/providers/objects/retry.ts';
import { failEverywhere, faultRules, withFaults } from '../../support/providers/fault.ts';
import type { FaultRule } from '../../support/providers/fault.ts';
import { InstantClock } from '../../support/providers/instant-clock.ts';
import { Trace, withTrace } from '../../support/providers/trace.ts';

const outage = (rule: Partial<FaultRule> = {}): FaultRule => ({
  times: Infinity,
  action: { kind: 'fail-before' },
  ...rule,
});

interface Bench {
  readonly driver: ObjectDriver;
  readonly memory: MemoryDriver;
  readonly clock: InstantClock;
  readonly trace: Trace;
}

function bench(rules: readonly FaultRule[], options: RetryOptions = {}): Bench {
  const memory = new MemoryDriver();
  const clock = new InstantClock();
  const trace = new Trace();
  const faulty = withFaults(memory, faultRules(...rules));
  const driver = withRetry(withTrace(faulty, trace), { clock, random: () => 1, ...options });
  return { driver, memory, clock, trace };
}

test('waits double from one second to a minute, and end with the budget', async () => {
  const { driver, clock, trace } = bench([outage()]);
  await assert.rejects(driver.put('k', Buffer.of(1), {}), StoreError);
  assert.deepEqual(
    clock.sleeps.slice(0, 8),
    [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000),
  );
  const total = clock.sleeps.reduce((sum, ms) => sum + ms, 0);
  assert.ok(total <= 15 * 60_000 && total > 13 * 60_000, `waited ${total} ms`);
  assert.equal(trace.entries.length, clock.sleeps.length + 1);
});

test('waits have full jitter', async () => {
  const draws = [0, 0.25, 0.999];
  const { driver, clock } = bench([outage({ times: 3 })], { random: () => draws.shift() ?? 0 });
  await driver.head('k', {}).catch(() => {});
  assert.deepEqual(clock.sleeps, [0, 500, 3996]);
});

test('time spent in attempts counts against the budget', async () => {
  const { driver, clock } = bench([outage()], { budgetMs: 10_000, onRetry: () => clock.advance(4000) });
  await assert.rejects(driver.delete('k', {}), StoreError);
  assert.equal(clock.sleeps.length, 2);
});

test('an error that is not retryable is thrown at once', async () => {
  const denied = new StoreError('permission-denied', 'no');
  const { driver, clock } = bench([outage({ action: { kind: 'fail-before', error: denied } })]);
  await assert.rejects(driver.put('k', Buffer.of(1), {}), denied);
  await assert.rejects(collect(driver.get('k', {})), denied);
  await assert.rejects(driver.list('', {})[Symbol.asyncIterator]().next(), denied);
  const bug = new TypeError('bug');
  const broken = bench([outage({ action: { kind: 'fail-before', error: bug } })]);
  await assert.rejects(broken.driver.head('k', {}), bug);
  assert.deepEqual([...clock.sleeps, ...broken.clock.sleeps], []);
});

test('a signal ends the wait for the next attempt', async () => {
  const controller = new AbortController();
  const { driver } = bench([outage()], { onRetry: () => controller.abort() });
  await assert.rejects(driver.put('k', Buffer.of(1), { signal: controller.signal }), CancelledError);
  const again = new AbortController();
  const reading = bench([outage()], { onRetry: () => again.abort() });
  await assert.rejects(collect(reading.driver.get('k', { signal: again.signal })), CancelledError);
});

test('every attempt to come is reported', async () => {
  const events: RetryEvent[] = [];
  const { driver } = bench([outage({ times: 2 })], { onRetry: (event) => events.push(event) });
  await driver.put('k', Buffer.of(1), {});
  assert.deepEqual(
    events.map(({ kind, key, failures, delayMs }) => [kind, key, failures, delayMs]),
    [
      ['put', 'k', 1, 1000],
      ['put', 'k', 2, 2000],
    ],
  );
});

test('a create that was stored though it failed succeeds on the second try', async () => {
  for (const size of [0, 10, 300_000]) {
    const { driver, memory } = bench([{ on: 'put', action: { kind: 'fail-after' } }]);
    await driver.put('k', [Buffer.alloc(size, 1), Buffer.of(2)], { mode: 'create' });
    assert.equal(memory.contents().get('k')?.byteLength, size + 1);
  }
});

test('a create that met the object of another writer fails, whatever its size', async () => {
  for (const other of [Buffer.from('theirs'), Buffer.from('longer than ours')]) {
    const { driver, memory } = bench([{ on: 'put', action: { kind: 'fail-before' } }]);
    await memory.put('k', other, {});
    await assert.rejects(
      driver.put('k', Buffer.from('ours!!'), { mode: 'create' }),
      hasCode('already-exists'),
    );
    assert.deepEqual(memory.contents().get('k'), other);
  }
});

test('a create that fails at its first try is not compared, even with equal bytes', async () => {
  const { driver, memory, trace } = bench([]);
  await memory.put('k', Buffer.from('same'), {});
  await assert.rejects(driver.put('k', Buffer.from('same'), { mode: 'create' }), hasCode('already-exists'));
  assert.deepEqual(
    trace.entries.map(({ kind }) => kind),
    ['put'],
  );
});

test('the comparison of an unclear create is itself tried again', async () => {
  const { driver } = bench([
    { on: 'put', action: { kind: 'fail-after' } },
    { on: 'head', action: { kind: 'fail-before' } },
    { on: 'get', action: { kind: 'break-off', after: 3 } },
  ]);
  await driver.put('k', Buffer.from('our bytes'), { mode: 'create' });
});

test('a get that breaks off goes on at the first missing byte', async () => {
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index * 7));
  for (const after of [0, 1, 65_536, 70_000, 199_999, 200_000]) {
    for (const range of [undefined, { start: 0, end: 200_000 }, { start: 100, end: 150_000 }]) {
      const { driver, memory, trace } = bench([
        { on: 'get', action: { kind: 'break-off', after } },
        { on: 'get', nth: 2, action: { kind: 'break-off', after: 10 } },
      ]);
      await memory.put('k', bytes, {});
      const got = await collect(driver.get('k', { range }));
      assert.deepEqual(got, bytes.subarray(range?.start ?? 0, range?.end), `break after ${after}`);
      if (range === undefined) assert.ok(trace.entries.length >= 2, 'the break was not met');
    }
  }
});

test('progress renews the budget of a stream', async () => {
  const { driver, memory, clock } = bench(
    [outage({ on: 'get', times: 40, action: { kind: 'break-off', after: 10 } })],
    {
      budgetMs: 2000,
    },
  );
  await memory.put('k', Buffer.alloc(450, 3), {});
  assert.equal((await collect(driver.get('k', {}))).byteLength, 450);
  assert.ok(clock.sleeps.every((ms) => ms === 1000));
  assert.equal(clock.sleeps.length, 40);
});

test('a stream without progress ends with the budget', async () => {
  const { driver, memory } = bench([
    outage({ on: 'get', nth: 2 }),
    { on: 'get', action: { kind: 'break-off', after: 5 } },
  ]);
  await memory.put('k', Buffer.alloc(50), {});
  await assert.rejects(collect(driver.get('k', {})), hasCode('unavailable'));
});

test('a listing that breaks off goes on without gap or repetition', async () => {
  for (let after = 0; after <= 5; after += 1) {
    const { driver, memory } = bench([{ on: 'list', times: 3, action: { kind: 'break-off', after } }]);
    for (const key of ['a-b', 'a/b', 'a0', 'b', 'c']) await memory.put(key, Buffer.of(1), {});
    const keys: string[] = [];
    for await (const { key } of driver.list('', {})) keys.push(key);
    assert.deepEqual(keys, ['a-b', 'a/b', 'a0', 'b', 'c']);
  }
});

test('an upload in parts survives a failure anywhere, before or after its effect', async () => {
  for (const kind of ['fail-before', 'fail-after'] as const) {
    await failEverywhere({ kind }, async (plan) => {
      const memory = new MemoryDriver();
      const driver = withRetry(withFaults(memory, plan), { clock: new InstantClock() });
      const upload = await driver.createMultipart('k', { mode: 'create' });
      await upload.putPart(2, Buffer.from('-two'));
      await upload.putPart(1, Buffer.from('one'));
      await upload.complete();
      assert.deepEqual(memory.contents().get('k'), Buffer.from('one-two'));
    });
  }
});

test('a completion that met another object fails', async () => {
  const { driver, memory } = bench([{ on: 'complete-multipart', action: { kind: 'fail-before' } }]);
  const upload = await driver.createMultipart('k', { mode: 'create' });
  await upload.putPart(1, Buffer.from('ours'));
  await memory.put('k', Buffer.from('theirs'), {});
  await assert.rejects(upload.complete(), hasCode('already-exists'));
});

test('an unclear completion whose check fails once is checked again', async () => {
  const { driver } = bench([
    { on: 'complete-multipart', action: { kind: 'fail-after' } },
    { on: 'head', action: { kind: 'fail-before' } },
  ]);
  const upload = await driver.createMultipart('k', { mode: 'create' });
  await upload.putPart(1, Buffer.from('ours'));
  await upload.complete();
});

test('an abort gives up soon', async () => {
  const { driver, clock } = bench([outage({ on: 'abort-multipart' })]);
  const upload = await driver.createMultipart('k', {});
  await assert.rejects(upload.abort(), hasCode('unavailable'));
  assert.ok(clock.sleeps.reduce((sum, ms) => sum + ms, 0) <= 10_000);
});

test('an abort that hung before it failed is not tried again', async () => {
  const clock = new InstantClock();
  let tries = 0;
  const silent = intercept(new MemoryDriver(), {
    run: async ({ kind }, work) => {
      if (kind !== 'abort-multipart') return work();
      tries += 1;
      clock.advance(120_000);
      throw new StoreError('timeout', 'nothing moves', { retryable: true });
    },
    stream: (_operation, open) => open(),
  });
  const upload = await withRetry(silent, { clock, random: () => 1 }).createMultipart('k', {});
  await assert.rejects(upload.abort(), hasCode('timeout'));
  assert.equal(tries, 1);
});

test('a whole session survives a failure of any one request', async () => {
  for (const kind of ['fail-before', 'fail-after'] as const) {
    await failEverywhere({ kind }, async (plan, nth) => {
      const memory = new MemoryDriver();
      const driver = withRetry(withFaults(memory, plan), { clock: new InstantClock() });
      await driver.put('a', Buffer.from('a'), { mode: 'create' });
      await driver.put('b', Buffer.from('b'), {});
      assert.equal((await collect(driver.get('a', {}))).toString(), 'a', `request ${nth}`);
      assert.equal((await driver.head('b', {})).sizeBytes, 1);
      const keys: string[] = [];
      for await (const { key } of driver.list('', {})) keys.push(key);
      assert.deepEqual(keys, ['a', 'b'], `request ${nth}`);
      await driver.delete('a', {});
      assert.deepEqual([...memory.contents().keys()], ['b'], `request ${nth}`);
    });
  }
});

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.code === code;
}

test('a server that names a time is left alone for at least as long', async () => {
  const memory = new MemoryDriver();
  const clock = new InstantClock();
  let refusals = 2;
  const busy = intercept(memory, {
    run: async (_operation, work) => {
      if (refusals-- > 0)
        throw new StoreError('throttled', 'slow down', { retryable: true, retryAfterMs: 7000 });
      return work();
    },
    stream: (_operation, open) => open(),
  });
  await withRetry(busy, { clock, random: () => 0.5 }).put('k', Buffer.of(1), {});
  assert.deepEqual(clock.sleeps, [7500, 8000]);
});

test('a listing that breaks off does not begin again at its first page', async () => {
  const asked: (string | undefined)[] = [];
  const memory = new MemoryDriver();
  for (const key of ['a', 'b', 'c', 'd']) await memory.put(key, Buffer.of(1), {});
  const paged: ObjectDriver = {
    ...intercept(memory, { run: (_operation, work) => work(), stream: (_operation, open) => open() }),
    list: async function* (prefix, options) {
      asked.push(options.after);
      let yielded = 0;
      for await (const info of memory.list(prefix, options)) {
        if (options.after !== undefined && info.key <= options.after) continue;
        if (yielded++ === 2) throw new StoreError('unavailable', 'broken', { retryable: true });
        yield info;
      }
    },
  };
  const keys: string[] = [];
  const driver = withRetry(paged, { clock: new InstantClock() });
  for await (const { key } of driver.list('', {})) keys.push(key);
  assert.deepEqual(keys, ['a', 'b', 'c', 'd']);
  assert.deepEqual(asked, [undefined, 'b']);
  asked.length = 0;
  for await (const { key } of driver.list('', { after: 'b' })) assert.ok(key > 'b');
  assert.deepEqual(asked, ['b']);
});

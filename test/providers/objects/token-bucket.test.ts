import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledError } from '../../../src/base/errors.ts';
import { TokenBucket } from '../../../src/providers/objects/token-bucket.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { createRandom, forEachSeed } from '../../support/seed.ts';

interface Taken {
  readonly who: string;
  readonly amount: number;
  readonly atMs: number;
}

function bench(rate: number | (() => number), leastBurst?: number) {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ rate: typeof rate === 'number' ? () => rate : rate, leastBurst, clock });
  const taken: Taken[] = [];
  const take = async (who: string, amount: number, times: number, signal?: AbortSignal): Promise<void> => {
    for (let time = 0; time < times; time++) {
      await bucket.take(amount, signal);
      taken.push({ who, amount, atMs: clock.monotonicMs() });
    }
  };
  return { clock, bucket, taken, take };
}

test('within any time no more is handed out than the rate, the burst and one amount', async (t) => {
  await forEachSeed(t, 20, async (seed) => {
    const random = createRandom(seed);
    const rate = random.between(500, 100_000);
    const { clock, taken, take } = bench(rate);
    const takers = ['a', 'b', 'c'].map((who) => take(who, random.between(1, rate), 15));
    await clock.advanceUntil(Promise.all(takers));
    const most = Math.max(rate / 10, ...taken.map(({ amount }) => amount));
    for (const [first, { atMs }] of taken.entries()) {
      let total = 0;
      for (const later of taken.slice(first)) {
        total += later.amount;
        const allowed = ((later.atMs - atMs) / 1000) * rate + most;
        assert.ok(total <= allowed + 1e-6, `${total} of ${allowed} within ${later.atMs - atMs} ms`);
      }
    }
  });
});

test('what is asked for without pause is handed out at the rate', async () => {
  const { clock, taken, take } = bench(1000);
  await clock.advanceUntil(take('a', 10, 1000));
  const lastedMs = (taken.at(-1)?.atMs ?? 0) - (taken[0]?.atMs ?? 0);
  assert.ok(lastedMs >= 9800 && lastedMs <= 10_100, `${lastedMs} ms`);
});

test('a pause saves a burst and no more', async () => {
  const { clock, taken, take } = bench(1000);
  await clock.advance(3_600_000);
  const startMs = clock.monotonicMs();
  await clock.advanceUntil(take('a', 1, 300));
  assert.equal(taken.filter(({ atMs }) => atMs === startMs).length, 100);
});

test('an amount larger than the burst is owed afterwards', async () => {
  const { clock, taken, take } = bench(1000);
  await clock.advanceUntil(take('a', 5000, 2));
  const [first, second] = taken;
  assert.equal((second?.atMs ?? 0) - (first?.atMs ?? 0), 5000);
});

test('takers go in turns, however much each asks for in all', async () => {
  const { clock, taken, take } = bench(1000);
  await clock.advanceUntil(Promise.all([take('a', 50, 100), take('b', 50, 10), take('c', 50, 10)]));
  const begin = taken.slice(0, 30).map(({ who }) => who);
  for (const who of ['a', 'b', 'c']) assert.ok(begin.filter((taker) => taker === who).length >= 8, who);
});

test('a taker whose signal fires leaves, takes nothing, and keeps nobody waiting', async () => {
  const { clock, bucket, taken, take } = bench(10, 1);
  await bucket.take(1);
  const { signal, abort } = controllerOf();
  const leaving = take('leaving', 1, 1, signal);
  const staying = take('staying', 1, 1);
  abort();
  await assert.rejects(leaving, CancelledError);
  await clock.advance(100);
  await staying;
  assert.deepEqual(
    taken.map(({ who }) => who),
    ['staying'],
  );
  await assert.rejects(bucket.take(1, AbortSignal.abort()), CancelledError);
});

test('a rate that rises while somebody waits lets him go on', async () => {
  let rate = 1;
  const { clock, bucket, taken, take } = bench(() => rate, 1);
  await bucket.take(3600);
  const waiting = take('a', 1, 1);
  await clock.advance(10_000);
  assert.equal(taken.length, 0);
  rate = Infinity;
  await clock.advance(1000);
  await waiting;
  rate = 1000;
  await clock.advance(500);
  await take('a', 100, 1);
});

test('what was charged afterwards is waited for by the next', async () => {
  const { clock, bucket, taken, take } = bench(1000);
  bucket.charge(5000);
  const startMs = clock.monotonicMs();
  await clock.advanceUntil(take('a', 0, 1));
  assert.equal((taken[0]?.atMs ?? 0) - startMs, 4900);
});

function controllerOf(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreError, throwIfAborted } from '../../../src/base/errors.ts';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { intercept } from '../../../src/providers/objects/intercept.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../../src/providers/objects/store.ts';
import { StoreWatch } from '../../../src/providers/objects/store-watch.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** A store whose listings fail with the code that is set. */
function watched() {
  const state: { code: ErrorCode | undefined; isSilent: boolean } = { code: undefined, isSilent: false };
  const driver = intercept(new MemoryDriver(), {
    run: (_, work) => work(),
    stream: async function* ({ signal }, open) {
      if (state.isSilent) {
        await new Promise((resolve) => {
          signal?.addEventListener('abort', resolve, { once: true });
        });
        throwIfAborted(signal);
      }
      if (state.code !== undefined) throw new StoreError(state.code, 'refused');
      yield* open();
    },
  });
  const clock = new ManualClock(0);
  const seen: string[] = [];
  const watch = new StoreWatch(new ObjectStore(driver), {
    intervalMs: 60_000,
    timeoutMs: 10_000,
    clock,
    onChange: (change) =>
      seen.push(`${change.sinceMs / 60_000} ${change.kind === 'gone' ? change.error.code : change.kind}`),
  });
  return { state, clock, seen, watch };
}

describe('the watch of a store', () => {
  it('tells at the next look that the store is gone, why, and that it is back', async () => {
    const { state, clock, seen, watch } = watched();
    const end = new AbortController();
    const run = watch.run(end.signal).catch((error: unknown) => error);
    await clock.advance(150_000);
    state.code = 'no-bucket';
    await clock.advance(120_000);
    state.code = 'unauthenticated';
    await clock.advance(60_000);
    state.code = undefined;
    await clock.advance(120_000);
    end.abort();
    assert.deepEqual(seen, ['0 reachable', '3 no-bucket', '5 unauthenticated', '6 reachable']);
    assert.equal(watch.state?.kind, 'reachable');
    const error = await run;
    assert.ok(error instanceof Error && 'code' in error && error.code === 'cancelled');
  });

  it('takes a store that does not answer in time for gone', async () => {
    const { state, clock, watch } = watched();
    state.isSilent = true;
    const look = watch.look();
    await clock.advance(10_000);
    const found = await look;
    assert.ok(found.kind === 'gone' && found.error.code === 'timeout');
  });

  it('ends a look when it is cancelled', async () => {
    const { state, seen, watch } = watched();
    state.isSilent = true;
    const end = new AbortController();
    const look = watch.look(end.signal);
    end.abort();
    await assert.rejects(look, { code: 'cancelled' });
    assert.deepEqual(seen, []);
  });
});

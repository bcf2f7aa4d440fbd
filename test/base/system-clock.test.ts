import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/base/system-clock.ts';

describe('systemClock', () => {
  it('tells wall-clock and monotonic time', () => {
    assert.ok(Math.abs(systemClock.nowMs() - Date.now()) < 60_000);
    const first = systemClock.monotonicMs();
    assert.ok(systemClock.monotonicMs() >= first);
  });

  it('sleeps at least as long as asked, and not at all for nothing', async () => {
    const hold = setInterval(() => undefined, 1000);
    const start = systemClock.monotonicMs();
    await systemClock.sleep(5);
    assert.ok(systemClock.monotonicMs() - start >= 5);
    await systemClock.sleep(0);
    await systemClock.sleep(-1);
    clearInterval(hold);
  });

  it('wakes with CancelledError when the signal fires, and leaves no listener', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const sleeping = systemClock.sleep(2 ** 40, controller.signal);
    setImmediate(() => controller.abort(reason));
    await assert.rejects(sleeping, { code: 'cancelled', cause: reason });
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    await assert.rejects(systemClock.sleep(1, controller.signal), { code: 'cancelled' });
  });

  it('does not keep the process alive', () => {
    const url = new URL('../../src/base/system-clock.ts', import.meta.url).href;
    const script = `import {systemClock} from ${JSON.stringify(url)}; void systemClock.sleep(3_600_000);`;
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 30_000 });
    assert.equal(result.status, 0, result.stderr.toString());
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { bootId, pidNamespace, processStartTime } from '../../src/base/process-identity.ts';

describe('process identity', () => {
  it('has the shapes of proc(5)', () => {
    assert.match(bootId() ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.match(pidNamespace() ?? '', /^pid:\[\d+\]$/);
  });

  it('tells processes apart and forgets those that have ended', async () => {
    const own = processStartTime(process.pid);
    assert.ok(own !== undefined && own > 0n);
    assert.equal(processStartTime(process.pid), own);
    const child = spawn(process.execPath, ['-e', 'process.title = "a) b (c"; setInterval(() => {}, 1000)']);
    const { pid } = child;
    assert.ok(pid !== undefined);
    const started = processStartTime(pid);
    assert.ok(started !== undefined && started >= own);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(processStartTime(pid), undefined);
  });
});

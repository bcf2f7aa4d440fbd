import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { startSpareThread, takeThread } from '../../../src/copy/pipeline/worker-thread.ts';

const module = new URL('../../../src/copy/pipeline/worker-thread.ts', import.meta.url).href;

describe('a spare thread', () => {
  it('is the first that is taken, and there is one of it', async (t) => {
    startSpareThread();
    startSpareThread();
    const first = takeThread();
    const second = takeThread();
    t.after(() => Promise.all([first.terminate(), second.terminate()]));
    assert.equal(second.threadId, first.threadId + 1);
  });

  it('that nobody takes does not keep the process alive', () => {
    const program = `import { startSpareThread } from ${JSON.stringify(module)}; startSpareThread();`;
    execFileSync(process.execPath, ['--input-type=module', '--eval', program]);
  });
});

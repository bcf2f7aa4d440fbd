import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { assertPlatform } from '../../src/base/linux-calls.ts';
import { openFolder } from '../support/open-folder.ts';
import { createFileAt, statAt, writeAt, close } from '../../src/base/file-system.ts';

describe('assertPlatform', () => {
  const good = { platform: 'linux', architecture: 'arm64', hasProc: true };

  it('accepts Linux on x64 and arm64, and this machine', () => {
    assertPlatform(good);
    assertPlatform({ ...good, architecture: 'x64' });
    assertPlatform();
  });

  for (const bad of [{ platform: 'darwin' }, { architecture: 's390x' }, { hasProc: false }]) {
    it(`refuses ${JSON.stringify(bad)} and says what to do`, () => {
      assert.throws(() => assertPlatform({ ...good, ...bad }), { code: 'unsupported', advice: /./ });
    });
  }
});

describe('file system calls in worker threads', () => {
  it('share descriptors with the main thread and cause no warning', async (t) => {
    const folder = openFolder(t);
    const name = Buffer.from([0xff, 0x0a, 0x61]);
    const file = createFileAt(folder.fd, name, 0o600);
    writeAt(file, Buffer.from('contents'), 0);
    close(file);

    const url = new URL('../support/file-system-worker.ts', import.meta.url);
    const results = await Promise.all([1, 2].map(() => runWorker(url, folder.fd)));
    for (const result of results) {
      assert.deepEqual(result, {
        names: [name.toString('hex')],
        text: 'contents',
        inode: statAt(folder.fd, name).inode,
        errno: 'ENOENT',
        warnings: [],
      });
    }
  });
});

function runWorker(url: URL, folderFd: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(url, { workerData: folderFd });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

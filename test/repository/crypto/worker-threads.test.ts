import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

import { createCompressor } from '../../../src/repository/compression/open-compressor.ts';
import { createCipher } from '../../../src/repository/crypto/open-cipher.ts';

const key = { encrypt: Buffer.alloc(32, 1), macK: Buffer.alloc(16, 2), macR: Buffer.alloc(16, 3) };
const plaintext = Buffer.from('a line of text\n'.repeat(1000));
const slotBytes = 4096;

interface Assignment {
  readonly shared: SharedArrayBuffer;
  readonly slot: number;
}

function isAssignment(value: unknown): value is Assignment {
  return typeof value === 'object' && value !== null && 'shared' in value && 'slot' in value;
}

/** Each worker compresses and seals many times, the last time into its slot of the shared memory. */
function work({ shared, slot }: Assignment): void {
  const cipher = createCipher(key);
  const compressor = createCompressor();
  let length = 0;
  for (let i = 0; i < 200; i++) {
    const out = new Uint8Array(shared, slot * slotBytes, slotBytes);
    length = cipher.sealInto(compressor.compress(plaintext, 1 + (i % 3)), out, 0);
  }
  // The last worker leaves its contexts behind, as a thread that is terminated does.
  if (slot !== 3) {
    cipher.close();
    compressor.close();
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
  parentPort?.postMessage([length, cipher.implementation, compressor.implementation]);
}

if (isMainThread) {
  test('four threads seal into shared memory at once, and the main thread opens it', async () => {
    const shared = new SharedArrayBuffer(4 * slotBytes);
    const reports = await Promise.all([0, 1, 2, 3].map((slot) => runWorker({ shared, slot })));
    const cipher = createCipher(key);
    const compressor = createCompressor();
    for (const [slot, report] of reports.entries()) {
      assert.ok(Array.isArray(report));
      assert.deepEqual(report.slice(1), ['native', 'native']);
      const sealed = new Uint8Array(shared, slot * slotBytes, Number(report[0]));
      const opened = compressor.decompress(cipher.open(sealed), plaintext.byteLength);
      assert.ok(opened.equals(plaintext), `slot ${slot}`);
    }
  });
} else if (isAssignment(workerData)) {
  work(workerData);
}

function runWorker(assignment: Assignment): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: assignment });
    let report: unknown;
    worker.once('message', (message: unknown) => {
      report = message;
    });
    worker.once('error', reject);
    worker.once('exit', () => {
      resolve(report);
    });
  });
}

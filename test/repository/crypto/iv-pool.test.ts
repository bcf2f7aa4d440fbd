import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { takeIv } from '../../../src/repository/crypto/iv-pool.ts';
import { createCipher } from '../../../src/repository/crypto/open-cipher.ts';
import { scaled } from '../../support/seed.ts';

const ivBytes = 16;

function takeIvs(count: number): Buffer {
  const ivs = Buffer.alloc(count * ivBytes);
  for (let i = 0; i < count; i++) takeIv(ivs.subarray(i * ivBytes, (i + 1) * ivBytes));
  return ivs;
}

/** First halves alone: 64 random bits still make a chance repeat among 10^7 a matter of one run in 10^5. */
function countDistinct(ivs: Uint8Array): number {
  const halves = new BigUint64Array(ivs.buffer, ivs.byteOffset, ivs.byteLength / 8)
    .filter((_, i) => i % 2 === 0)
    .sort();
  return halves.reduce((distinct, half, i) => (i > 0 && half === halves[i - 1] ? distinct : distinct + 1), 0);
}

test('no IV repeats among a million', () => {
  const count = scaled(1_000_000, 4_000_000);
  assert.equal(countDistinct(takeIvs(count)), count);
});

test('no IV repeats among the envelopes of two ciphers of one key', () => {
  const key = { encrypt: Buffer.alloc(32, 1), macK: Buffer.alloc(16, 2), macR: Buffer.alloc(16, 3) };
  const ciphers = [createCipher(key, { implementation: 'portable' }), createCipher(key)];
  const count = scaled(20_000, 1_000_000);
  const ivs = Buffer.alloc(count * ivBytes);
  const envelope = Buffer.alloc(33);
  for (let i = 0; i < count; i++) {
    ciphers[i % 2]?.sealInto(Buffer.alloc(1), envelope, 0);
    envelope.copy(ivs, i * ivBytes, 0, ivBytes);
  }
  assert.equal(countDistinct(ivs), count);
});

test('worker threads draw IVs of their own', async () => {
  const module = new URL('../../../src/repository/crypto/iv-pool.ts', import.meta.url).href;
  const code = `
    import { parentPort } from 'node:worker_threads';
    import { takeIv } from ${JSON.stringify(module)};
    const ivs = new Uint8Array(16 * 5000);
    for (let i = 0; i < 5000; i++) takeIv(ivs.subarray(16 * i, 16 * (i + 1)));
    parentPort.postMessage(ivs);`;
  const drawn = await Promise.all([drawInWorker(code), drawInWorker(code)]);
  assert.equal(countDistinct(new Uint8Array(Buffer.concat([...drawn, takeIvs(5000)]))), 15_000);
});

function drawInWorker(code: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    worker.once('message', (message: unknown) => {
      assert.ok(message instanceof Uint8Array);
      resolve(message);
    });
    worker.once('error', reject);
  });
}

import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliCompressSync, constants, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';

import { isCompressible } from '../../../src/repository/compression/probe.ts';
import { createRandom, forEachSeed, scaled } from '../../support/seed.ts';

const mib = 1024 * 1024;
const source = readFileSync(new URL(import.meta.url));
/** The running program: machine code, tables and text. */
const program = readFileSync(process.execPath).subarray(0, 24 * mib);

test('very small blobs are always worth a try', () => {
  for (const length of [0, 1, 100, 1023]) assert.equal(isCompressible(randomBytes(length)), true);
});

test('small random blobs are recognised, but for a few', async (t) => {
  await forEachSeed(t, scaled(5, 100), (seed) => {
    const random = createRandom(seed);
    const tried = Array.from({ length: 1000 }, () => random.bytes(random.between(1024, 65_535)));
    const mistaken = tried.filter((blob) => isCompressible(blob)).length;
    assert.ok(mistaken < 30, `${mistaken} of 1,000`);
  });
});

test('small blobs of text, code, numbers and runs are compressible', () => {
  const numbers = Buffer.from(Float64Array.from({ length: 500 }, (_, i) => i * 0.001).buffer);
  const samples = [source, numbers, Buffer.alloc(3000, 7), Buffer.from(randomBytes(2000).toString('base64'))];
  for (const sample of samples) assert.equal(isCompressible(sample), true);
  for (let start = 0; start + 4096 <= program.byteLength; start += 997 * 4096) {
    assert.equal(isCompressible(program.subarray(start, start + 4096)), true, `program at ${start}`);
  }
});

test('random data is not compressible, at any size that is looked at', async (t) => {
  const pool = randomBytes(8 * mib);
  await forEachSeed(t, scaled(2000, 50_000), (seed) => {
    const random = createRandom(seed);
    const length = random.between(65_536, 2 ** random.between(17, 23));
    const start = random.below(pool.byteLength - length + 1);
    assert.equal(isCompressible(pool.subarray(start, start + length)), false, `${length} bytes`);
  });
});

test('encrypted zeros are not compressible', () => {
  const cipher = createCipheriv('aes-256-ctr', randomBytes(32), randomBytes(16));
  assert.equal(isCompressible(cipher.update(Buffer.alloc(2 * mib))), false);
});

test('data that is compressed already is not compressible', () => {
  const plain = program.subarray(20 * mib, 22 * mib);
  const compressed: Record<string, Buffer> = {
    gzip: gzipSync(plain),
    deflate: deflateRawSync(plain),
    zstd: zstdCompressSync(plain),
    brotli: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  };
  for (const [name, data] of Object.entries(compressed)) {
    assert.ok(data.byteLength > 100_000);
    assert.equal(isCompressible(data), false, name);
  }
});

test('text, code, runs and sparse data are compressible', () => {
  const samples: Record<string, Buffer> = {
    text: source,
    'much text': Buffer.concat(Array.from({ length: 200 }, () => source)),
    base64: Buffer.from(randomBytes(mib).toString('base64')),
    zeros: Buffer.alloc(mib),
    'one byte repeated': Buffer.alloc(5000, 0x5a),
    'a short period': Buffer.alloc(mib, randomBytes(100)),
    'all bytes in turn': Buffer.from(Array.from({ length: 4096 }, (_, i) => i & 255)),
    'a little noise in zeros': Buffer.concat([Buffer.alloc(mib), randomBytes(1000), Buffer.alloc(mib)]),
    'half noise, half zeros': Buffer.concat([randomBytes(mib), Buffer.alloc(mib)]),
    'noise with a tenth of zeros': Buffer.concat([
      randomBytes(9 * mib).subarray(0, 7 * mib),
      Buffer.alloc(mib),
    ]),
  };
  for (const [name, data] of Object.entries(samples)) assert.equal(isCompressible(data), true, name);
  for (let start = 0; start + mib <= program.byteLength; start += mib) {
    assert.equal(isCompressible(program.subarray(start, start + mib)), true, `program at ${start}`);
  }
});

test('the answer depends on nothing but the data', () => {
  const noise = randomBytes(mib);
  for (const before of [Buffer.alloc(mib), source, noise]) {
    isCompressible(before);
    assert.equal(isCompressible(noise), false);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/base/errors.ts';
import { chunkSizes } from '../../../src/repository/chunker/chunker.ts';
import { createFastcdcChunker } from '../../../src/repository/chunker/fastcdc-chunker.ts';
import { deriveGearSeed, gearTable } from '../../../src/repository/chunker/gear-table.ts';
import { chunkFile, keystream } from '../../support/chunk-file.ts';
import { scaled } from '../../support/seed.ts';

const gearSeed = new Uint8Array(32).fill(7);

test('the cuts of a seed stand for ever: other cuts would store all data again', () => {
  assert.deepEqual(
    chunkFile(createFastcdcChunker(gearSeed), keystream(16 * 1024 * 1024)),
    [1579636, 1802165, 1461615, 1608583, 1598621, 1658700, 1428049, 2664240, 2058654, 916953],
  );
});

test('random data: chunks of about 1.5 MiB, none forced by the maximum', () => {
  const sizeBytes = scaled(64, 256) * 1024 * 1024;
  const lengths = chunkFile(createFastcdcChunker(gearSeed), keystream(sizeBytes, 1));
  const meanBytes = sizeBytes / lengths.length;
  assert.ok(meanBytes > 1.2 * 1024 ** 2 && meanBytes < 1.8 * 1024 ** 2, `mean ${meanBytes}`);
  assert.equal(lengths.filter((length) => length === chunkSizes.maximumBytes).length, 0);
});

test('a run of one byte is cut at the maximum', () => {
  const chunker = createFastcdcChunker(gearSeed);
  const { maximumBytes } = chunkSizes;
  for (const byte of [0, 1, 255]) {
    const file = Buffer.alloc(3 * maximumBytes + 1, byte);
    assert.deepEqual(chunkFile(chunker, file), [maximumBytes, maximumBytes, maximumBytes, 1]);
  }
});

test('another seed cuts elsewhere', () => {
  const file = keystream(8 * 1024 * 1024);
  const lengths = chunkFile(createFastcdcChunker(gearSeed), file);
  assert.notDeepEqual(chunkFile(createFastcdcChunker(new Uint8Array(32)), file), lengths);
});

test('a seed of another length is refused', () => {
  assert.throws(() => createFastcdcChunker(new Uint8Array(16)), UsageError);
});

test('the gear table is the keystream of the seed', () => {
  // First block of AES-256-CTR under a zero key: dc95c078a2408989 ad48a21492842087.
  const table = gearTable(new Uint8Array(32));
  assert.equal(table.length, 256);
  assert.equal(table[0], 0x898940a278c095dcn);
  assert.equal(table[1], 0x8720849214a248adn);
});

test('the gear seed follows from all of the master key', () => {
  const key = { encrypt: new Uint8Array(32), macK: new Uint8Array(16), macR: new Uint8Array(16) };
  const seeds = [
    deriveGearSeed(key),
    deriveGearSeed({ ...key, encrypt: new Uint8Array(32).fill(1) }),
    deriveGearSeed({ ...key, macK: new Uint8Array(16).fill(1) }),
    deriveGearSeed({ ...key, macR: new Uint8Array(16).fill(1) }),
  ].map((seed) => Buffer.from(seed).toString('hex'));
  assert.equal(new Set(seeds).size, 4);
  // Made with another implementation of RFC 5869.
  assert.equal(seeds[0], '6eec9825d080d1b3a7fb7a33ea2929a12a352b7526df8348d9f6e2f6accac776');
});

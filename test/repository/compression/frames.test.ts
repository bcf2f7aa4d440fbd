import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, zstdCompressSync } from 'node:zlib';

import { RepositoryError } from '../../../src/base/errors.ts';
import { findFrames } from '../../../src/repository/compression/frames.ts';
import { createCompressor } from '../../../src/repository/compression/open-compressor.ts';
import { createRandom, forEachSeed, scaled } from '../../support/seed.ts';

test('frames are found end to end, and their bound covers their contents', async (t) => {
  const compressor = createCompressor();
  await forEachSeed(t, scaled(100, 2000), (seed) => {
    const random = createRandom(seed);
    const lengths: number[] = [];
    const frames: Buffer[] = [];
    for (let i = random.between(1, 5); i > 0; i--) {
      const plain = random.chance(0.5)
        ? random.bytes(random.below(2 ** 18))
        : Buffer.alloc(random.below(2 ** 18), 'repeated ');
      const own = random.chance(0.5);
      const checksum = random.below(2);
      lengths.push(plain.byteLength);
      frames.push(
        own
          ? compressor.compress(plain, 3)
          : zstdCompressSync(plain, {
              params: { [constants.ZSTD_c_checksumFlag]: checksum },
              // Where a frame ends just at the end of a chunk, Node appends an empty one.
              chunkSize: 2 ** 19,
            }),
      );
    }
    const found = findFrames(Buffer.concat(frames));
    assert.deepEqual(
      found.map((frame) => frame.end - frame.start),
      frames.map((frame) => frame.byteLength),
    );
    for (const [i, frame] of found.entries()) assert.ok(frame.boundBytes >= (lengths[i] ?? Infinity));
  });
});

test('a frame that tells its length is bounded by it exactly', () => {
  const compressor = createCompressor();
  for (const length of [0, 1, 255, 256, 65_791, 65_792, 1_000_000]) {
    const [frame] = findFrames(compressor.compress(Buffer.alloc(length, 'exact '), 3));
    assert.equal(frame?.boundBytes, length);
  }
});

test('views with an offset are read from their own start', () => {
  const frame = zstdCompressSync(Buffer.from('offset'));
  const embedded = Buffer.concat([Buffer.from('front'), frame, Buffer.from('back')]);
  const view = new Uint8Array(embedded.buffer, embedded.byteOffset + 5, frame.byteLength);
  assert.equal(findFrames(view).length, 1);
});

test('a block of the reserved type is refused', () => {
  const reserved = Buffer.from('28b52ffd2001070000', 'hex');
  assert.throws(() => findFrames(reserved), RepositoryError);
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { constants, zstdCompressSync } from 'node:zlib';

import { RepositoryError, UsageError } from '../../../src/base/errors.ts';
import { compressBound } from '../../../src/repository/compression/compressor.ts';
import { findFrames } from '../../../src/repository/compression/frames.ts';
import { createCompressor } from '../../../src/repository/compression/open-compressor.ts';
import { createRandom, forEachSeed, scaled } from '../../support/seed.ts';
import type { Random } from '../../support/seed.ts';

const implementations = ['native', 'portable'] as const;
const mib = 1024 * 1024;

/** As other writers make it: no content size in the header, and with a checksum. */
function foreignFrame(plain: Uint8Array): Buffer {
  return zstdCompressSync(plain, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}

/** A skippable frame (RFC 8878, section 3.1.2) with three bytes in it. */
const skippableFrame = Buffer.from('582a4d1803000000616263', 'hex');

function isCorrupt(error: unknown): boolean {
  return error instanceof RepositoryError && error.code === 'corrupt';
}

function isTooLong(error: unknown): boolean {
  return error instanceof RepositoryError && error.code === 'corrupt' && /more than it may/.test(error.what);
}

/** Text, noise and runs of one byte, in pieces. */
function mixedData(random: Random, length: number): Buffer {
  const pieces: Buffer[] = [];
  for (let have = 0; have < length;) {
    const size = random.between(1, 1 + Math.floor(length / 3));
    const piece = random.chance(0.3)
      ? random.bytes(size)
      : Buffer.alloc(size, random.chance(0.5) ? 'some words, ' : random.below(256));
    pieces.push(piece);
    have += size;
  }
  return Buffer.concat(pieces).subarray(0, length);
}

test('the official binaries of Node get the native implementation', () => {
  assert.equal(createCompressor().implementation, 'native');
});

for (const implementation of implementations) {
  describe(`${implementation} compressor`, () => {
    const compressor = createCompressor({ implementation });

    test('makes one frame, also where it ends just where a chunk of the output does', () => {
      for (const chunkBytes of [16 * 1024, 32 * 1024]) {
        for (let length = chunkBytes - 24; length <= chunkBytes; length++) {
          const frame = compressor.compress(randomBytes(length), 3);
          assert.equal(findFrames(frame).length, 1, `${length} bytes`);
        }
      }
    });

    test('returns what went in, at every level and at the edges of size', () => {
      for (const level of [1, 3, 7, 11, 19, 3]) {
        for (const length of [0, 1, 2, 255, 256, 257, 65_791, 65_792, 200_000]) {
          const plain = Buffer.alloc(length, 'level and size ');
          const frame = compressor.compress(plain, level);
          assert.ok(compressor.decompress(frame, length).equals(plain), `level ${level}, ${length} bytes`);
        }
      }
    });

    test('writes one frame without a checksum that tells its length', () => {
      for (const level of [1, 3]) {
        const frame = compressor.compress(Buffer.alloc(300_000, 'abc'), level);
        assert.equal(frame.readUInt32LE(0), 0xfd2fb528);
        const descriptor = frame[4] ?? 0;
        assert.equal(descriptor & 4, 0, 'checksum flag');
        assert.equal(descriptor >> 6, 2, 'content size in 4 bytes');
        assert.equal(frame.readUInt32LE((descriptor & 0x20) === 0 ? 6 : 5), 300_000);
      }
    });

    test('compressInto returns -1 when the frame does not fit, and works on', () => {
      const noise = randomBytes(10_000);
      const frameLength = compressor.compress(noise, 3).byteLength;
      assert.ok(frameLength <= compressBound(noise.byteLength));
      for (const capacity of [0, 1, 9_999, 10_000, frameLength - 1]) {
        assert.equal(compressor.compressInto(noise, Buffer.alloc(capacity), 3), -1, `capacity ${capacity}`);
      }
      const out = Buffer.alloc(frameLength + 9, 0xee);
      assert.equal(compressor.compressInto(noise, out.subarray(0, frameLength), 3), frameLength);
      assert.ok(out.subarray(frameLength).every((byte) => byte === 0xee));
      assert.ok(compressor.decompress(out.subarray(0, frameLength), 10_000).equals(noise));
    });

    test('reads frames of other writers: no content size, checksum, several frames, skippable ones', () => {
      const parts = [Buffer.alloc(300_000, 'xyz'), Buffer.from('tail'), Buffer.alloc(0), randomBytes(5000)];
      const frames = [...parts.map((part) => foreignFrame(part)), compressor.compress(Buffer.from('end'), 3)];
      const plain = Buffer.concat([...parts, Buffer.from('end')]);
      const input = Buffer.concat(frames.flatMap((frame) => [skippableFrame, frame, skippableFrame]));
      assert.ok(compressor.decompress(input, plain.byteLength).equals(plain));
      const out = Buffer.alloc(plain.byteLength);
      assert.equal(compressor.decompressInto(input, out), plain.byteLength);
      assert.ok(out.equals(plain));
    });

    test('refuses what is empty, cut off, damaged or no zstd at all', () => {
      const plain = Buffer.alloc(1000, 'text that repeats ');
      const frame = foreignFrame(plain);
      const out = Buffer.alloc(2000);
      const bad: Buffer[] = [
        Buffer.alloc(0),
        Buffer.from('{"plain":"json"}'),
        Buffer.concat([frame, Buffer.from('x')]),
        Buffer.concat([frame, Buffer.alloc(9)]),
        Buffer.concat([frame, frame.subarray(0, 6)]),
        skippableFrame.subarray(0, 9),
        Buffer.concat([frame.subarray(0, -1), Buffer.from([(frame.at(-1) ?? 0) ^ 1])]),
      ];
      for (let length = 0; length < frame.byteLength; length++) bad.push(frame.subarray(0, length));
      for (const input of bad) {
        assert.throws(() => compressor.decompress(input, 2000), isCorrupt, input.toString('hex'));
        assert.throws(() => compressor.decompressInto(input, out), isCorrupt, input.toString('hex'));
      }
      assert.ok(compressor.decompress(frame, 1000).equals(plain), 'a failure leaves the context usable');
    });

    test('stops at the limit, to the byte', () => {
      const plain = Buffer.alloc(100_000, 'limit ');
      for (const input of [compressor.compress(plain, 3), foreignFrame(plain)]) {
        assert.equal(compressor.decompress(input, 100_000).byteLength, 100_000);
        assert.throws(() => compressor.decompress(input, 99_999), isTooLong);
        assert.throws(() => compressor.decompress(input, 0), isTooLong);
        assert.throws(() => compressor.decompressInto(input, Buffer.alloc(99_999)), isTooLong);
        const twice = Buffer.concat([input, input]);
        assert.throws(() => compressor.decompress(twice, 199_999), isTooLong);
      }
      assert.equal(compressor.decompress(foreignFrame(Buffer.alloc(0)), 0).byteLength, 0);
    });

    test('a bomb of 1 GiB is stopped at the limit without its memory', () => {
      const bomb = Buffer.concat(Array.from({ length: 64 }, () => zeroFrame(16 * mib)));
      assert.ok(bomb.byteLength < 64 * 1024);
      const before = process.memoryUsage.rss();
      assert.throws(() => compressor.decompress(bomb, 4 * mib), isTooLong);
      assert.throws(() => compressor.decompressInto(bomb, Buffer.alloc(1024)), isTooLong);
      assert.ok(process.memoryUsage.rss() - before < 64 * mib);
    });

    test('a header that lies about its length is refused, and reserves no memory', () => {
      // One raw block of one byte; the header claims 2^40 bytes in a single segment.
      const liar = Buffer.from('28b52ffde0000000000001000009000061', 'hex');
      assert.throws(() => compressor.decompress(liar, 2 ** 31), isCorrupt);
    });

    test('works on shared memory', () => {
      const memory = new Uint8Array(new SharedArrayBuffer(4096));
      memory.fill(7, 100, 1100);
      const length = compressor.compressInto(memory.subarray(100, 1100), memory.subarray(2000), 3);
      assert.equal(compressor.decompressInto(memory.subarray(2000, 2000 + length), memory), 1000);
      assert.ok(memory.subarray(0, 1000).every((byte) => byte === 7));
    });

    test('refuses levels that zstd does not have', () => {
      for (const level of [0, -1, 23, 1.5, Number.NaN]) {
        assert.throws(() => compressor.compress(Buffer.alloc(10), level), UsageError);
      }
    });
  });
}

test('a closed native compressor refuses to work, and closing it twice is harmless', () => {
  const compressor = createCompressor({ implementation: 'native' });
  const frame = compressor.compress(Buffer.from('text'), 3);
  compressor.close();
  compressor.close();
  assert.throws(() => compressor.compress(Buffer.from('text'), 3), UsageError);
  assert.throws(() => compressor.decompress(frame, 4), UsageError);
});

test('each implementation reads what the other writes, at sizes from 0 to 9 MiB', async (t) => {
  const native = createCompressor({ implementation: 'native' });
  const portable = createCompressor({ implementation: 'portable' });
  await forEachSeed(t, scaled(30, 400), (seed) => {
    const random = createRandom(seed);
    const plain = mixedData(random, random.below(2 ** random.between(1, 23) + 1));
    const level = random.pick([1, 3, 7]);
    const [fromNative, fromPortable] = [native.compress(plain, level), portable.compress(plain, level)];
    assert.ok(portable.decompress(fromNative, plain.byteLength).equals(plain));
    assert.ok(native.decompress(fromPortable, plain.byteLength).equals(plain));
  });
});

test('damaged frames never crash, and both implementations agree on the bytes of what they accept', async (t) => {
  const native = createCompressor({ implementation: 'native' });
  const portable = createCompressor({ implementation: 'portable' });
  const attempt = (decompress: () => Buffer): Buffer | undefined => {
    try {
      return decompress();
    } catch (error) {
      assert.ok(isCorrupt(error), String(error));
      return undefined;
    }
  };
  await forEachSeed(t, scaled(300, 20_000), (seed) => {
    const random = createRandom(seed);
    const frame = native.compress(mixedData(random, random.below(3000)), 3);
    for (let flips = random.between(1, 3); flips > 0; flips--) {
      const at = random.below(frame.byteLength);
      frame[at] = (frame[at] ?? 0) ^ (1 << random.below(8));
    }
    const fromNative = attempt(() => native.decompress(frame, 100_000));
    const fromPortable = attempt(() => portable.decompress(frame, 100_000));
    if (fromNative !== undefined && fromPortable !== undefined) assert.ok(fromNative.equals(fromPortable));
  });
});

test('50,000 small frames and 1,000 closed compressors leave memory flat', () => {
  const compressor = createCompressor();
  const plain = Buffer.alloc(300, 'small frames ');
  const out = Buffer.alloc(400);
  const work = (): void => {
    for (let i = 0; i < 25_000; i++) {
      const length = compressor.compressInto(plain, out, 1 + (i % 2) * 2);
      compressor.decompressInto(out.subarray(0, length), plain);
    }
    for (let i = 0; i < 500; i++) {
      const passing = createCompressor();
      passing.compressInto(plain, out, 3);
      passing.close();
    }
  };
  work();
  const before = process.memoryUsage.rss();
  work();
  const growthBytes = process.memoryUsage.rss() - before;
  assert.ok(growthBytes < 16 * mib, `grew by ${growthBytes} bytes`);
});

function zeroFrame(length: number): Buffer {
  return createCompressor({ implementation: 'portable' }).compress(Buffer.alloc(length), 3);
}

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { UsageError } from '../../../src/base/errors.ts';
import type { ChunkerName } from '../../../src/repository/chunker/chunker.ts';
import { chunkSizes } from '../../../src/repository/chunker/chunker.ts';
import { gearTable } from '../../../src/repository/chunker/gear-table.ts';
import { openChunker } from '../../../src/repository/chunker/open-chunker.ts';
import { chunkFile, keystream, slices } from '../../support/chunk-file.ts';
import { referenceFastcdcLengths, referenceRabinLengths } from '../../support/reference-chunker.ts';
import type { Random } from '../../support/seed.ts';
import { createRandom, forEachSeed, scaled } from '../../support/seed.ts';

const parameters = { polynomial: 0x3da3358b4dc173n, gearSeed: new Uint8Array(32).fill(7) };
const gear = gearTable(parameters.gearSeed);
const { minimumBytes, maximumBytes } = chunkSizes;
const mebibyte = 1024 * 1024;

const references: Record<ChunkerName, (file: Uint8Array) => number[]> = {
  rabin: (file) => referenceRabinLengths(file, parameters.polynomial),
  fastcdc: (file) => referenceFastcdcLengths(file, gear),
};

/** Random bytes with runs of one byte in between, as volumes have them. */
function volumeLike(random: Random, sizeBytes: number): Buffer {
  const file = random.bytes(sizeBytes);
  for (let runs = random.below(6); runs > 0; runs--) {
    const start = random.below(sizeBytes);
    file.subarray(start, start + random.below(3 * mebibyte)).fill(random.pick([0, 0, 255, 65]));
  }
  return file;
}

function hashes(file: Uint8Array, lengths: readonly number[]): Set<string> {
  return new Set(slices(file, lengths).map((chunk) => createHash('sha256').update(chunk).digest('hex')));
}

for (const name of ['rabin', 'fastcdc'] as const) {
  describe(name, () => {
    const chunker = openChunker(name, parameters);

    test('cuts where the reference cuts, however the file is read', async (t) => {
      await forEachSeed(t, scaled(4, 100), (seed) => {
        const random = createRandom(seed);
        const file = volumeLike(random, random.below(12 * mebibyte));
        const fill = () => random.between(maximumBytes, chunker.window.length);
        assert.deepEqual(chunkFile(chunker, file, fill), references[name](file));
      });
    });

    test('a file that ends near a bound of the chunk sizes', () => {
      const file = keystream(maximumBytes + 2, 3);
      for (const edge of [0, 64, minimumBytes, 1408 * 1024, maximumBytes]) {
        for (const sizeBytes of [edge - 1, edge, edge + 1].filter((size) => size >= 0)) {
          const part = file.subarray(0, sizeBytes);
          assert.deepEqual(chunkFile(chunker, part), references[name](part), `${sizeBytes} bytes`);
        }
      }
    });

    test('a chunk ends at the maximum where nothing else ends it', () => {
      // A short repeating pattern gives few different digests, none of which is a cut.
      const file = Buffer.alloc(2 * maximumBytes + 5, 'tranship');
      assert.deepEqual(chunkFile(chunker, file), [maximumBytes, maximumBytes, 5]);
    });

    test('asks for more bytes only below the maximum and before the end', () => {
      chunker.window.set(Buffer.alloc(maximumBytes, 'tranship'));
      assert.equal(chunker.nextChunk(0, minimumBytes - 1, false), 0);
      assert.equal(chunker.nextChunk(0, maximumBytes - 1, false), 0);
      assert.equal(chunker.nextChunk(0, maximumBytes, false), maximumBytes);
      assert.equal(chunker.nextChunk(0, maximumBytes - 1, true), maximumBytes - 1);
      assert.equal(chunker.nextChunk(7, 8, true), 1);
      assert.equal(chunker.nextChunk(7, 7, true), 0);
    });

    test('the same bytes anywhere in the window are cut the same', () => {
      const file = keystream(maximumBytes, 5);
      const places = [0, 1, 63, 4097, chunker.window.length - maximumBytes];
      const lengths = places.map((start) => {
        chunker.window.set(file, start);
        return chunker.nextChunk(start, start + maximumBytes, false);
      });
      assert.equal(new Set(lengths).size, 1);
    });

    test('bytes inserted in front and in the middle change few chunks', () => {
      const file = keystream(24 * mebibyte, 9);
      const middle = 12 * mebibyte;
      const edited = Buffer.concat([
        Buffer.alloc(100, 'x'),
        file.subarray(0, middle),
        Buffer.from('inserted'),
        file.subarray(middle),
      ]);
      const before = hashes(file, chunkFile(chunker, file));
      const after = hashes(edited, chunkFile(chunker, edited));
      const fresh = [...after].filter((hash) => !before.has(hash));
      assert.ok(before.size > 8, `${before.size} chunks`);
      assert.ok(fresh.length <= 6, `${fresh.length} of ${after.size} chunks are new`);
    });

    test('bytes outside the window are refused', () => {
      const { length } = chunker.window;
      for (const [start, end] of [
        [-1, 5],
        [5, 4],
        [0, length + 1],
        [0.5, 4],
        [0, Number.NaN],
      ] as const) {
        assert.throws(() => chunker.nextChunk(start, end, true), UsageError);
      }
    });

    test('a window below four maximum chunks is refused', () => {
      assert.throws(
        () => openChunker(name, { ...parameters, windowBytes: 4 * maximumBytes - 1 }),
        UsageError,
      );
      const { window } = openChunker(name, { ...parameters, windowBytes: 4 * maximumBytes + 1 });
      assert.equal(window.length, 4 * maximumBytes + 1);
    });

    test('chunkers do not disturb each other', () => {
      const other = openChunker(name === 'rabin' ? 'fastcdc' : 'rabin', parameters);
      const file = keystream(4 * mebibyte, 6);
      const lengths = chunkFile(chunker, file);
      chunkFile(other, file);
      assert.deepEqual(chunkFile(chunker, file), lengths);
    });
  });
}

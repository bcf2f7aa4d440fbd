import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import { parseReadDataSubset, selectPacks } from '../../src/repository/check-subset.ts';
import { createRandom } from '../support/seed.ts';

describe('subsets of packs', () => {
  const packs = new Map(
    Array.from(
      { length: 256 },
      (_, i) => [i.toString(16).padStart(2, '0').repeat(32), { sizeBytes: 100 }] as const,
    ),
  );

  it('n/t split all packs without overlap, by the first byte', () => {
    const parts = [1, 2, 3].map((part) => selectPacks(packs, { part, of: 3 }));
    assert.equal(
      parts.reduce((total, part) => total + part.size, 0),
      256,
    );
    assert.ok(parts[1]?.has('01'.repeat(32)));
    assert.ok(parts[0]?.has('ff'.repeat(32)));
  });

  it('by percentage and by size choose at random, one pack at least', () => {
    const random = createRandom(1);
    const below = (limit: number): number => random.below(limit);
    const chosen = selectPacks(packs, { percent: 25 }, below);
    assert.equal(chosen.size, 64);
    assert.notDeepEqual(chosen, selectPacks(packs, { percent: 25 }, below));
    assert.equal(selectPacks(packs, { percent: 0.01 }, below).size, 1);
    assert.equal(selectPacks(packs, { sizeBytes: 1000 }, below).size, 10);
    assert.equal(selectPacks(packs, { sizeBytes: 1e9 }, below).size, 256);
    assert.equal(selectPacks(new Map(), { percent: 50 }, below).size, 0);
  });

  it('are written n/t, x% or as a size', () => {
    assert.deepEqual(parseReadDataSubset('2/5'), { part: 2, of: 5 });
    assert.deepEqual(parseReadDataSubset('2.5%'), { percent: 2.5 });
    assert.deepEqual(parseReadDataSubset('10M'), { sizeBytes: 10 * 2 ** 20 });
    assert.deepEqual(parseReadDataSubset('3g'), { sizeBytes: 3 * 2 ** 30 });
    for (const text of ['', '0/5', '6/5', '1/257', '0%', '101%', '0', '-1', '1X', '1/2/3', '%']) {
      assert.throws(() => parseReadDataSubset(text), UsageError, text);
    }
  });
});

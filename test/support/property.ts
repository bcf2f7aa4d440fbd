/** fast-check in the terms of our seeds: a failure names the seed, and TRANSHIP_SEED replays it. */
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { replayLine, replaySeed, scaled } from './seed.ts';

/** Checks the property on random values: `small` of them, or `full` under TRANSHIP_TEST_SCALE=full. */
export function checkProperty<Values>(
  t: TestContext,
  property: fc.IProperty<Values>,
  counts: { readonly small: number; readonly full: number } = { small: 200, full: 5000 },
): void {
  const seed = replaySeed() ?? randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}; ${replayLine(t, seed)}`);
  fc.assert(property, { seed, numRuns: scaled(counts.small, counts.full) });
}

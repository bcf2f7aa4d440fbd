/** fast-check in the terms of our seeds: a failure names the seed, and TRANSHIP_SEED replays it. */
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { replayLine, replaySeed, scaled } from './seed.ts';

interface Counts {
  readonly small: number;
  readonly full: number;
}

const usualCounts: Counts = { small: 200, full: 5000 };

/** Checks the property on random values: `small` of them, or `full` under TRANSHIP_TEST_SCALE=full. */
export function checkProperty<Values>(
  t: TestContext,
  property: fc.IProperty<Values>,
  counts = usualCounts,
): void {
  fc.assert(property, runOf(t, counts));
}

/** As {@link checkProperty}, one value after the other. */
export async function checkAsyncProperty<Values>(
  t: TestContext,
  property: fc.IAsyncProperty<Values>,
  counts = usualCounts,
): Promise<void> {
  await fc.assert(property, runOf(t, counts));
}

function runOf(t: TestContext, counts: Counts): { readonly seed: number; readonly numRuns: number } {
  const seed = replaySeed() ?? randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}; ${replayLine(t, seed)}`);
  return { seed, numRuns: scaled(counts.small, counts.full) };
}

import { randomBytes } from 'node:crypto';
import { describeError, throwIfAborted } from '../../base/errors.ts';
import type { ConformanceCase } from './conformance/case.ts';
import { listCases } from './conformance/list-cases.ts';
import { multipartCases } from './conformance/multipart-cases.ts';
import { readCases } from './conformance/read-cases.ts';
import { writeCases } from './conformance/write-cases.ts';
import type { AbortableOptions, ObjectDriver } from './driver.ts';
import { withPrefix } from './prefix.ts';
import { ObjectStore } from './store.ts';

/** Everything that ObjectDriver guarantees and a test can see, in the order in which a failure is best understood. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...writeCases,
  ...readCases,
  ...listCases,
  ...multipartCases,
];

/** What came of one case. */
export interface ConformanceResult {
  /** What is guaranteed, in a sentence. */
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'not applicable';
  /** One line; only with `failed`. */
  readonly reason?: string;
}

/** How thoroughly a driver is checked. */
export interface ConformanceOptions extends AbortableOptions {
  /** Objects in long listings. Default 1,100, more than a page of the usual services. */
  readonly manyObjects?: number | undefined;
  /** Of multipart uploads. Default 5 MiB, the least that every service takes. */
  readonly partSizeBytes?: number | undefined;
}

/**
 * Runs every case against a store that is in use, each below a random prefix of its own, which it empties afterwards.
 * Yields results as they come; rejects only when cancelled (CancelledError). What a driver must guarantee stands above
 * ObjectDriver.
 *
 * @example
 * async function failuresOf(driver: ObjectDriver): Promise<string[]> {
 *   const failures: string[] = [];
 *   for await (const { name, outcome, reason } of checkConformance(driver)) {
 *     if (outcome === 'failed') failures.push(`${name}: ${reason}`);
 *   }
 *   return failures;
 * }
 */
export async function* checkConformance(
  driver: ObjectDriver,
  options: ConformanceOptions = {},
): AsyncGenerator<ConformanceResult, void, undefined> {
  for (const testCase of conformanceCases) {
    throwIfAborted(options.signal);
    yield await runConformanceCase(testCase, driver, options);
  }
}

/** Runs one case below a random prefix of the driver and removes what it left. */
export async function runConformanceCase(
  testCase: ConformanceCase,
  driver: ObjectDriver,
  options: ConformanceOptions = {},
): Promise<ConformanceResult> {
  const { name, appliesTo } = testCase;
  if (appliesTo !== undefined && !appliesTo(driver.capabilities)) return { name, outcome: 'not applicable' };
  const part = withPrefix(driver, `tranship-check-${randomBytes(8).toString('hex')}`);
  const store = new ObjectStore(part);
  const { signal, manyObjects = 1100, partSizeBytes = 5 * 1024 * 1024 } = options;
  try {
    await testCase.run({ driver: part, store, manyObjects, partSizeBytes, signal });
    return { name, outcome: 'passed' };
  } catch (error) {
    throwIfAborted(signal);
    return { name, outcome: 'failed', reason: describeError(error) };
  } finally {
    // Also after a cancellation: what a check put into a user's bucket must not stay there.
    await empty(store);
  }
}

async function empty(store: ObjectStore): Promise<void> {
  try {
    const keys: string[] = [];
    for await (const { key } of store.list()) keys.push(key);
    await store.deleteMany(keys);
  } catch {
    // The case's own outcome says what is wrong with the store.
  }
}

import { StoreError, describeError } from '../../base/errors.ts';
import type { StoreOutcome } from './findings.ts';

/** What became of a request. */
export interface Attempt<T> {
  readonly outcome: StoreOutcome;
  readonly value?: T;
  readonly reason?: string;
  readonly error?: StoreError;
}

/**
 * What becomes of a request. That something is refused or fails is a finding; that nothing can be asked at all is not,
 * and is thrown.
 */
export async function attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { outcome: 'works', value: await work() };
  } catch (error) {
    if (!(error instanceof StoreError) || isHopeless(error)) throw error;
    if (error.code === 'permission-denied') return { outcome: 'refused', error };
    return { outcome: 'failed', reason: describeError(error), error };
  }
}

function isHopeless({ code }: StoreError): boolean {
  return ['no-bucket', 'unauthenticated', 'unavailable', 'timeout', 'throttled'].includes(code);
}

import { StoreError } from '../../base/errors.ts';
import { networkError } from '../objects/network-error.ts';

/**
 * What broke a call that was not answered. Unless it is known to come before anything is sent (an unknown host, nobody
 * who listens, a certificate, no TLS), it leaves open what was done: `unavailable` or `timeout`, whatever the SDK made
 * of it.
 */
export function brokenCall(error: unknown, where: string): StoreError {
  const known = networkError(error, where);
  if (known.code === 'unavailable' || known.code === 'timeout' || isBeforeSending(error)) return known;
  const { advice } = known;
  return new StoreError('unavailable', 'the connection broke, or the answer cannot be read', {
    where,
    cause: error,
    retryable: true,
    ...(advice === undefined ? {} : { advice }),
  });
}

function isBeforeSending(error: unknown): boolean {
  return error instanceof Error && /wrong version number/.test(error.message);
}

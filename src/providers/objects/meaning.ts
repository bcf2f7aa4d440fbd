import { StoreError } from '../../base/errors.ts';
import type { ErrorCode, ErrorDetails } from '../../base/errors.ts';

/** What an answer of a service means to us. */
export interface Meaning {
  readonly code: ErrorCode;
  readonly what: string;
  readonly advice?: string;
  readonly retryable?: boolean;
}

/** Of status 407, which no service answers. */
export const proxyRefused: Meaning = {
  code: 'unauthenticated',
  what: 'the proxy wants other credentials',
  advice: 'put user and password into HTTPS_PROXY or HTTP_PROXY: http://user:password@host:port',
};

/** The meaning as an error. */
export function meaningError(meaning: Meaning, where: string, details: ErrorDetails): StoreError {
  const { code, what, advice, retryable } = meaning;
  return new StoreError(code, what, {
    where,
    ...(advice === undefined ? {} : { advice }),
    ...(retryable === undefined ? {} : { retryable }),
    ...details,
  });
}

/** Seconds only: no store sends the other form, a date, and a date would need the two clocks to agree. */
export function parseRetryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}

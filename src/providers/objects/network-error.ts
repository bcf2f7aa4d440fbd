import { StoreError, describeError } from '../../base/errors.ts';
import { meaningError } from './meaning.ts';
import type { Meaning } from './meaning.ts';

/** Errors of TLS that no second try can mend. */
const CERTIFICATE = /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

const certificates: Readonly<Record<string, readonly [what: string, advice: string]>> = {
  CERT_HAS_EXPIRED: ['has expired', 'have it renewed'],
  CERT_NOT_YET_VALID: ['is not valid yet', 'check the clocks of both machines'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['is for other hosts', 'use a name of the endpoint that it holds'],
};
const unknownAuthority = ['is from an unknown authority', 'name the authority’s certificate with --ca-cert'];

/** What the system says of a network that may be better in a while. */
const network: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at the endpoint',
  ENOTFOUND: 'the endpoint’s host name is not known',
  EAI_AGAIN: 'the endpoint’s host name cannot be looked up now',
  ECONNRESET: 'the connection broke',
  ECONNABORTED: 'the connection broke',
  EPIPE: 'the connection broke',
  EPROTO: 'the encrypted connection failed',
  ETIMEDOUT: 'no connection in time',
  EHOSTUNREACH: 'the endpoint’s host cannot be reached',
  ENETUNREACH: 'the endpoint’s network cannot be reached',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection broke',
};

/** What broke a request that was not answered, as a StoreError. */
export function networkError(error: unknown, where: string): StoreError {
  const code = codeOf(error);
  const details = { where, cause: error };
  if (CERTIFICATE.test(code)) {
    const [what, advice] = certificates[code] ?? unknownAuthority;
    return new StoreError('unavailable', `the server’s certificate ${what} (${code})`, {
      ...details,
      advice,
    });
  }
  if (code.startsWith('HPE_') || (error instanceof Error && /wrong version number/.test(error.message))) {
    const advice = 'check http:// or https:// and the port of the endpoint';
    return new StoreError('unsupported', 'the endpoint does not speak this protocol', { ...details, advice });
  }
  const meaning = networkMeaning(error);
  if (meaning !== undefined) return meaningError(meaning, where, { cause: error });
  return new StoreError('io', `the request failed: ${describeError(error).slice(0, 200)}`, details);
}

/** True for what a network may get over by itself. */
export function isPassingNetworkError(error: unknown): boolean {
  return networkMeaning(error) !== undefined;
}

function networkMeaning(error: unknown): Meaning | undefined {
  const what = network[codeOf(error)];
  if (what !== undefined) return { code: 'unavailable', what, retryable: true };
  if (!(error instanceof Error) || error.name !== 'TimeoutError') return undefined;
  return { code: 'timeout', what: 'no connection in time', retryable: true };
}

/** The first error code on the way to the root: attempts to several addresses come as one error of many. */
function codeOf(error: unknown): string {
  for (let depth = 0, at = error; depth < 4 && at instanceof Error; depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
  return '';
}

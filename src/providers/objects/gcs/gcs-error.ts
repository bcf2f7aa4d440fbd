import { TranshipError, describeError } from '../../../base/errors.ts';
import type { StoreError } from '../../../base/errors.ts';
import { meaningError, parseRetryAfterMs, proxyRefused } from '../meaning.ts';
import type { Meaning } from '../meaning.ts';
import { networkError } from '../network-error.ts';
import { arrayOf, field, parseJson, textOf } from '../../google/json-value.ts';

const noBucket: Meaning = {
  code: 'no-bucket',
  what: 'the bucket does not exist',
  advice: 'create it, or check its name and the endpoint',
};
const noObject: Meaning = { code: 'not-found', what: 'no such object' };
const refused: Meaning = {
  code: 'permission-denied',
  what: 'the server refused access',
  advice: 'the role Storage Object User (roles/storage.objectUser) on the bucket has what is needed',
};
const keyRefused: Meaning = {
  code: 'permission-denied',
  what: 'the server may not use the key',
  advice:
    'give the project’s Cloud Storage service agent the role roles/cloudkms.cryptoKeyEncrypterDecrypter on it',
};
const slowDown: Meaning = { code: 'throttled', what: 'the server asked to slow down', retryable: true };
const full: Meaning = {
  code: 'no-space',
  what: 'a quota of the project is used up',
  advice: 'raise the quota or free space',
};
const unpaid: Meaning = {
  code: 'permission-denied',
  what: 'the project’s billing account is not active',
  advice: 'activate billing of the project that owns the bucket',
};
const payer: Meaning = {
  code: 'permission-denied',
  what: 'the bucket’s requests are paid by who makes them, and no project was named that may',
  advice: 'name one of yours: gs://bucket/prefix?user-project=ID',
};
const unknownToken: Meaning = {
  code: 'unauthenticated',
  what: 'the server does not accept the credentials',
  advice: 'check the credentials file, or renew the access token',
};
const kept: Meaning = {
  code: 'permission-denied',
  what: 'a retention policy or a hold keeps the object',
  advice: 'a repository needs a bucket whose objects may be replaced and deleted',
};
const damaged: Meaning = {
  code: 'corrupt',
  what: 'the bytes arrived other than they were sent',
  retryable: true,
};
const exists: Meaning = { code: 'already-exists', what: 'the object exists already' };
const failed: Meaning = { code: 'unavailable', what: 'the server failed', retryable: true };

/** By the reason in the answer, see "Error responses" of the Cloud Storage JSON API. */
const byReason: Readonly<Record<string, Meaning>> = {
  accountDisabled: unpaid,
  authError: unknownToken,
  backendError: failed,
  conditionNotMet: exists,
  internalError: failed,
  objectUnderActiveHold: kept,
  quotaExceeded: full,
  rateLimitExceeded: slowDown,
  retentionPolicyNotMet: kept,
  userProjectAccessDenied: payer,
  userProjectInvalid: payer,
  userProjectMissing: payer,
  userRateLimitExceeded: slowDown,
};

/** Where the answer names no reason that we know. */
const byStatus: Readonly<Record<number, Meaning>> = {
  401: unknownToken,
  403: refused,
  407: proxyRefused,
  408: { code: 'timeout', what: 'the server waited too long for the request', retryable: true },
  409: { code: 'conflict', what: 'another request changes the same thing', retryable: true },
  412: exists,
  429: slowDown,
  503: slowDown,
  507: full,
};

/** Where a request went wrong: at the object, or at the store as a whole. */
export interface GcsPlace {
  readonly key: string;
  readonly url: string;
}

/** An answer that is no success. */
export interface Refusal {
  readonly status: number;
  /** The first word for its cause, such as `notFound`; empty where there is none. */
  readonly reason: string;
  /** What the server says about it; empty where it says nothing. */
  readonly message: string;
  /** Seconds, as the header has it. */
  readonly retryAfter: string | undefined;
  /** Where a redirect leads; only its host is ever told. */
  readonly redirect?: string | undefined;
}

/** What a request threw, as a StoreError; a TranshipError is returned as it is. */
export function gcsError(error: unknown, { url }: GcsPlace): TranshipError {
  return error instanceof TranshipError ? error : networkError(error, url);
}

/** What an answer that is no success means. */
export function refusalError(refusal: Refusal, { key, url }: GcsPlace): StoreError {
  const meaning = meaningOf(refusal);
  const isAboutStore = ['no-bucket', 'unauthenticated'].includes(meaning.code) || meaning === payer;
  const text = `${refusal.status} ${refusal.reason} ${refusal.message}`;
  return meaningError(meaning, isAboutStore || key === '' ? url : key, {
    cause: new Error(describeError(text).slice(0, 500)),
    retryAfterMs: parseRetryAfterMs(refusal.retryAfter),
  });
}

/** The part of an answer that says why it is none, whatever form it has. */
export function parseRefusal(status: number, body: string): Pick<Refusal, 'status' | 'reason' | 'message'> {
  const error = field(parseJson(body), 'error');
  const [first]: unknown[] = arrayOf(field(error, 'errors'));
  return {
    status,
    reason: textOf(field(first, 'reason')),
    // Answers about media are plain text.
    message: textOf(field(error, 'message')) || (/^[^<{]/.test(body) ? body.slice(0, 300) : ''),
  };
}

/** Whether the answer itself says what is missing: Google's does, those of others need not. */
export function saysWhatIsMissing({ message }: Refusal): boolean {
  return /no such object|bucket does not exist/i.test(message);
}

function meaningOf(refusal: Refusal): Meaning {
  const { status, reason, message } = refusal;
  // Google has one reason for both, and none for bytes that do not have their hash; only the words tell.
  if (status === 400 && /\b(MD5|CRC32C)\b.*match/i.test(message)) return damaged;
  if (status === 404) return /bucket does not exist/i.test(message) ? noBucket : noObject;
  if (status >= 300 && status < 400) return redirected(refusal);
  const known = (Object.hasOwn(byReason, reason) ? byReason[reason] : undefined) ?? byStatus[status];
  if (known === refused) return refusedFor(message);
  return known ?? unknown(refusal);
}

/** Google names the permission that is missing. */
function refusedFor(message: string): Meaning {
  if (/Cloud KMS key/i.test(message)) return keyRefused;
  const permission = /\bstorage\.[a-z]+\.[a-zA-Z]+/.exec(message)?.[0];
  if (permission === undefined) return refused;
  return { ...refused, what: `the server refused access for want of ${permission}` };
}

function redirected({ status, redirect }: Refusal): Meaning {
  const host = redirect !== undefined && URL.canParse(redirect) ? ` to ${new URL(redirect).host}` : '';
  return {
    code: 'unsupported',
    what: `the endpoint answered with a redirect${host} (${status}), which is not followed`,
    advice: 'check scheme, host and port of the endpoint',
  };
}

function unknown({ status, message }: Refusal): Meaning {
  const retryable = status >= 500;
  const text = message === '' ? '' : `: ${describeError(message).slice(0, 200)}`;
  return {
    code: retryable ? 'unavailable' : 'invalid-argument',
    what: `the server answered ${status}${text}`,
    retryable,
  };
}

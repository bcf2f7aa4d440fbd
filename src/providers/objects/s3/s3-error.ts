import { StoreError, TranshipError, describeError } from '../../../base/errors.ts';
import { answerOf } from '../../aws/answer.ts';
import type { Answer } from '../../aws/answer.ts';
import { meaningError, parseRetryAfterMs, proxyRefused } from '../meaning.ts';
import type { Meaning } from '../meaning.ts';
import { networkError } from '../network-error.ts';
import { regionInRefusal } from './bucket-region.ts';

const keyAdvice = 'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile';
const unknownKey: Meaning = {
  code: 'unauthenticated',
  what: 'the server does not know the access key',
  advice: keyAdvice,
};
const noBucket: Meaning = {
  code: 'no-bucket',
  what: 'the bucket does not exist',
  advice: 'create it, or check its name and the endpoint',
};
/** What a server says of a clock that is too far from its own; the answer's date tells by how much. */
const wrongClock: Meaning = {
  code: 'unauthenticated',
  what: 'this machine’s clock differs too much from the server’s',
  advice: 'set the clock (NTP), then run the command again',
};
/** What servers allow. */
const CLOCK_LIMIT_MS = 15 * 60_000;
const expired: Meaning = {
  code: 'unauthenticated',
  what: 'the credentials have expired or their token is not valid',
  advice: 'renew the session token',
};
const refused: Meaning = {
  code: 'permission-denied',
  what: 'the server refused access',
  advice: 'allow reading, writing, listing and deleting below the prefix for these credentials',
};
const retained: Meaning = {
  code: 'permission-denied',
  what: 'the object cannot be deleted or replaced before its retention ends (Object Lock)',
  advice: 'wait until then; in governance mode a person with s3:BypassGovernanceRetention can delete it',
};
const slowDown: Meaning = { code: 'throttled', what: 'the server asked to slow down', retryable: true };
const full: Meaning = {
  code: 'no-space',
  what: 'the store is full or its quota is used up',
  advice: 'free space or raise the quota',
};
const otherRegion: Meaning = {
  code: 'invalid-argument',
  what: 'the bucket is in another region',
  advice: 'name it in AWS_REGION, or as ?region=NAME in an s3:// location',
};
const redirected: Meaning = {
  code: 'unsupported',
  what: 'the server sends requests to another host, which is not followed: what is signed is for this one',
  advice: 'name the other host as the endpoint, if it is the store’s',
};
const damaged: Meaning = {
  code: 'corrupt',
  what: 'the bytes arrived other than they were sent',
  retryable: true,
};

/** By the code in the answer, see "Error responses" of the Amazon S3 API reference. */
const byName: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: noBucket,
  NoSuchKey: { code: 'not-found', what: 'no such object' },
  NotFound: { code: 'not-found', what: 'no such object' },
  NoSuchUpload: { code: 'not-found', what: 'no such upload' },
  PreconditionFailed: { code: 'already-exists', what: 'the object exists already' },
  ConditionalRequestConflict: {
    code: 'conflict',
    what: 'another writer puts the same object',
    retryable: true,
  },
  OperationAborted: { code: 'conflict', what: 'another request changes the same thing', retryable: true },
  AccessDenied: refused,
  AllAccessDisabled: refused,
  AccountProblem: refused,
  InvalidAccessKeyId: unknownKey,
  // versitygw, with status 404.
  XAdminUserNotFound: unknownKey,
  SignatureDoesNotMatch: {
    code: 'unauthenticated',
    what: 'the secret key is not the one of the access key',
    advice: keyAdvice,
  },
  ExpiredToken: expired,
  InvalidToken: expired,
  TokenRefreshRequired: expired,
  RequestTimeTooSkewed: wrongClock,
  RequestExpired: wrongClock,
  SlowDown: slowDown,
  SlowDownRead: slowDown,
  SlowDownWrite: slowDown,
  TooManyRequests: slowDown,
  Throttling: slowDown,
  ThrottlingException: slowDown,
  RequestLimitExceeded: slowDown,
  QuotaExceeded: full,
  XMinioStorageFull: full,
  XMinioAdminBucketQuotaExceeded: full,
  InsufficientStorage: full,
  PermanentRedirect: otherRegion,
  TemporaryRedirect: otherRegion,
  AuthorizationHeaderMalformed: otherRegion,
  IllegalLocationConstraintException: otherRegion,
  BadDigest: damaged,
  XAmzContentSHA256Mismatch: damaged,
  XAmzContentChecksumMismatch: damaged,
  IncompleteBody: damaged,
  InvalidRange: { code: 'invalid-argument', what: 'the range begins behind the object’s end' },
  RequestTimeout: { code: 'timeout', what: 'the server waited too long for the request', retryable: true },
  InternalError: { code: 'unavailable', what: 'the server failed', retryable: true },
  ServiceUnavailable: slowDown,
  InvalidObjectState: {
    code: 'unsupported',
    what: 'the object is archived',
    advice: 'restore it to a storage class that can be read at once',
  },
  NotImplemented: { code: 'unsupported', what: 'the server does not know this request' },
};

/**
 * Where an answer names no code we know: by its HTTP status. Not 404: what a server says it lacks need not be the
 * object, and a missing object is often no error.
 */
const byStatus: Readonly<Record<number, Meaning>> = {
  301: otherRegion,
  302: redirected,
  307: otherRegion,
  308: redirected,
  401: { code: 'unauthenticated', what: 'the server wants other credentials', advice: keyAdvice },
  403: refused,
  407: proxyRefused,
  408: { code: 'timeout', what: 'the server waited too long for the request', retryable: true },
  409: { code: 'conflict', what: 'the server refused because of a conflict' },
  412: { code: 'already-exists', what: 'the object exists already' },
  429: slowDown,
  503: slowDown,
  507: full,
};

/** Where a request went wrong: at the object, or at the store as a whole. */
export interface S3Place {
  readonly key: string;
  readonly url: string;
  /** This machine's time. */
  readonly nowMs: number;
}

/** What the SDK threw, as a StoreError; a TranshipError is returned as it is. */
export function s3Error(error: unknown, place: S3Place): TranshipError {
  if (error instanceof TranshipError) return error;
  const answer = answerOf(error);
  return answer === undefined ? networkError(error, place.url) : answerError(answer, place, error);
}

/** What it means that the bucket is in a region to which the endpoint does not lead, or was not found in one. */
export function otherRegionError(region: string, url: string, cause: unknown): StoreError {
  return meaningError({ ...otherRegion, ...adviceOf(region) }, url, { cause });
}

function adviceOf(region: string): Pick<Meaning, 'advice'> {
  return { advice: `its region is ${region}` };
}

/** What one entry of an answer that reports on many objects means. */
export function refusalError(name: string, message: string, where: string): StoreError {
  const meaning = meaningOf(name, message);
  if (meaning !== undefined) return meaningError(meaning, where, {});
  return new StoreError('io', `the server answered ${name}: ${describeError(message).slice(0, 200)}`, {
    where,
  });
}

/** What a code means, and where one code has several reasons, the text. */
function meaningOf(name: string, message: string): Meaning | undefined {
  if (name === 'AccessDenied' && /object.?lock|retention|WORM/i.test(message)) return retained;
  return Object.hasOwn(byName, name) ? byName[name] : undefined;
}

function answerError(answer: Answer, { key, url, nowMs }: S3Place, cause: unknown): StoreError {
  const { name, message, status, headers } = answer;
  const meaning =
    clockMeaning(answer, nowMs) ?? meaningOf(name, message) ?? byStatus[status] ?? unknown(answer);
  const region = meaning === otherRegion ? regionInRefusal(cause) : undefined;
  const inRegion = region === undefined ? {} : adviceOf(region);
  const isAboutStore =
    meaning.code === 'no-bucket' || meaning.code === 'unauthenticated' || meaning === otherRegion;
  return meaningError({ ...meaning, ...inRegion }, isAboutStore || key === '' ? url : key, {
    cause,
    retryAfterMs: parseRetryAfterMs(headers['retry-after']),
  });
}

/** Of a refusal for the clock, also of a HEAD, whose answer says no more than 403. */
function clockMeaning({ name, status, headers }: Answer, nowMs: number): Meaning | undefined {
  const aheadMs = nowMs - Date.parse(headers['date'] ?? '');
  const isFar = Math.abs(aheadMs) > CLOCK_LIMIT_MS;
  const isRefused = status === 403 && !Object.hasOwn(byName, name);
  if (name !== 'RequestTimeTooSkewed' && !(isRefused && isFar)) return undefined;
  if (!isFar) return wrongClock;
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  const side = aheadMs > 0 ? 'ahead of' : 'behind';
  return { ...wrongClock, what: `this machine’s clock is ${minutes} minutes ${side} the server’s` };
}

function unknown({ name, message, status }: Answer): Meaning {
  if (status < 400) return { code: 'corrupt', what: 'the server’s answer cannot be read', retryable: true };
  const retryable = status >= 500;
  const text = name === '' ? '' : ` ${name}: ${describeError(message).slice(0, 200)}`;
  const what = `the server answered ${status}${text}`;
  return { code: retryable ? 'unavailable' : 'invalid-argument', what, retryable };
}

import { S3ServiceException } from '@aws-sdk/client-s3';
import { StoreError, TranshipError, describeError } from '../../../base/errors.ts';
import type { ErrorCode, ErrorDetails } from '../../../base/errors.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly what: string;
  readonly advice?: string;
  readonly retryable?: boolean;
}

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
const wrongClock: Meaning = {
  code: 'unauthenticated',
  what: 'this machine’s clock differs too much from the server’s',
  advice: 'set the clock (NTP), then run the command again',
};
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
  307: otherRegion,
  401: { code: 'unauthenticated', what: 'the server wants other credentials', advice: keyAdvice },
  403: refused,
  408: { code: 'timeout', what: 'the server waited too long for the request', retryable: true },
  409: { code: 'conflict', what: 'the server refused because of a conflict' },
  412: { code: 'already-exists', what: 'the object exists already' },
  429: slowDown,
  503: slowDown,
  507: full,
};

/** Errors of TLS that no second try can mend. */
const CERTIFICATE = /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

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

/** Where a request went wrong: at the object, or at the store as a whole. */
export interface S3Place {
  readonly key: string;
  readonly url: string;
}

/** What the SDK threw, as a StoreError; a TranshipError is returned as it is. */
export function s3Error(error: unknown, place: S3Place): TranshipError {
  if (error instanceof TranshipError) return error;
  const answer = answerOf(error);
  return answer === undefined ? networkError(error, place.url) : answerError(answer, place, error);
}

/** True for what a network or a server may get over by itself. */
export function isTransient(error: unknown): boolean {
  const status = answerOf(error)?.status ?? 0;
  return status >= 500 || status === 429 || networkMeaning(error) !== undefined;
}

/** What one entry of an answer that reports on many objects means. */
export function refusalError(name: string, message: string, where: string): StoreError {
  const meaning = Object.hasOwn(byName, name) ? byName[name] : undefined;
  if (meaning !== undefined) return made(meaning, where, {});
  return new StoreError('io', `the server answered ${name}: ${describeError(message).slice(0, 200)}`, {
    where,
  });
}

interface Answer {
  /** The code in the answer; that of the SDK's own error where the answer could not be read. */
  readonly name: string;
  readonly message: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Of an error that was made of an answer, readable or not. */
function answerOf(error: unknown): Answer | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  if (error instanceof S3ServiceException) {
    const status = error.$metadata.httpStatusCode ?? 0;
    return { name, message, status, headers: error.$response?.headers ?? {} };
  }
  if (!('$response' in error)) return undefined;
  const response = error.$response;
  if (typeof response !== 'object' || response === null || !('statusCode' in response)) return undefined;
  const headers = 'headers' in response ? headersOf(response.headers) : {};
  return { name: '', message: '', status: Number(response.statusCode), headers };
}

function headersOf(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {};
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function answerError(answer: Answer, { key, url }: S3Place, cause: unknown): StoreError {
  const { name, status, headers } = answer;
  const meaning =
    (Object.hasOwn(byName, name) ? byName[name] : undefined) ?? byStatus[status] ?? unknown(answer);
  const region = headers['x-amz-bucket-region'];
  const inRegion =
    meaning === otherRegion && region !== undefined ? { advice: `its region is ${region}` } : {};
  const isAboutStore =
    meaning.code === 'no-bucket' || meaning.code === 'unauthenticated' || meaning === otherRegion;
  return made({ ...meaning, ...inRegion }, isAboutStore || key === '' ? url : key, {
    cause,
    retryAfterMs: parseRetryAfterMs(headers['retry-after']),
  });
}

function unknown({ name, message, status }: Answer): Meaning {
  if (status < 400) return { code: 'corrupt', what: 'the server’s answer cannot be read', retryable: true };
  const retryable = status >= 500;
  const text = name === '' ? '' : ` ${name}: ${describeError(message).slice(0, 200)}`;
  const what = `the server answered ${status}${text}`;
  return { code: retryable ? 'unavailable' : 'invalid-argument', what, retryable };
}

function networkError(error: unknown, where: string): StoreError {
  const code = codeOf(error);
  const details = { where, cause: error };
  if (CERTIFICATE.test(code)) {
    return new StoreError('unavailable', `the server’s certificate is not trusted: ${code}`, details);
  }
  if (code.startsWith('HPE_') || (error instanceof Error && /wrong version number/.test(error.message))) {
    const advice = 'check http:// or https:// and the port of the endpoint';
    return new StoreError('unsupported', 'the endpoint does not speak this protocol', { ...details, advice });
  }
  const meaning = networkMeaning(error);
  if (meaning !== undefined) return made(meaning, where, { cause: error });
  return new StoreError('io', `the request failed: ${describeError(error).slice(0, 200)}`, details);
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

/** Seconds only: no store sends the other form, a date, and a date would need the two clocks to agree. */
function parseRetryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}

function made(meaning: Meaning, where: string, details: ErrorDetails): StoreError {
  const { code, what, advice, retryable } = meaning;
  return new StoreError(code, what, {
    where,
    ...(advice === undefined ? {} : { advice }),
    ...(retryable === undefined ? {} : { retryable }),
    ...details,
  });
}

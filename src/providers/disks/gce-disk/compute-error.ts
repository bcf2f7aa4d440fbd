import { DiskError, StoreError, TranshipError, describeError } from '../../../base/errors.ts';
import type { ErrorCode } from '../../../base/errors.ts';
import { arrayOf, field, parseJson, textOf } from '../../google/json-value.ts';
import { parseRetryAfterMs } from '../../objects/meaning.ts';
import type { Meaning } from '../../objects/meaning.ts';
import { brokenCall } from '../broken-call.ts';

/** What a call is about. */
export interface CallPlace {
  /** Full id, or the project. */
  readonly where: string;
  /** The permission that it wants. */
  readonly action: string;
}

/** An answer that is no success. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
  /** Seconds, as the header has it. */
  readonly retryAfter: string | null;
  readonly contentType: string | null;
}

const refused: Meaning = { code: 'permission-denied', what: 'the cloud refused access' };
const busy: Meaning = { code: 'throttled', what: 'the cloud asked to slow down', retryable: true };
const full: Meaning = {
  code: 'quota-exceeded',
  what: 'a quota is used up',
  advice: 'raise the quota in the console, or delete what is not needed',
};
const used: Meaning = {
  code: 'conflict',
  what: 'another resource uses it',
  advice: 'detach the disk, or end what uses it',
};
const notReady: Meaning = { code: 'conflict', what: 'it is not ready yet', retryable: true };
const often: Meaning = {
  code: 'throttled',
  what: 'snapshots of this disk were taken too often',
  advice: 'a disk takes one in 10 minutes, and 6 in an hour',
  retryable: true,
};
const exhausted: Meaning = {
  code: 'no-space',
  what: 'the zone has no room for such a disk now',
  advice: 'take another zone or type, or wait',
};
const unknownToken: Meaning = {
  code: 'unauthenticated',
  what: 'the cloud does not accept the credentials',
  advice: 'check the credentials file, or renew the access token',
};
const switchedOff: Meaning = {
  code: 'permission-denied',
  what: 'the project has not switched the API on',
  advice: 'gcloud services enable compute.googleapis.com (cloudkms.googleapis.com for keys)',
};
const unpaid: Meaning = {
  code: 'permission-denied',
  what: 'the project’s billing account is not active',
  advice: 'activate billing of the project',
};
const failed: Meaning = { code: 'unavailable', what: 'the cloud failed', retryable: true };

/** By the reason of an answer, or the code of an operation's error; compared without case and underscores. */
const byReason: Readonly<Record<string, Meaning>> = {
  accessnotconfigured: switchedOff,
  alreadyexists: { code: 'already-exists', what: 'the name is taken' },
  autherror: unknownToken,
  backenderror: failed,
  billingdisabled: unpaid,
  billingnotenabled: unpaid,
  conditionnotmet: { code: 'conflict', what: 'someone else changed it meanwhile', retryable: true },
  forbidden: refused,
  insufficientpermissions: refused,
  internalerror: failed,
  limitexceeded: full,
  notfound: { code: 'not-found', what: 'no such resource' },
  quotaexceeded: full,
  ratelimitexceeded: busy,
  resourcealreadyexists: { code: 'already-exists', what: 'the name is taken' },
  resourceinusebyanotherresource: used,
  resourcenotfound: { code: 'not-found', what: 'no such resource' },
  resourcenotready: notReady,
  resourceoperationrateexceeded: often,
  servicedisabled: switchedOff,
  userratelimitexceeded: busy,
  zoneresourcepoolexhausted: exhausted,
  zoneresourcepoolexhaustedwithdetails: exhausted,
};

/** Where no reason is known. */
const byStatus: Readonly<Record<number, Meaning>> = {
  401: unknownToken,
  403: refused,
  404: { code: 'not-found', what: 'no such resource' },
  408: { code: 'timeout', what: 'the cloud waited too long for the request', retryable: true },
  409: { code: 'conflict', what: 'another request changes the same thing', retryable: true },
  412: { code: 'conflict', what: 'someone else changed it meanwhile', retryable: true },
  429: busy,
};

/** What an answer that is no success means. */
export function refusalError(refusal: Refusal, place: CallPlace): DiskError {
  const { status, body, retryAfter } = refusal;
  const error = field(parseJson(body), 'error');
  const [first]: unknown[] = arrayOf(field(error, 'errors'));
  const message = textOf(field(error, 'message'));
  if (error === undefined && isPage(refusal)) return pageError(status, place);
  const reasons = [...detailReasons(error), textOf(field(first, 'reason'))];
  const meaning = meaningOf(reasons) ?? byStatus[status] ?? unknownStatus(status);
  return errorWith(meaning, message, place, {
    cause: new Error(describeError(`${status} ${reasons.join(' ')} ${message}`).slice(0, 500)),
    retryAfterMs: parseRetryAfterMs(retryAfter ?? undefined),
  });
}

/** What the error of an operation means, whose order had been taken. */
export function operationError(code: string, message: string, place: CallPlace): DiskError {
  const meaning = meaningOf([code]) ?? { code: 'failed', what: 'the cloud could not carry it out' };
  return errorWith(meaning, `${code}: ${message}`, place, {});
}

/** What an answer means that says of success and cannot be read: the order may have been taken. */
export function unreadableError({ where, action }: CallPlace): DiskError {
  return new DiskError('unavailable', 'the cloud’s answer cannot be read', {
    where,
    action,
    advice: 'check host and port of the endpoint, and what is in between',
    retryable: true,
  });
}

/** A zone or region of which a listing knows nothing now. */
export function unreachableError(scope: string, action: string): DiskError {
  return new DiskError('unavailable', 'the cloud cannot list what is there now', {
    where: scope,
    action,
    retryable: true,
  });
}

/**
 * Whatever a call threw, as a DiskError about its place, what the code of stores threw for us included; other errors of
 * ours (settings, a fired signal) are returned as they are.
 */
export function diskError(error: unknown, place: CallPlace): TranshipError {
  const known = transhipError(error) ?? brokenCall(causeOf(error), place.where);
  if (!(known instanceof StoreError)) return known;
  const { code, what, advice, retryable, retryAfterMs, cause } = known;
  return new DiskError(code, what, {
    where: known.where ?? place.where,
    action: place.action,
    ...(advice === undefined ? {} : { advice }),
    retryable,
    retryAfterMs,
    cause: cause ?? known,
  });
}

/** The first error of ours among the causes: the SDK wraps what its transport throws. */
function transhipError(error: unknown): TranshipError | undefined {
  for (let depth = 0, at = error; depth < 5 && at instanceof Error; depth += 1, at = at.cause) {
    if (at instanceof TranshipError) return at;
  }
  return undefined;
}

/** The SDK's own error has a number as its code, which hides the system's. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && typeof field(error, 'code') === 'number' ? error.cause : error;
}

function errorWith(
  meaning: Meaning,
  message: string,
  { where, action }: CallPlace,
  details: { readonly cause?: unknown; readonly retryAfterMs?: number | undefined },
): DiskError {
  const { code, what, advice, retryable } = meaning;
  const isRefused = code === 'permission-denied';
  const permission = isRefused
    ? (/\b(?:compute|cloudkms)\.[a-zA-Z]+\.[a-zA-Z]+/.exec(message)?.[0] ?? action)
    : action;
  const resource = /'(projects\/[^']+)'/.exec(message)?.[1];
  const words = meaning === refused ? ` for want of ${permission}` : saidBy(message);
  return new DiskError(code, `${what}${words}`, {
    where: isRefused || code === 'not-found' ? (resource ?? where) : where,
    action: permission,
    ...adviceFor(meaning === refused ? `grant ${permission}` : advice),
    ...(retryable === undefined ? {} : { retryable }),
    ...details,
  });
}

function adviceFor(advice: string | undefined): { readonly advice?: string } {
  return advice === undefined ? {} : { advice };
}

function saidBy(message: string): string {
  return message === ''
    ? ''
    : `: ${describeError(message)
        .replace(/[\s.]+$/, '')
        .slice(0, 300)}`;
}

function meaningOf(reasons: readonly string[]): Meaning | undefined {
  const words = reasons.map((reason) => reason.replaceAll('_', '').toLowerCase());
  const known = words.find((word) => Object.hasOwn(byReason, word));
  return known === undefined ? undefined : byReason[known];
}

/** The newer form of errors says the reason a second time, and more exactly. */
function detailReasons(error: unknown): readonly string[] {
  const reasons = arrayOf(field(error, 'details')).map((detail) => textOf(field(detail, 'reason')));
  return reasons.filter((reason) => reason !== '');
}

function unknownStatus(status: number): Meaning {
  const isRedirect = status >= 300 && status < 400;
  const code: ErrorCode = status >= 500 ? 'unavailable' : isRedirect ? 'unsupported' : 'invalid-argument';
  return { code, what: `the cloud answered ${status}`, retryable: status >= 500 };
}

/** A passing fault may come from a gateway, which speaks HTML; any other page is not Compute Engine's. */
function isPage({ status, contentType }: Refusal): boolean {
  return status < 500 && status !== 408 && status !== 429 && (contentType?.startsWith('text/html') ?? false);
}

function pageError(status: number, { where, action }: CallPlace): DiskError {
  return new DiskError(
    'unsupported',
    `the endpoint answered ${status} with a web page, not as Compute Engine`,
    {
      where,
      action,
      advice: 'check host and port of the endpoint',
    },
  );
}

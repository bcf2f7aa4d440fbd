import { DiskError, StoreError, TranshipError, describeError } from '../../../base/errors.ts';
import type { DiskErrorDetails } from '../../../base/errors.ts';
import { answerOf } from '../../aws/answer.ts';
import type { Answer } from '../../aws/answer.ts';
import { parseRetryAfterMs } from '../../objects/meaning.ts';
import type { Meaning } from '../../objects/meaning.ts';
import { brokenCall } from '../broken-call.ts';

/** What was asked, of what, and where. */
export interface CallPlace {
  /** `ec2:CreateSnapshot` */
  readonly action: string;
  /** Full id of the volume or the snapshot, or what else the call is about. */
  readonly where: string;
  readonly region: string;
}

const MESSAGE_CHARS = 240;

const unknownKey: Meaning = {
  code: 'unauthenticated',
  what: 'AWS does not know the access key, or the secret key is not its own',
  advice: 'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile',
};
const expired: Meaning = {
  code: 'unauthenticated',
  what: 'the credentials have expired or their token is not valid',
  advice: 'renew the session token',
};
const wrongClock: Meaning = {
  code: 'unauthenticated',
  what: 'this machine’s clock differs too much from the server’s',
  advice: 'set the clock (NTP), then run the command again',
};
const denied: Meaning = { code: 'permission-denied', what: 'not allowed' };
const slowDown: Meaning = { code: 'throttled', what: 'AWS asked to slow down', retryable: true };
const down: Meaning = { code: 'unavailable', what: 'the service failed', retryable: true };
const noVolume: Meaning = { code: 'not-found', what: 'no such volume' };
const noSnapshot: Meaning = { code: 'not-found', what: 'no such snapshot' };
const raiseQuota = 'delete what is not needed, or have the quota raised in Service Quotas';
const wait: Pick<Meaning, 'retryable'> = { retryable: true };

function quota(what: string): Meaning {
  return { code: 'quota-exceeded', what, advice: raiseQuota };
}

function busy(what: string): Meaning {
  return { code: 'conflict', what, ...wait };
}

/** By the code in the answer, see "Error codes for the Amazon EC2 API" and "Common errors" of KMS. */
const byName: Readonly<Record<string, Meaning>> = {
  AuthFailure: unknownKey,
  InvalidClientTokenId: unknownKey,
  SignatureDoesNotMatch: unknownKey,
  UnrecognizedClientException: unknownKey,
  MissingAuthenticationToken: unknownKey,
  IncompleteSignature: unknownKey,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  RequestExpired: wrongClock,
  RequestTimeTooSkewed: wrongClock,
  UnauthorizedOperation: denied,
  AccessDenied: denied,
  AccessDeniedException: denied,
  OptInRequired: {
    code: 'permission-denied',
    what: 'the account has not been enabled for this service or region',
    advice: 'enable the region in the account’s settings',
  },
  Blocked: { code: 'permission-denied', what: 'the account is blocked', advice: 'ask AWS Support' },
  PendingVerification: {
    code: 'permission-denied',
    what: 'the account is still being verified',
    advice: 'wait for the mail that says that it is verified',
  },
  RequestLimitExceeded: slowDown,
  Throttling: slowDown,
  ThrottlingException: slowDown,
  TooManyRequestsException: slowDown,
  EC2ThrottledException: slowDown,
  SnapshotCreationPerVolumeRateExceeded: {
    code: 'throttled',
    what: 'snapshots of the volume are taken too fast',
    advice: 'leave 15 s between two snapshots of one volume',
    ...wait,
  },
  InternalError: down,
  InternalFailure: down,
  ServiceUnavailable: down,
  Unavailable: down,
  KMSInternalException: down,
  DependencyTimeoutException: down,
  InsufficientVolumeCapacity: {
    code: 'no-space',
    what: 'the zone has no capacity for such a volume now',
    advice: 'try later, or in another zone',
    ...wait,
  },
  SnapshotLimitExceeded: quota('the account may have no more snapshots in this region'),
  PendingSnapshotLimitExceeded: { ...quota('too many snapshots are being taken'), ...wait },
  ConcurrentSnapshotLimitExceeded: {
    ...quota('too many snapshots of the volume are being taken'),
    ...wait,
    advice: 'wait until those before it are completed',
  },
  CopySnapshotLimitExceeded: { ...quota('too many snapshots are being copied'), ...wait },
  ConcurrentCreateVolumeLimitExceeded: { ...quota('too many volumes are being made'), ...wait },
  VolumeLimitExceeded: quota('the account may have no more volumes of this kind in this region'),
  ActiveVolumeLimitExceeded: quota('the account may have no more active volumes'),
  VolumeIOPSLimit: quota('the account may have no more provisioned IOPS'),
  MaxIOPSLimitExceeded: quota('the account may have no more provisioned IOPS'),
  ResourceLimitExceeded: quota('a quota of the account is used up'),
  LimitExceededException: quota('the key may have no more grants'),
  TagLimitExceeded: { code: 'invalid-argument', what: 'more tags than EC2 allows' },
  ResourceCountExceeded: { code: 'invalid-argument', what: 'more than the call takes' },
  'InvalidVolume.NotFound': noVolume,
  'InvalidVolumeID.NotFound': noVolume,
  'InvalidSnapshot.NotFound': noSnapshot,
  'InvalidInstanceID.NotFound': { code: 'not-found', what: 'no such instance' },
  'InvalidZone.NotFound': {
    code: 'not-found',
    what: 'no such zone in this region',
    advice: 'name a zone of the region that the snapshot is in',
  },
  NotFoundException: { code: 'not-found', what: 'no such key or grant' },
  InvalidGrantIdException: { code: 'not-found', what: 'no such grant' },
  VolumeInUse: { ...busy('the volume is attached'), advice: 'detach it first', retryable: false },
  'InvalidSnapshot.InUse': {
    code: 'conflict',
    what: 'the snapshot is in use',
    advice: 'deregister the image that is made of it first',
  },
  IncorrectState: busy('not in a state that allows this now'),
  IncorrectInstanceState: busy('the instance is not in a state that allows this now'),
  IncorrectModificationState: busy('the volume is being modified'),
  ConcurrentModification: busy('another request changes the same thing'),
  KMSInvalidStateException: {
    code: 'conflict',
    what: 'the key is disabled or about to be deleted',
    advice: 'enable the key, or name another one',
  },
  DisabledException: { code: 'conflict', what: 'the key is disabled', advice: 'enable the key' },
  UnsupportedOperation: { code: 'unsupported', what: 'EC2 does not do this' },
  Unsupported: { code: 'unsupported', what: 'EC2 does not do this' },
  OperationNotPermitted: { code: 'unsupported', what: 'EC2 does not do this' },
  UnknownOperationException: { code: 'unsupported', what: 'the endpoint does not know this call' },
  InvalidAction: { code: 'unsupported', what: 'the endpoint does not know this call' },
};

const byStatus: Readonly<Record<number, Meaning>> = {
  401: unknownKey,
  403: denied,
  407: {
    code: 'unauthenticated',
    what: 'the proxy wants other credentials',
    advice: 'put user and password into HTTPS_PROXY or HTTP_PROXY: http://user:password@host:port',
  },
  408: { code: 'timeout', what: 'the server waited too long for the request', retryable: true },
  429: slowDown,
  503: down,
};

/** What the SDK or the connection threw, as a DiskError; of a TranshipError only a StoreError becomes another one. */
export function ebsError(error: unknown, place: CallPlace): TranshipError {
  if (error instanceof StoreError) return ofStoreError(error, place);
  if (error instanceof TranshipError) return error;
  const answer = answerOf(error);
  if (answer !== undefined) return answerError(answer, place, error);
  return ofStoreError(brokenCall(error, place.where), place);
}

/** The code in the answer, as Amazon writes it; undefined where there was none. */
export function answerName(error: unknown): string | undefined {
  return answerOf(error)?.name;
}

/** What EC2 says of a client token that was used for another order, or whose volume is gone. */
export function isSpentToken(error: unknown): boolean {
  if (!(error instanceof DiskError)) return false;
  const name = answerName(error.cause) ?? '';
  return name.startsWith('Idempotent') || name === 'InvalidVolume.NotFound';
}

function ofStoreError(error: StoreError, { action, where, region }: CallPlace): DiskError {
  const { code, what, advice, retryable, retryAfterMs, cause } = error;
  const isUnknownHost = cause instanceof Error && 'code' in cause && cause.code === 'ENOTFOUND';
  const regionAdvice = isUnknownHost ? `is ${region} a region?` : undefined;
  return diskError({ code, what }, advice ?? regionAdvice, {
    where: error.where ?? where,
    action,
    retryable,
    retryAfterMs,
    cause,
  });
}

function answerError(answer: Answer, { action, where }: CallPlace, cause: unknown): DiskError {
  const { name, message, status, headers } = answer;
  const known = Object.hasOwn(byName, name) ? byName[name] : undefined;
  const meaning = known ?? pageMeaning(answer) ?? byStatus[status] ?? unknown(answer);
  const wanted = meaning.code === 'permission-denied' ? (actionIn(message) ?? action) : action;
  const isDenied = meaning === denied;
  const what = isDenied ? `not allowed: ${wanted}` : withMessage(meaning, message);
  const advice = isDenied ? `allow ${wanted} for these credentials` : meaning.advice;
  return diskError({ code: meaning.code, what }, advice, {
    where,
    action: wanted,
    cause,
    retryable: meaning.retryable ?? false,
    retryAfterMs: parseRetryAfterMs(headers['retry-after']),
  });
}

function diskError(
  { code, what }: Pick<Meaning, 'code' | 'what'>,
  advice: string | undefined,
  details: DiskErrorDetails,
): DiskError {
  return new DiskError(code, what, { ...details, ...(advice === undefined ? {} : { advice }) });
}

/** Amazon's words tell more where the code alone does not say what is wrong. */
function withMessage({ code, what }: Meaning, message: string): string {
  const isTold = message !== '' && (code === 'conflict' || code === 'unsupported');
  return isTold ? `${what}: ${shortened(message)}` : what;
}

function actionIn(message: string): string | undefined {
  return /not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9*]+)/.exec(message)?.[1];
}

/** A web page: behind a wrong endpoint anything may answer. Only one that refuses says that nothing was done. */
function pageMeaning({ status, headers }: Answer): Meaning | undefined {
  const isPage = headers['content-type']?.startsWith('text/html') ?? false;
  if (!isPage || status >= 500 || [407, 408, 429].includes(status)) return undefined;
  return {
    ...(status < 300 ? { code: 'unavailable', retryable: true } : { code: 'unsupported' }),
    what: 'the endpoint answered with a web page, not as EC2',
    advice: 'check host and port of the endpoint',
  };
}

function unknown({ name, message, status }: Answer): Meaning {
  if (status < 400) return { code: 'unavailable', what: 'the answer cannot be read', retryable: true };
  if (status >= 500) return { ...down, what: `the service answered ${status} ${name}` };
  const code = name.endsWith('.NotFound') ? 'not-found' : 'invalid-argument';
  return { code, what: `AWS answered ${name}: ${shortened(message)}` };
}

function shortened(message: string): string {
  const [told = ''] = message.split(' Encoded authorization failure message');
  return describeError(told).slice(0, MESSAGE_CHARS);
}

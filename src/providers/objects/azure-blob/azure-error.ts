import { isRestError } from '@azure/storage-blob';
import { StoreError, TranshipError, describeError } from '../../../base/errors.ts';
import { meaningError, parseRetryAfterMs, proxyRefused } from '../meaning.ts';
import type { Meaning } from '../meaning.ts';
import { networkError } from '../network-error.ts';
import type { AzureBlobAccess } from './access.ts';

/** More than this the service does not let a clock differ. */
const CLOCK_LIMIT_MS = 15 * 60_000;

const noBlob: Meaning = { code: 'not-found', what: 'no such object' };
const noContainer: Meaning = {
  code: 'no-bucket',
  what: 'the container does not exist',
  advice: 'create it, or check its name and the account',
};
const exists: Meaning = { code: 'already-exists', what: 'the object exists already' };
const wrongClock: Meaning = {
  code: 'unauthenticated',
  what: 'this machine’s clock differs too much from the server’s',
  advice: 'set the clock (NTP), then run the command again',
};
const unauthenticated: Meaning = {
  code: 'unauthenticated',
  what: 'the server does not accept the credentials',
};
const refused: Meaning = {
  code: 'permission-denied',
  what: 'the server refused access',
  advice:
    'allow reading, writing, listing and deleting blobs of the container: Storage Blob Data Contributor',
};
const narrowSignature: Meaning = {
  code: 'permission-denied',
  what: 'the credentials do not allow this request',
  advice:
    'a signature needs sp=racwdl, of a container or sr=c; an identity the role Storage Blob Data Contributor',
};
const firewall: Meaning = {
  code: 'permission-denied',
  what: 'the account lets this machine or this identity do nothing',
  advice: 'check the account’s network rules, and the roles of the identity',
};
const slowDown: Meaning = { code: 'throttled', what: 'the server asked to slow down', retryable: true };
const immutable: Meaning = {
  code: 'permission-denied',
  what: 'an immutability policy or a legal hold protects the blob',
  advice: 'wait until it ends: nothing can be replaced or deleted before',
};
const leased: Meaning = {
  code: 'conflict',
  what: 'another program holds a lease on the blob',
  advice: 'break the lease, or wait until it ends',
};
const damaged: Meaning = {
  code: 'corrupt',
  what: 'the bytes arrived other than they were sent',
  retryable: true,
};
const archived: Meaning = {
  code: 'unsupported',
  what: 'the blob is in the archive tier',
  advice: 'set its tier to Hot, Cool or Cold and wait until it can be read',
};
const otherType: Meaning = {
  code: 'conflict',
  what: 'a blob of another type, or a folder, has this name',
  advice: 'give the repository a prefix of its own',
};
const unknownRequest: Meaning = { code: 'unsupported', what: 'the server does not know this request' };

/** By the code in the answer, see "Blob Storage error codes" and "Common REST API error codes" of Azure. */
const byName: Readonly<Record<string, Meaning>> = {
  BlobNotFound: noBlob,
  PathNotFound: noBlob,
  ContainerNotFound: noContainer,
  ContainerBeingDeleted: { ...noContainer, what: 'the container is being deleted' },
  // What Azurite says of an account that it does not know.
  ResourceNotFound: {
    code: 'no-bucket',
    what: 'the account or its container does not exist',
    advice: 'check the names of both, and the endpoint',
  },
  ContainerDisabled: { ...refused, what: 'the container is disabled' },
  BlobAlreadyExists: exists,
  BlobBeingRehydrated: archived,
  BlobArchived: archived,
  UnauthorizedBlobOverwrite: narrowSignature,
  AuthenticationFailed: unauthenticated,
  InvalidAuthenticationInfo: unauthenticated,
  NoAuthenticationInformation: unauthenticated,
  KeyBasedAuthenticationNotPermitted: {
    code: 'unauthenticated',
    what: 'the account allows no keys',
    advice: 'use a service principal or a workload identity',
  },
  AuthorizationFailure: firewall,
  AuthorizationSourceIPMismatch: firewall,
  AuthorizationPermissionMismatch: narrowSignature,
  AuthorizationServiceMismatch: narrowSignature,
  AuthorizationResourceTypeMismatch: narrowSignature,
  AuthorizationProtocolMismatch: { ...narrowSignature, advice: 'the signature is for https:// only' },
  InsufficientAccountPermissions: refused,
  PublicAccessNotPermitted: unauthenticated,
  AccountIsDisabled: { ...refused, what: 'the account is disabled', advice: 'enable it in the portal' },
  AccountBeingCreated: { code: 'unavailable', what: 'the account is still being created', retryable: true },
  ServerBusy: slowDown,
  TooManyRequests: slowDown,
  OperationTimedOut: { code: 'timeout', what: 'the server gave up the request', retryable: true },
  InternalError: { code: 'unavailable', what: 'the server failed', retryable: true },
  Md5Mismatch: damaged,
  Crc64Mismatch: damaged,
  BlobImmutableDueToPolicy: immutable,
  BlobImmutableDueToLegalHold: immutable,
  SnapshotsPresent: {
    code: 'conflict',
    what: 'the blob has snapshots, which would be deleted with it',
    advice: 'delete them first: the repository makes none',
  },
  LeaseIdMissing: leased,
  LeaseAlreadyPresent: leased,
  InvalidBlobType: otherType,
  ResourceTypeMismatch: otherType,
  PathConflict: otherType,
  InvalidBlockList: {
    code: 'conflict',
    what: 'another writer put the same object while its parts were sent',
    advice: 'put it again',
  },
  InvalidRange: { code: 'invalid-argument', what: 'the range begins behind the object’s end' },
  UnsupportedHeader: unknownRequest,
  UnsupportedQueryParameter: unknownRequest,
  UnsupportedHttpVerb: unknownRequest,
  FeatureVersionMismatch: unknownRequest,
  NotImplemented: unknownRequest,
};

/**
 * Where an answer names no code we know: by its HTTP status. Not 404: what a server says it lacks need not be the
 * object, and a missing object is often no error.
 */
const byStatus: Readonly<Record<number, Meaning>> = {
  401: unauthenticated,
  403: refused,
  407: proxyRefused,
  408: { code: 'timeout', what: 'the server waited too long for the request', retryable: true },
  409: { code: 'conflict', what: 'the server refused because of a conflict' },
  412: exists,
  429: slowDown,
  501: unknownRequest,
  503: slowDown,
  507: {
    code: 'no-space',
    what: 'the account is full or its quota is used up',
    advice: 'free space or raise the quota',
  },
};

/** Where a request went wrong: at the object, or at the store as a whole; and as whom it was sent, if that is known. */
export interface AzurePlace {
  readonly key: string;
  readonly url: string;
  readonly access?: Pick<AzureBlobAccess, 'credentials' | 'source'> | undefined;
  /** True once a server has answered: a host name that is unknown then was known before. */
  readonly wasReached?: boolean;
}

/** An answer that was an error. */
export interface AzureAnswer {
  /** The service's code; empty where the answer names none. */
  readonly name: string;
  readonly message: string;
  readonly status: number;
  /** Empty for a header that is not there. */
  readonly header: (name: string) => string;
}

/** The answer that an error was made of; undefined where none came. */
export function answerOf(error: unknown): AzureAnswer | undefined {
  if (!isRestError(error) || error.response === undefined) return undefined;
  const { response, message } = error;
  const header = (name: string): string => response.headers.get(name) ?? '';
  // An answer without a body, and a body that streams, have the code in the header alone.
  return { name: header('x-ms-error-code') || error.code || '', message, status: response.status, header };
}

/** What the SDK threw, as a StoreError; a TranshipError is returned as it is. */
export function azureError(error: unknown, place: AzurePlace): TranshipError {
  if (error instanceof TranshipError) return error;
  const answer = answerOf(error);
  if (answer !== undefined) return answerError(answer, place, error);
  return withoutAnswer(error, place);
}

/** What one entry of an answer that reports on many objects means. */
export function refusalError(status: number, name: string, place: AzurePlace): StoreError {
  return answerError({ name, message: '', status, header: () => '' }, place, undefined);
}

function answerError(answer: AzureAnswer, place: AzurePlace, cause: unknown): StoreError {
  const meaning = meaningOf(answer, place);
  const isAboutStore = meaning.code === 'no-bucket' || meaning.code === 'unauthenticated';
  return meaningError(meaning, isAboutStore || place.key === '' ? place.url : place.key, {
    ...(cause === undefined ? {} : { cause }),
    retryAfterMs: parseRetryAfterMs(answer.header('retry-after')),
  });
}

function meaningOf(answer: AzureAnswer, place: AzurePlace): Meaning {
  const { name, status } = answer;
  const meaning = (Object.hasOwn(byName, name) ? byName[name] : undefined) ?? byStatus[status];
  // Azurite has one code for a signature that is not the key's and for what a network rule forbids.
  const isUnproven = meaning === firewall && /failed to authenticate/i.test(answer.message);
  if (meaning === unauthenticated || isUnproven) return authenticationMeaning(answer, place);
  if (meaning === exists && status === 412 && name.startsWith('Lease')) return leased;
  return meaning ?? unknown(answer);
}

/** The service has one code for a wrong key, a clock that is off and a signature that has ended. */
function authenticationMeaning({ header }: AzureAnswer, { access }: AzurePlace): Meaning {
  const serverMs = Date.parse(header('date'));
  if (Math.abs(Date.now() - serverMs) > CLOCK_LIMIT_MS) return wrongClock;
  const source = access?.source ?? 'the credentials';
  if (access?.credentials.kind === 'sas') return signatureMeaning(access.credentials.sas, source);
  if (access?.credentials.kind === 'account-key') {
    return {
      ...unauthenticated,
      what: 'the account key is not one of the account’s',
      advice: `check ${source}, and the account’s name`,
    };
  }
  return { ...unauthenticated, advice: `check ${source}` };
}

function signatureMeaning(sas: string, source: string): Meaning {
  const parameters = new URLSearchParams(sas.replace(/^\?/, ''));
  const expiry = parameters.get('se') ?? '';
  const start = parameters.get('st') ?? '';
  if (Date.parse(expiry) < Date.now()) {
    return {
      ...unauthenticated,
      what: `the shared access signature has expired at ${expiry}`,
      advice: `renew ${source}`,
    };
  }
  if (Date.parse(start) > Date.now()) {
    return {
      ...unauthenticated,
      what: `the shared access signature begins at ${start}`,
      advice: 'wait until then',
    };
  }
  return {
    ...unauthenticated,
    what: 'the shared access signature is not valid',
    advice: `check ${source}, and the account’s name`,
  };
}

function unknown({ name, message, status }: AzureAnswer): Meaning {
  if (status < 400) return { code: 'corrupt', what: 'the server’s answer cannot be read', retryable: true };
  const retryable = status >= 500;
  const sentence = describeError(message.split('\n')[0] ?? '').slice(0, 200);
  const what = `the server answered ${status}${name === '' ? '' : ` ${name}: ${sentence}`}`;
  return { code: retryable ? 'unavailable' : 'invalid-argument', what, retryable };
}

function withoutAnswer(error: unknown, { url, wasReached = false }: AzurePlace): StoreError {
  if (isRestError(error) && error.code === 'ENOTFOUND' && !wasReached) {
    return new StoreError('invalid-argument', 'no storage account has this name', {
      where: url,
      advice: 'check the account’s name and the cloud, or this machine’s name service',
      cause: error,
    });
  }
  // The SDK says so of an answer that broke off before its end, and of a broken socket without a code.
  const isBroken =
    error instanceof Error &&
    (error.name === 'AbortError' ||
      (isRestError(error) && (error.code === 'PARSE_ERROR' || error.code === 'REQUEST_SEND_ERROR')));
  if (isUnreadable(error)) {
    const what = 'the server’s answer lacks what Azure Blob Storage answers';
    return new StoreError('corrupt', what, { where: url, cause: error, retryable: true });
  }
  if (!isBroken) return networkError(error, url);
  return new StoreError('unavailable', 'the connection broke', { where: url, cause: error, retryable: true });
}

/** The SDK stumbles over an answer that has not the form it expects, or says that a header is missing. */
function isUnreadable(error: unknown): boolean {
  return (error instanceof TypeError || error instanceof RangeError) && !('code' in error);
}

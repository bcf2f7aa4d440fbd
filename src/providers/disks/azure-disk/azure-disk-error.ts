import { isRestError } from '@azure/arm-compute';
import { DiskError, StoreError, TranshipError, describeError } from '../../../base/errors.ts';
import { parseRetryAfterMs } from '../../objects/meaning.ts';
import type { Meaning } from '../../objects/meaning.ts';
import { brokenCall } from '../broken-call.ts';

const noGroup: Meaning = {
  code: 'not-found',
  what: 'the resource group does not exist',
  advice: 'create it, or check its name and the subscription',
};
const noResource: Meaning = {
  code: 'not-found',
  what: 'Azure knows no such disk or snapshot',
  advice: 'check its full id',
};
const noSubscription: Meaning = {
  code: 'not-found',
  what: 'the credentials see no such subscription',
  advice: 'check AZURE_SUBSCRIPTION_ID, and the roles of the identity',
};
const noAccess: Meaning = {
  code: 'permission-denied',
  what: 'Azure refused access',
  advice: 'give the identity a role with this action: tranship disk policy prints what is needed',
};
const locked: Meaning = {
  code: 'permission-denied',
  what: 'a lock of Azure’s protects the resource or its group',
  advice: 'remove it, or use another resource group',
};
const disallowed: Meaning = {
  code: 'permission-denied',
  what: 'a policy of the subscription’s forbids it',
  advice: 'see the policy’s name, and ask who manages the subscription',
};
const badToken: Meaning = {
  code: 'unauthenticated',
  what: 'Azure does not accept the token',
  advice: 'check the credentials, the tenant and this machine’s clock',
};
const noQuota: Meaning = {
  code: 'quota-exceeded',
  what: 'a quota of the subscription’s is used up',
  advice: 'delete what is not needed, or have it raised',
};
const slowDown: Meaning = { code: 'throttled', what: 'Azure asked to slow down', retryable: true };
const busy: Meaning = { code: 'conflict', what: 'another operation on it is under way', retryable: true };
const otherPlace: Meaning = {
  code: 'already-exists',
  what: 'the name is taken in another location',
  advice: 'use another resource group',
};
const noOffer: Meaning = {
  code: 'unsupported',
  what: 'Azure does not offer this here',
  advice: 'choose another type, zone or location',
};
const noProvider: Meaning = {
  code: 'unsupported',
  what: 'the subscription has not registered Microsoft.Compute, or not there',
  advice: 'az provider register --namespace Microsoft.Compute',
};
const noKey: Meaning = {
  code: 'permission-denied',
  what: 'the disk encryption set cannot reach its key',
  advice: 'give its identity get, wrapKey and unwrapKey of the key vault',
};
const wrong: Meaning = { code: 'invalid-argument', what: 'Azure does not take the request' };
const failed: Meaning = { code: 'unavailable', what: 'Azure failed', retryable: true };
const late: Meaning = { code: 'timeout', what: 'Azure gave up the request', retryable: true };

/** By the code in the answer, see "Common error codes" of Azure Resource Manager and of virtual machines. */
const byName: Readonly<Record<string, Meaning>> = {
  ResourceGroupNotFound: noGroup,
  ResourceGroupBeingDeleted: { ...noGroup, what: 'the resource group is being deleted' },
  SubscriptionNotFound: noSubscription,
  InvalidSubscriptionId: noSubscription,
  ReadOnlyDisabledSubscription: { ...noAccess, what: 'the subscription is disabled', advice: 'enable it' },
  AuthorizationFailed: noAccess,
  LinkedAuthorizationFailed: noAccess,
  RequestDisallowedByPolicy: disallowed,
  RequestDisallowedByAzure: disallowed,
  ScopeLocked: locked,
  QuotaExceeded: noQuota,
  TooManyRequests: slowDown,
  SubscriptionRequestsThrottled: slowDown,
  AnotherOperationInProgress: busy,
  RetryableError: busy,
  InvalidResourceLocation: otherPlace,
  PropertyChangeNotAllowed: {
    code: 'already-exists',
    what: 'the name is taken by something that is made otherwise',
    advice: 'delete that, or use another resource group',
  },
  SkuNotAvailable: noOffer,
  LocationNotAvailableForResourceType: noOffer,
  InvalidAvailabilityZone: noOffer,
  NoRegisteredProviderFound: noProvider,
  MissingSubscriptionRegistration: noProvider,
  KeyVaultAccessForbidden: noKey,
  InternalExecutionError: failed,
};

const byStatus: Readonly<Record<number, Meaning>> = {
  400: wrong,
  401: badToken,
  403: noAccess,
  404: noResource,
  408: late,
  409: { code: 'conflict', what: 'Azure refused because of a conflict' },
  412: { code: 'conflict', what: 'it was changed meanwhile' },
  429: slowDown,
  504: late,
};

/** What says, with status 404, that there is no such disk, snapshot or whole group of them. */
const GONE: ReadonlySet<string> = new Set([
  'ResourceNotFound',
  'NotFound',
  'ResourceGroupNotFound',
  'ParentResourceNotFound',
]);

/** `...does not have authorization to perform action 'Microsoft.Compute/disks/read' over scope...` */
const ACTION = /does not have (?:authorization|permission) to perform action(?:\(s\))? '([^']+)'/;
const SPENT = /quota|limit|maximum/i;

/** Where a request went wrong. */
export interface AzureDiskPlace {
  /** The full id that it was about, or what else names it. */
  readonly where: string;
  readonly endpoint: string;
  /** The permission that it wants most. */
  readonly action: string;
}

/** True where Azure says that what was asked for is not there. */
export function isGone(error: unknown): boolean {
  return isRestError(error) && error.statusCode === 404 && GONE.has(error.code ?? '');
}

/** What the SDK threw, as a DiskError; what is the caller's own is returned as it is. */
export function azureDiskError(error: unknown, place: AzureDiskPlace): TranshipError {
  if (error instanceof StoreError) return asDiskError(error, place);
  if (error instanceof TranshipError) return error;
  if (!isRestError(error) || error.response === undefined) {
    return asDiskError(brokenCall(error, place.endpoint), place);
  }
  return answerError(error, error.response.headers.get('retry-after'), place);
}

/** What connections and tokens say is of the same codes and words. */
function asDiskError(error: StoreError, { action }: AzureDiskPlace): DiskError {
  const { code, what, where, advice, retryable, retryAfterMs } = error;
  return new DiskError(code, what, {
    cause: error,
    retryable,
    retryAfterMs,
    action: code === 'permission-denied' ? action : undefined,
    ...(where === undefined ? {} : { where }),
    ...(advice === undefined ? {} : { advice }),
  });
}

function answerError(
  error: { readonly code?: string; readonly statusCode?: number; readonly message: string },
  retryAfter: string | undefined,
  { where, action }: AzureDiskPlace,
): DiskError {
  const { code: name = '', statusCode = 0, message } = error;
  const { code, what, advice, retryable = false } = meaningOf(name, statusCode, message);
  const said = sentenceOf(name, message);
  return new DiskError(code, said === '' ? what : `${what} (${said})`, {
    where,
    cause: error,
    retryable,
    retryAfterMs: parseRetryAfterMs(retryAfter),
    ...(advice === undefined ? {} : { advice }),
    ...(code === 'permission-denied' ? { action: ACTION.exec(message)?.[1] ?? action } : {}),
  });
}

function meaningOf(name: string, status: number, message: string): Meaning {
  if (status < 300) return { ...failed, what: 'Azure’s answer cannot be read' };
  if (Object.hasOwn(byName, name)) return byName[name] ?? wrong;
  // One code for what a quota does not allow, and for what the disk's state does not.
  if (name === 'OperationNotAllowed' && SPENT.test(message)) return noQuota;
  return byStatus[status] ?? (status >= 500 ? failed : wrong);
}

/** Azure's own words, without what it repeats: who asked, and the ids. */
function sentenceOf(name: string, message: string): string {
  const action = ACTION.exec(message)?.[1];
  if (action !== undefined) return `${name}: ${action}`;
  const sentence = describeError(message.split('\n')[0] ?? '').slice(0, 200);
  return [name, sentence].filter((text) => text !== '').join(': ');
}

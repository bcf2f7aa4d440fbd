import { arrayOf, field, textOf } from '../../google/json-value.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import type { ComputeClient } from './client.ts';
import { operationError, unreadableError } from './compute-error.ts';
import type { CallPlace } from './compute-error.ts';
import { idOfLink, parseDiskId, parseSnapshotId } from './resource-id.ts';

/** How the order to make something stands, where the cloud has nothing of it to show. */
export interface UnbornOrder {
  readonly state: 'under-way' | 'failed';
  /** Why it failed, in the cloud's words. */
  readonly failure: string | undefined;
  readonly createdMs: number;
}

/**
 * The last order to make a snapshot or a disk that is not there: an order is taken first, and may fail afterwards
 * without leaving anything but its operation. Undefined where there was none, or what it made is gone.
 */
export async function findUnborn(
  client: ComputeClient,
  id: string,
  { signal }: AbortableOptions,
): Promise<UnbornOrder | undefined> {
  const found: object[] = [];
  for (let pageToken: string | undefined; ;) {
    const [operations, next] = await operationsPage(client, id, { pageToken, signal });
    found.push(...operations);
    if (next === undefined) break;
    pageToken = next;
  }
  const orders = found.filter(
    (operation) =>
      ['insert', 'delete'].includes(textOf(field(operation, 'operationType'))) &&
      idOfLink(textOf(field(operation, 'targetLink'))) === id,
  );
  const last = orders.sort((a, b) => timeOf(b) - timeOf(a))[0];
  if (last === undefined || textOf(field(last, 'operationType')) === 'delete') return undefined;
  if (textOf(field(last, 'status')) !== 'DONE') {
    return { state: 'under-way', failure: undefined, createdMs: timeOf(last) };
  }
  const failure = failureOf(last);
  return failure === undefined
    ? undefined
    : { state: 'failed', failure: `${failure.code}: ${failure.message}`, createdMs: timeOf(last) };
}

/** Throws DiskError where an order has failed already when it was taken, or the answer is no operation at all. */
export function checkOrder(operation: unknown, place: CallPlace): void {
  if (textOf(field(operation, 'name')) === '') throw unreadableError(place);
  const failure = failureOf(operation);
  if (failure !== undefined) throw operationError(failure.code, failure.message, place);
}

/** When the order was taken, in milliseconds since the Unix epoch. */
export function timeOf(operation: unknown): number {
  return Date.parse(textOf(field(operation, 'insertTime'))) || 0;
}

function failureOf(operation: unknown): { readonly code: string; readonly message: string } | undefined {
  const [first]: unknown[] = arrayOf(field(field(operation, 'error'), 'errors'));
  if (first === undefined) return undefined;
  return { code: textOf(field(first, 'code')), message: textOf(field(first, 'message')) };
}

async function operationsPage(
  client: ComputeClient,
  id: string,
  { pageToken, signal }: { readonly pageToken: string | undefined; readonly signal: AbortSignal | undefined },
): Promise<readonly [operations: readonly object[], nextPageToken: string | undefined]> {
  // An expression for the whole of it: the link begins with a host and a version, whatever they are.
  const filter = `targetLink eq ".*/${id}"`;
  const page = { filter, ...(pageToken === undefined ? {} : { pageToken }) };
  if (!id.includes('/disks/')) {
    const { project } = parseSnapshotId(id);
    return client.call(
      { where: id, action: 'compute.globalOperations.list', signal },
      async (sdk, options) => {
        const [operations, , { nextPageToken }] = await sdk.globalOperations.list(
          { project, ...page },
          options,
        );
        return [operations, tokenOf(nextPageToken)];
      },
    );
  }
  const { project, scope, location } = parseDiskId(id);
  if (scope === 'zones') {
    return client.call({ where: id, action: 'compute.zoneOperations.list', signal }, async (sdk, options) => {
      const request = { project, zone: location, ...page };
      const [operations, , { nextPageToken }] = await sdk.zoneOperations.list(request, options);
      return [operations, tokenOf(nextPageToken)];
    });
  }
  return client.call({ where: id, action: 'compute.regionOperations.list', signal }, async (sdk, options) => {
    const request = { project, region: location, ...page };
    const [operations, , { nextPageToken }] = await sdk.regionOperations.list(request, options);
    return [operations, tokenOf(nextPageToken)];
  });
}

function tokenOf(token: string | null | undefined): string | undefined {
  return token === null || token === undefined || token === '' ? undefined : token;
}

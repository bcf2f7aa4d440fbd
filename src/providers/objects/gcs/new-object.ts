import { StoreError } from '../../../base/errors.ts';
import { field, textOf } from '../../google/json-value.ts';
import type { Call, GcsRequests } from './requests.ts';

/** Taking an object back must get through, its caller cancelled or not, but must not hold that caller for long. */
const TAKE_BACK_LIMIT_MS = 30_000;

/** An object that a request makes. */
export interface NewObject {
  readonly name: string;
  /** For messages: what the request is part of. */
  readonly where: string;
  /** Only where no object has the name. */
  readonly isCreate: boolean;
  /** Of the answer, beside the object's generation. */
  readonly fields?: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/**
 * Sends a request that makes an object, under its condition and with the key of Google's key service that the settings
 * name. Resolves to the answer; rejects with StoreError `unsupported` where the server did not encrypt with that key.
 */
export async function makeObject(
  requests: GcsRequests,
  call: Call,
  { name, where, isCreate, fields = [], signal }: NewObject,
): Promise<unknown> {
  const { kmsKeyName } = requests;
  const wanted = ['generation', ...fields, ...(kmsKeyName === undefined ? [] : ['kmsKeyName'])];
  const query = {
    ...call.query,
    ifGenerationMatch: isCreate ? '0' : undefined,
    kmsKeyName,
    fields: wanted.join(','),
  };
  const made = await requests.call({ ...call, query }, { where, signal });
  if (kmsKeyName === undefined || isVersionOf(kmsKeyName, textOf(field(made, 'kmsKeyName')))) return made;
  if (isCreate) await takeBack(requests, name, textOf(field(made, 'generation')));
  throw new StoreError('unsupported', 'the server took an object without encrypting it with the key', {
    where,
    advice: 'leave out the key’s name: what is stored is encrypted anyway',
  });
}

/** Answers name the version of the key that was used. */
function isVersionOf(key: string, name: string): boolean {
  return name === key || name.startsWith(`${key}/cryptoKeyVersions/`);
}

/** Deletes exactly what was made, so that a put that fails leaves nothing; what was replaced is gone. */
async function takeBack(requests: GcsRequests, name: string, generation: string): Promise<void> {
  const call: Call = { method: 'DELETE', path: requests.objectPath(name), query: { generation } };
  const signal = AbortSignal.timeout(TAKE_BACK_LIMIT_MS);
  // The failure to report is that of the put.
  await requests.callForText(call, { where: name, signal }).catch(() => undefined);
}

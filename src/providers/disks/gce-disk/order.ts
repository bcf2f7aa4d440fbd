import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import { operationTag } from '../driver.ts';
import type { DiskTags } from '../driver.ts';

/** How something is ordered. */
export interface OrderOptions extends AbortableOptions {
  /** Full id of what is to be made. */
  readonly id: string;
  /** Makes a repeated request the same one, also before what it makes can be seen; the name does so from then on. */
  readonly requestId: string;
}

const NAME = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const GIB = 2 ** 30;

/** The id is the name of what is made; throws DiskError for what cannot be one. */
export function checkOperationId(operationId: string): void {
  if (NAME.test(operationId)) return;
  throw new DiskError('invalid-argument', 'not an id of an operation', {
    where: operationId,
    advice: 'at most 40 of a-z, 0-9 and hyphens, from a letter to a letter or digit',
  });
}

/** What has the name, where the same operation has made it; throws what said that the name is taken where not. */
export async function nameTaken<Item extends { readonly tags: DiskTags; readonly id: string }>(
  error: DiskError,
  operationId: string,
  find: () => Promise<Item>,
): Promise<Item> {
  const found = await findTaken(error, find);
  if (found.tags[operationTag] === operationId) return found;
  throw error;
}

async function findTaken<Item>(error: DiskError, find: () => Promise<Item>): Promise<Item> {
  try {
    return await find();
  } catch (cause) {
    if (!(cause instanceof DiskError) || cause.code !== 'not-found') throw cause;
    // The name is reserved before what has it is there, or it is on its way out.
    throw new DiskError('unavailable', 'the name is taken, by something that is not there', {
      ...(error.where === undefined ? {} : { where: error.where }),
      action: error.action,
      retryable: true,
      cause: error,
    });
  }
}

/** Bytes of a number of GiB, which the API calls GB. */
export function gigabytesOf(text: unknown): number {
  return Number(text ?? 0) * GIB;
}

/** The least whole number of GiB that has room for so many bytes. */
export function wholeGigabytes(sizeBytes: number): number {
  return Math.ceil(sizeBytes / GIB);
}

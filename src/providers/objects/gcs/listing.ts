import { StoreError } from '../../../base/errors.ts';
import type { ListOptions, ObjectInfo } from '../driver.ts';
import { isValidKey } from '../object-key.ts';
import { arrayOf, field, textOf } from '../../google/json-value.ts';
import type { GcsRequests } from './requests.ts';

/** All objects below a prefix, page by page; what is named otherwise than objects of ours is left out. */
export async function* listObjects(
  requests: GcsRequests,
  prefix: string,
  { signal, after }: ListOptions,
): AsyncGenerator<ObjectInfo, void, undefined> {
  let token: string | undefined;
  do {
    const page = await requests.call(
      {
        method: 'GET',
        path: requests.objectPath(),
        query: {
          prefix,
          startOffset: after,
          pageToken: token,
          fields: 'kind,nextPageToken,items(name,size,updated)',
        },
      },
      { where: prefix, signal },
    );
    if (textOf(field(page, 'kind')) !== 'storage#objects') {
      // What answers anything else than a listing must not be taken for an empty store.
      throw new StoreError('corrupt', 'the server’s answer is no listing', {
        where: prefix,
        retryable: true,
      });
    }
    for (const object of arrayOf(field(page, 'items'))) {
      if (isValidKey(textOf(field(object, 'name')))) yield objectInfo(object);
    }
    const next = textOf(field(page, 'nextPageToken'));
    if (next !== '' && next === token) {
      // Ending here would hide objects, and who deletes by a listing would delete what is needed.
      throw new StoreError('corrupt', 'the server goes on with the page of a listing that it gave before', {
        where: prefix,
        retryable: true,
      });
    }
    token = next === '' ? undefined : next;
  } while (token !== undefined);
}

/** What the server tells of an object; throws for one without a size. */
export function objectInfo(object: unknown): ObjectInfo {
  const key = textOf(field(object, 'name'));
  const size = textOf(field(object, 'size'));
  if (!/^\d+$/.test(size)) {
    throw new StoreError('corrupt', 'the server’s answer lacks the size of an object', {
      where: key,
      retryable: true,
    });
  }
  return { key, sizeBytes: Number(size), modifiedMs: Date.parse(textOf(field(object, 'updated'))) || 0 };
}

import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { _Object as S3Object } from '@aws-sdk/client-s3';
import { StoreError } from '../../../base/errors.ts';
import type { ListOptions, ObjectInfo } from '../driver.ts';
import { isValidKey } from '../object-key.ts';
import type { S3Requests } from './requests.ts';

/** All objects below a prefix, page by page; what is named otherwise than objects of ours is left out. */
export async function* listObjects(
  requests: S3Requests,
  prefix: string,
  { signal, after }: ListOptions,
): AsyncGenerator<ObjectInfo, void, undefined> {
  let token: string | undefined;
  do {
    const page = await requests.send(
      new ListObjectsV2Command({
        Bucket: requests.bucket,
        Prefix: prefix,
        // Foreign keys may hold characters that XML cannot.
        EncodingType: 'url',
        ...(after === undefined ? {} : { StartAfter: after }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
      { where: prefix, signal },
    );
    if (page.IsTruncated === undefined) {
      // What answers anything else than a listing must not be taken for an empty store.
      throw new StoreError('corrupt', 'the server’s answer is no listing', {
        where: prefix,
        retryable: true,
      });
    }
    for (const object of page.Contents ?? []) {
      const info = infoOf(object, page.EncodingType === 'url');
      if (info !== undefined) yield info;
    }
    const next = page.NextContinuationToken;
    if (page.IsTruncated && (next === undefined || next === token)) {
      // Ending here would hide objects, and who deletes by a listing would delete what is needed.
      throw new StoreError('corrupt', 'the server cut a listing short without saying how to go on', {
        where: prefix,
        retryable: true,
      });
    }
    token = page.IsTruncated ? next : undefined;
  } while (token !== undefined);
}

function infoOf(object: S3Object, encoded: boolean): ObjectInfo | undefined {
  const key = decodeKey(object.Key ?? '', encoded);
  if (key === undefined || !isValidKey(key)) return undefined;
  // Some servers tell milliseconds here; a header has whole seconds, and one time must not have two values.
  const modifiedMs = Math.floor((object.LastModified?.getTime() ?? 0) / 1000) * 1000;
  return { key, sizeBytes: object.Size ?? 0, modifiedMs };
}

function decodeKey(key: string, encoded: boolean): string | undefined {
  if (!encoded) return key;
  try {
    return decodeURIComponent(key.replaceAll('+', '%20'));
  } catch {
    return undefined;
  }
}

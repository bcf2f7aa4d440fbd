import { DeleteObjectsCommand } from '@aws-sdk/client-s3';
import type { DeleteObjectsCommandOutput } from '@aws-sdk/client-s3';
import { StoreError } from '../../../base/errors.ts';
import { withContentMd5 } from './content-md5.ts';
import type { S3Requests } from './requests.ts';
import { refusalError } from './s3-error.ts';

/** What one DeleteObjects request takes. */
export const BATCH_KEYS = 1000;

/** Deletes the objects in batches; throws for the first that the server refused to delete. */
export async function deleteObjects(
  requests: S3Requests,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let start = 0; start < keys.length; start += BATCH_KEYS) {
    const batch = keys.slice(start, start + BATCH_KEYS);
    const command = new DeleteObjectsCommand({
      Bucket: requests.bucket,
      Delete: { Quiet: true, Objects: batch.map((Key) => ({ Key })) },
    });
    checkAnswer(await requests.send(withContentMd5(command), { where: batch[0] ?? '', signal }), batch);
  }
}

function checkAnswer(answer: DeleteObjectsCommandOutput, batch: readonly string[]): void {
  const [refused] = (answer.Errors ?? []).filter(({ Code }) => Code !== 'NoSuchKey');
  if (refused === undefined) return;
  const key = refused.Key ?? batch[0] ?? '';
  throw refused.Code === undefined
    ? new StoreError('io', 'the server did not delete an object', { where: key })
    : refusalError(refused.Code, refused.Message ?? '', key);
}

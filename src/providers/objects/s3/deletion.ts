import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3';
import type { DeleteObjectsCommandOutput } from '@aws-sdk/client-s3';
import { StoreError, TranshipError } from '../../../base/errors.ts';
import { deleteSingly } from '../delete-singly.ts';
import { withContentMd5 } from './content-md5.ts';
import type { S3Requests } from './requests.ts';
import { refusalError } from './s3-error.ts';

/** What one DeleteObjects request takes. */
export const BATCH_KEYS = 1000;

/** Deletes objects of one bucket: in batches where the server knows them, else singly, several at once. */
export class S3Deletion {
  readonly #requests: S3Requests;
  readonly #connections: number;
  #hasBatches = true;

  constructor(requests: S3Requests, connections: number) {
    this.#requests = requests;
    this.#connections = connections;
  }

  async deleteOne(key: string, signal: AbortSignal | undefined): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#requests.bucket, Key: key });
    try {
      await this.#requests.send(command, { where: key, signal });
    } catch (error) {
      if (!(error instanceof TranshipError) || error.code !== 'not-found') throw error;
    }
  }

  /** Throws for the first that the server refused to delete. */
  async deleteMany(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    for (let start = 0; start < keys.length; start += BATCH_KEYS) {
      const batch = keys.slice(start, start + BATCH_KEYS);
      if (await this.#deleteBatch(batch, signal)) continue;
      await deleteSingly(batch, this.#connections, (key) => this.deleteOne(key, signal));
    }
  }

  /** False where the server knows no batches, as NooBaa does where a bucket stands on Azure. */
  async #deleteBatch(batch: readonly string[], signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.#hasBatches) return false;
    const command = new DeleteObjectsCommand({
      Bucket: this.#requests.bucket,
      Delete: { Quiet: true, Objects: batch.map((Key) => ({ Key })) },
    });
    try {
      checkAnswer(
        await this.#requests.send(withContentMd5(command), { where: batch[0] ?? '', signal }),
        batch,
      );
      return true;
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'unsupported') throw error;
      this.#hasBatches = false;
      return false;
    }
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

import { StoreError, TranshipError } from '../../../base/errors.ts';
import { deleteSingly } from '../delete-singly.ts';
import type { AzureBlobRequests } from './requests.ts';

/** What one Blob Batch request takes. */
export const BATCH_KEYS = 256;

/** Deletes blobs of one container: in batches where the server knows them, else singly, several at once. */
export class AzureBlobDeletion {
  readonly #requests: AzureBlobRequests;
  readonly #connections: number;
  #hasBatches = true;

  constructor(requests: AzureBlobRequests, connections: number) {
    this.#requests = requests;
    this.#connections = connections;
  }

  async deleteOne(key: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#requests.send(
        (container, abortSignal) => container.getBlobClient(key).delete({ abortSignal }),
        { where: key, signal },
      );
    } catch (error) {
      if (!(error instanceof TranshipError) || error.code !== 'not-found') throw error;
    }
  }

  async deleteMany(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    for (let start = 0; start < keys.length; start += BATCH_KEYS) {
      const batch = keys.slice(start, start + BATCH_KEYS);
      if (await this.#deleteBatch(batch, signal)) continue;
      await deleteSingly(batch, this.#connections, (key) => this.deleteOne(key, signal));
    }
  }

  /**
   * False where the server takes no batch, or leaves out what became of some blobs: what is wrong with the blobs
   * themselves shows when they go singly.
   */
  async #deleteBatch(keys: readonly string[], signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.#hasBatches || keys.length < 2) return false;
    const where = keys[0] ?? '';
    try {
      const { subResponses } = await this.#requests.send(
        (container, abortSignal) =>
          container.getBlobBatchClient().deleteBlobs(
            keys.map((key) => container.getBlobClient(key)),
            { abortSignal },
          ),
        { where, signal },
      );
      let isWhole = true;
      for (const [index, key] of keys.entries()) {
        // The SDK's type does not say so, but an answer that it cannot assign to a blob is missing.
        const answer = subResponses.at(index);
        if (answer === undefined || !Number.isInteger(answer.status)) isWhole = false;
        else if (answer.status >= 400 && answer.errorCode !== 'BlobNotFound') {
          throw new RefusedBlob(this.#requests.refusal(answer.status, answer.errorCode ?? '', key));
        }
      }
      return isWhole;
    } catch (error) {
      if (error instanceof RefusedBlob) throw error.refusal;
      if (!(error instanceof StoreError) || error.retryable || error.code === 'no-bucket') throw error;
      this.#hasBatches = false;
      return false;
    }
  }
}

/** Of one blob, as opposed to the batch that it was in. */
class RefusedBlob extends Error {
  readonly refusal: StoreError;

  constructor(refusal: StoreError) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

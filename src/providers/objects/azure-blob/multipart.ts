import { randomBytes } from 'node:crypto';
import { StoreError, UsageError } from '../../../base/errors.ts';
import { hashOf } from '../body-hash.ts';
import type { AbortableOptions, MultipartUpload, PutOptions, SendOptions } from '../driver.ts';
import { putConditions } from './put-conditions.ts';
import type { AzureBlobRequests } from './requests.ts';

/** What Put Block List takes. */
const MAX_BLOCKS = 50_000;

/**
 * One upload in blocks. The server checks the MD5 of each before it keeps it, and the list that joins them names each
 * by an id that no other upload has.
 * Azure has no request that drops blocks which no list has named: it drops them itself a week after the last one, or
 * when the blob of that name is put. Before that they can be dropped only by making a blob of that name, which readers
 * would see, so this is left to Azure.
 */
export class AzureBlobMultipartUpload implements MultipartUpload {
  readonly #requests: AzureBlobRequests;
  readonly #key: string;
  readonly #options: PutOptions;
  readonly #id = randomBytes(12).toString('hex');
  readonly #blocks = new Map<number, string>();
  #aborted = false;

  constructor(requests: AzureBlobRequests, key: string, options: PutOptions) {
    this.#requests = requests;
    this.#key = key;
    this.#options = options;
  }

  async putPart(partNumber: number, body: Uint8Array, { signal, pace }: SendOptions = {}): Promise<void> {
    const where = this.#key;
    this.#refuseAborted();
    if (partNumber > MAX_BLOCKS) throw new UsageError(`a blob has at most ${MAX_BLOCKS} blocks`, { where });
    const transactionalContentMD5 = await hashOf(body, 'md5', signal);
    const id = Buffer.from(`${this.#id}-${String(partNumber).padStart(6, '0')}`).toString('base64');
    await this.#requests.sendBody(
      (stream) => (container, abortSignal) =>
        container
          .getBlockBlobClient(where)
          .stageBlock(id, stream, body.byteLength, { abortSignal, transactionalContentMD5 }),
      { body, where, signal, pace },
    );
    this.#blocks.set(partNumber, id);
  }

  async complete({ signal }: AbortableOptions = {}): Promise<void> {
    const where = this.#key;
    this.#refuseAborted();
    if (this.#blocks.size === 0) throw new UsageError('a multipart upload needs a part', { where });
    const ids = [...this.#blocks].sort(([a], [b]) => a - b).map(([, id]) => id);
    try {
      await this.#requests.send(
        (container, abortSignal) =>
          container
            .getBlockBlobClient(where)
            .commitBlockList(ids, { abortSignal, conditions: putConditions(this.#options) }),
        { where, signal, isTold: true },
      );
    } catch (error) {
      throw await this.#causeOf(error, signal);
    }
  }

  /** Nothing is sent: see the class. */
  abort(): Promise<void> {
    this.#aborted = true;
    return Promise.resolve();
  }

  /** Who creates the blob of the name meanwhile drops our blocks, and the server misses these first. */
  async #causeOf(error: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    if (this.#options.mode !== 'create' || !(error instanceof StoreError)) return error;
    if (error.code !== 'conflict') return error;
    const where = this.#key;
    const isThere = await this.#requests.send(
      (container, abortSignal) => container.getBlobClient(where).exists({ abortSignal }),
      { where, signal },
    );
    return isThere
      ? new StoreError('already-exists', 'the object exists already', { where, cause: error })
      : error;
  }

  #refuseAborted(): void {
    if (this.#aborted) throw new StoreError('not-found', 'the upload was aborted', { where: this.#key });
  }
}

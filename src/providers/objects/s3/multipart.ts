import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { StoreError, UsageError, abortError } from '../../../base/errors.ts';
import type { AbortableOptions, MultipartUpload, PutOptions, SendOptions } from '../driver.ts';
import { hashOf } from '../body-stream.ts';
import type { S3Requests } from './requests.ts';

/** An abort must get through when its caller has already been cancelled, but must not hold that caller for long. */
const ABORT_LIMIT_MS = 30_000;

/** One multipart upload. Parts are confirmed by the SHA-256 that the signature of each covers. */
export class S3MultipartUpload implements MultipartUpload {
  readonly #requests: S3Requests;
  readonly #target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string };
  readonly #options: PutOptions;
  readonly #tags = new Map<number, string>();
  #aborted = false;

  private constructor(requests: S3Requests, key: string, uploadId: string, options: PutOptions) {
    this.#requests = requests;
    this.#target = { Bucket: requests.bucket, Key: key, UploadId: uploadId };
    this.#options = options;
  }

  static async create(requests: S3Requests, key: string, options: PutOptions): Promise<S3MultipartUpload> {
    const command = new CreateMultipartUploadCommand({ Bucket: requests.bucket, Key: key });
    const created = await requests.send(command, { where: key, signal: options.signal, isTold: true });
    if (created.UploadId === undefined) {
      throw new StoreError('corrupt', 'the server began an upload without naming it', { where: key });
    }
    const upload = new S3MultipartUpload(requests, key, created.UploadId, options);
    if (options.signal?.aborted === true) {
      await upload.abort();
      throw abortError(options.signal);
    }
    return upload;
  }

  async putPart(partNumber: number, body: Uint8Array, options: SendOptions = {}): Promise<void> {
    const stored = await this.#requests.sendBody(
      (stream) =>
        new UploadPartCommand({
          ...this.#target,
          PartNumber: partNumber,
          Body: stream,
          ContentLength: body.byteLength,
        }),
      {
        body,
        sha256: hashOf(body, 'sha256').toString('hex'),
        where: this.#target.Key,
        signal: options.signal,
        pace: options.pace,
      },
    );
    if (stored.ETag === undefined) {
      throw new StoreError('corrupt', 'the server took a part without a tag', { where: this.#target.Key });
    }
    this.#tags.set(partNumber, stored.ETag);
  }

  async complete(options: AbortableOptions = {}): Promise<void> {
    const where = this.#target.Key;
    if (this.#aborted) throw new StoreError('not-found', 'the upload was aborted', { where });
    if (this.#tags.size === 0) throw new UsageError('a multipart upload needs a part', { where });
    if (this.#options.mode === 'create') await this.#refuseExisting(options.signal);
    const parts = [...this.#tags].sort(([a], [b]) => a - b);
    const command = new CompleteMultipartUploadCommand({
      ...this.#target,
      MultipartUpload: { Parts: parts.map(([PartNumber, ETag]) => ({ PartNumber, ETag })) },
      ...(this.#options.mode === 'create' ? { IfNoneMatch: '*' } : {}),
    });
    await this.#requests.send(command, { where, signal: options.signal, isTold: true });
  }

  /** Some servers (Ceph 16) ignore the condition of a completion; there, writers that race within it go unnoticed. */
  async #refuseExisting(signal: AbortSignal | undefined): Promise<void> {
    const { Bucket, Key } = this.#target;
    try {
      await this.#requests.send(new HeadObjectCommand({ Bucket, Key }), { where: Key, signal });
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not-found') return;
      throw error;
    }
    throw new StoreError('already-exists', 'the object exists already', { where: Key });
  }

  async abort(): Promise<void> {
    this.#aborted = true;
    const signal = AbortSignal.timeout(ABORT_LIMIT_MS);
    try {
      await this.#requests.send(new AbortMultipartUploadCommand(this.#target), {
        where: this.#target.Key,
        signal,
      });
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'not-found') throw error;
    }
  }
}

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { StoreError, UsageError, abortError } from '../../../base/errors.ts';
import { hashOf } from '../body-hash.ts';
import type { AbortableOptions, MultipartUpload, PutOptions, SendOptions } from '../driver.ts';
import { withContentMd5 } from './content-md5.ts';
import type { ObjectHeaders, PutHeaders } from './object-headers.ts';
import type { S3Requests } from './requests.ts';

/** An abort must get through when its caller has already been cancelled, but must not hold that caller for long. */
const ABORT_LIMIT_MS = 30_000;

/** One multipart upload. Parts are confirmed by the SHA-256 that the signature of each covers. */
export class S3MultipartUpload implements MultipartUpload {
  readonly #requests: S3Requests;
  readonly #headers: ObjectHeaders;
  readonly #putHeaders: PutHeaders;
  readonly #target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string };
  readonly #options: PutOptions;
  readonly #parts = new Map<number, { readonly tag: string; readonly sizeBytes: number }>();
  #aborted = false;
  /** A completion was sent, so the object may be there, whatever came back. */
  #isUncertain = false;
  #completed: { readonly versionId: string | undefined } | undefined;

  private constructor(
    requests: S3Requests,
    headers: ObjectHeaders,
    target: { readonly key: string; readonly uploadId: string; readonly putHeaders: PutHeaders },
    options: PutOptions,
  ) {
    this.#requests = requests;
    this.#headers = headers;
    this.#target = { Bucket: requests.bucket, Key: target.key, UploadId: target.uploadId };
    this.#putHeaders = target.putHeaders;
    this.#options = options;
  }

  static async create(
    requests: S3Requests,
    headers: ObjectHeaders,
    key: string,
    options: PutOptions,
  ): Promise<S3MultipartUpload> {
    const putHeaders = await headers.forPut(key, options);
    const command = new CreateMultipartUploadCommand({ ...putHeaders, Bucket: requests.bucket, Key: key });
    const sending = requests.send(command, { where: key, signal: options.signal, isTold: true });
    const created = await sending.catch((error: unknown) => {
      throw headers.explained(error);
    });
    if (created.UploadId === undefined) {
      throw new StoreError('corrupt', 'the server began an upload without naming it', { where: key });
    }
    const target = { key, uploadId: created.UploadId, putHeaders };
    const upload = new S3MultipartUpload(requests, headers, target, options);
    try {
      headers.confirmEncryption(created, key);
      if (options.signal?.aborted === true) throw abortError(options.signal);
    } catch (error) {
      await upload.abort();
      throw error;
    }
    return upload;
  }

  async putPart(partNumber: number, body: Uint8Array, options: SendOptions = {}): Promise<void> {
    const customerKey = await this.#headers.forRead();
    const stored = await this.#requests.sendBody(
      (stream) =>
        new UploadPartCommand({
          ...customerKey,
          ...this.#target,
          PartNumber: partNumber,
          Body: stream,
          ContentLength: body.byteLength,
        }),
      {
        body,
        sha256: (await hashOf(body, 'sha256', options.signal)).toString('hex'),
        wantsMd5: this.#headers.wantsMd5,
        where: this.#target.Key,
        signal: options.signal,
        pace: options.pace,
      },
    );
    if (stored.ETag === undefined) {
      throw new StoreError('corrupt', 'the server took a part without a tag', { where: this.#target.Key });
    }
    this.#parts.set(partNumber, { tag: stored.ETag, sizeBytes: body.byteLength });
  }

  async complete(options: AbortableOptions = {}): Promise<void> {
    const where = this.#target.Key;
    if (this.#aborted) throw new StoreError('not-found', 'the upload was aborted', { where });
    if (this.#parts.size === 0) throw new UsageError('a multipart upload needs a part', { where });
    // A repeated completion whose first one got through has only the retention to see to.
    this.#completed ??= await this.#join(options.signal);
    await this.#retain(this.#completed.versionId, options.signal);
  }

  async #join(signal: AbortSignal | undefined): Promise<{ readonly versionId: string | undefined }> {
    const mayBeThere = this.#isUncertain;
    try {
      if (this.#options.mode === 'create') await this.#refuseExisting(signal);
      return await this.#sendCompletion(signal);
    } catch (error) {
      if (mayBeThere && isSettled(error)) await this.#retainEarlier(signal);
      throw error;
    }
  }

  async #sendCompletion(
    signal: AbortSignal | undefined,
  ): Promise<{ readonly versionId: string | undefined }> {
    const parts = [...this.#parts].sort(([a], [b]) => a - b);
    const command = new CompleteMultipartUploadCommand({
      ...this.#target,
      MultipartUpload: { Parts: parts.map(([PartNumber, { tag }]) => ({ PartNumber, ETag: tag })) },
      ...(this.#options.mode === 'create' ? { IfNoneMatch: '*' } : {}),
    });
    this.#isUncertain = true;
    const made = await this.#requests.send(command, { where: this.#target.Key, signal, isTold: true });
    return { versionId: made.VersionId };
  }

  /** Of an object that an earlier completion made: its caller looks at its size, and is content without another. */
  async #retainEarlier(signal: AbortSignal | undefined): Promise<void> {
    if (this.#putHeaders.ObjectLockMode === undefined) return;
    const found = await this.#findObject(signal);
    const sizeBytes = [...this.#parts.values()].reduce((total, part) => total + part.sizeBytes, 0);
    if (found?.ContentLength === sizeBytes) await this.#retain(found.VersionId, signal);
  }

  /** Ceph 16 forgets the retention that an upload in parts began with. */
  async #retain(versionId: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    const { ObjectLockMode: Mode, ObjectLockRetainUntilDate: RetainUntilDate } = this.#putHeaders;
    if (Mode === undefined || RetainUntilDate === undefined) return;
    const { Bucket, Key } = this.#target;
    const command = new PutObjectRetentionCommand({
      Bucket,
      Key,
      ...(versionId === undefined ? {} : { VersionId: versionId }),
      Retention: { Mode, RetainUntilDate },
    });
    await this.#requests.send(withContentMd5(command), { where: Key, signal, isTold: true });
  }

  /** Some servers (Ceph 16) ignore the condition of a completion; there, writers that race within it go unnoticed. */
  async #refuseExisting(signal: AbortSignal | undefined): Promise<void> {
    if ((await this.#findObject(signal)) === undefined) return;
    throw new StoreError('already-exists', 'the object exists already', { where: this.#target.Key });
  }

  async #findObject(signal: AbortSignal | undefined): Promise<HeadObjectCommandOutput | undefined> {
    const { Bucket, Key } = this.#target;
    const command = new HeadObjectCommand({ ...(await this.#headers.forRead()), Bucket, Key });
    try {
      return await this.#requests.send(command, { where: Key, signal });
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not-found') return undefined;
      throw error;
    }
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

/** The upload is gone, or its object there: both may be because an earlier completion got through. */
function isSettled(error: unknown): boolean {
  return error instanceof StoreError && (error.code === 'not-found' || error.code === 'already-exists');
}

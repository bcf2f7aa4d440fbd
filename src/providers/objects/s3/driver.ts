import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { StoreError, asError } from '../../../base/errors.ts';
import { silentLogger } from '../../../base/logger.ts';
import { systemClock } from '../../../base/system-clock.ts';
import type {
  AbortableOptions,
  ByteRange,
  DriverCapabilities,
  GetOptions,
  ListOptions,
  MultipartUpload,
  ObjectBody,
  ObjectDriver,
  ObjectInfo,
  PutOptions,
} from '../driver.ts';
import { bodySizeBytes } from '../object-body.ts';
import { Renewable } from '../renewable.ts';
import { hashOf } from '../body-hash.ts';
import { ConnectionWarnings } from '../connection-warnings.ts';
import type { ServiceDriverOptions } from '../driver-options.ts';
import { FoundRegion } from './bucket-region.ts';
import { createClient } from './client.ts';
import { BATCH_KEYS, S3Deletion } from './deletion.ts';
import { listObjects } from './listing.ts';
import { formatS3Location } from './location.ts';
import type { S3Location } from './location.ts';
import { S3MultipartUpload } from './multipart.ts';
import type { DirectBody } from './body-socket.ts';
import { directBodyOf } from './request-handler.ts';
import { ObjectHeaders } from './object-headers.ts';
import { checkedIdleTimeoutMs } from '../request-scope.ts';
import type { RequestScope } from '../request-scope.ts';
import { S3Requests } from './requests.ts';
import { UploadSweep } from './upload-sweep.ts';
import type { S3Settings } from '../settings.ts';

const CONNECTIONS = 16;
/** Taking an object back must get through, its caller cancelled or not, but must not hold that caller for long. */
const TAKE_BACK_LIMIT_MS = 30_000;

/** A bucket of Amazon S3 or of a server that speaks its protocol. Keys are those of the bucket, without a prefix. */
export class S3Driver implements ObjectDriver {
  readonly url: string;
  readonly capabilities: DriverCapabilities;
  readonly #requests: S3Requests;
  readonly #clients: Renewable<S3Client>;
  readonly #headers: ObjectHeaders;
  readonly #deletion: S3Deletion;
  readonly #sweep: UploadSweep;

  /** Throws UsageError for settings that cannot be carried out. */
  constructor(location: S3Location, settings: S3Settings = {}, options: ServiceDriverOptions = {}) {
    const { connections = CONNECTIONS, clock = systemClock, logger = silentLogger } = options;
    this.url = formatS3Location({ ...location, prefix: '' });
    this.capabilities = {
      connections,
      atomicCreate: true,
      confirmsPuts: true,
      comparesSha256: true,
      partsLeaveNothing: true,
      keysPerDeletion: BATCH_KEYS,
    };
    // Messages name the whole location; `url` is that of the bucket, of which a prefix is a view.
    const url = formatS3Location(location);
    const warnings = new ConnectionWarnings(logger);
    this.#headers = new ObjectHeaders(settings, location.prefix, clock);
    const region = new FoundRegion();
    this.#clients = new Renewable({
      where: url,
      create: () => createClient(location, settings, { place: region.place, warnings }),
      destroy: (client) => client.destroy(),
    });
    this.#requests = new S3Requests({
      bucket: location.bucket,
      url,
      idleTimeoutMs: checkedIdleTimeoutMs(settings.idleTimeoutMs),
      clients: this.#clients,
      region,
      clock,
    });
    this.#deletion = new S3Deletion(this.#requests, connections);
    this.#sweep = new UploadSweep(this.#requests, { prefix: location.prefix, clock, logger });
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<void> {
    const headers = await this.#headers.forPut(key, options);
    const sending = this.#requests.sendBody(
      (stream) =>
        new PutObjectCommand({
          ...headers,
          Bucket: this.#requests.bucket,
          Key: key,
          Body: stream,
          ContentLength: bodySizeBytes(body),
          ...(options.mode === 'create' ? { IfNoneMatch: '*' } : {}),
        }),
      {
        body,
        sha256: options.sha256 ?? (await hashOf(body, 'sha256', options.signal)).toString('hex'),
        wantsMd5: this.#headers.wantsMd5,
        where: key,
        signal: options.signal,
        pace: options.pace,
      },
    );
    const stored = await sending.catch((error: unknown) => {
      throw this.#headers.explained(error);
    });
    if (stored.ETag === undefined) throw unlikeS3(key);
    try {
      this.#headers.confirmEncryption(stored, key);
    } catch (error) {
      if (options.mode === 'create') await this.#takeBack(key, stored.VersionId);
      throw error;
    }
  }

  async *get(key: string, options: GetOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const { range } = options;
    const scope = this.#requests.open(key, options.signal);
    let body: Readable | undefined;
    try {
      const answer = await this.#openBody(scope, key, range);
      if (answer === undefined) return;
      body = bodyOf(answer, key);
      yield* this.#readBody(scope, body, answer.ContentLength, { key, into: options.into });
    } finally {
      scope.close();
      body?.destroy();
    }
  }

  async head(key: string, options: AbortableOptions): Promise<ObjectInfo> {
    const command = new HeadObjectCommand({
      ...(await this.#headers.forRead()),
      Bucket: this.#requests.bucket,
      Key: key,
    });
    const found = await this.#requests.send(command, { where: key, signal: options.signal });
    if (found.ContentLength === undefined) throw unlikeS3(key);
    return { key, sizeBytes: found.ContentLength, modifiedMs: found.LastModified?.getTime() ?? 0 };
  }

  list(prefix: string, options: ListOptions): AsyncIterable<ObjectInfo> {
    return listObjects(this.#requests, prefix, options);
  }

  async delete(key: string, options: AbortableOptions): Promise<void> {
    await this.#deletion.deleteOne(key, options.signal);
  }

  async deleteMany(keys: readonly string[], options: AbortableOptions): Promise<void> {
    await this.#deletion.deleteMany(keys, options.signal);
  }

  createMultipart(key: string, options: PutOptions): Promise<MultipartUpload> {
    this.#sweep.begin();
    return S3MultipartUpload.create(this.#requests, this.#headers, key, options);
  }

  async close(): Promise<void> {
    await this.#sweep.close();
    await this.#clients.close();
  }

  /** Deletes what a put in mode `create` made, so that a put that fails leaves nothing; what was replaced is gone. */
  async #takeBack(key: string, versionId: string | undefined): Promise<void> {
    const version = versionId === undefined ? {} : { VersionId: versionId };
    const command = new DeleteObjectCommand({ Bucket: this.#requests.bucket, Key: key, ...version });
    const signal = AbortSignal.timeout(TAKE_BACK_LIMIT_MS);
    // The failure to report is that of the put.
    await this.#requests.send(command, { where: key, signal }).catch(() => undefined);
  }

  /** Undefined when the range begins behind the object's last byte. */
  async #openBody(
    scope: RequestScope,
    key: string,
    range: ByteRange | undefined,
  ): Promise<GetObjectCommandOutput | undefined> {
    const command = new GetObjectCommand({
      ...(await this.#headers.forRead()),
      Bucket: this.#requests.bucket,
      Key: key,
      ...(range === undefined ? {} : { Range: rangeHeader(range) }),
    });
    try {
      const answer = await this.#requests.sendWithin(scope, command, key);
      if (range === undefined || range.start === 0 || answer.ContentRange !== undefined) return answer;
    } catch (error) {
      if (error instanceof StoreError && isInvalidRange(error.cause)) return undefined;
      throw error;
    }
    throw new StoreError('unsupported', 'the server does not answer ranges', { where: key });
  }

  async *#readBody(
    scope: RequestScope,
    body: Readable,
    expectedBytes: number | undefined,
    { key, into }: { readonly key: string; readonly into: Uint8Array | undefined },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let received = 0;
    const direct = directBodyOf(body);
    const stop = (): void => {
      direct?.fail(asError(scope.failure));
      body.destroy(asError(scope.failure));
    };
    scope.signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const piece of piecesOf(body, direct, into)) {
        received += piece.byteLength;
        scope.pause();
        yield piece;
        scope.resume();
      }
    } catch (error) {
      throw this.#requests.errorOf(error, scope, key);
    }
    if (expectedBytes === undefined || received === expectedBytes) return;
    throw new StoreError('unavailable', `the body ended after ${received} of ${expectedBytes} bytes`, {
      where: key,
      retryable: true,
    });
  }
}

/** A client that is made anew has the same to say. */
function unlikeS3(key: string): StoreError {
  return new StoreError('corrupt', 'the server’s answer lacks what S3 servers answer', {
    where: key,
    retryable: true,
  });
}

function bodyOf(answer: GetObjectCommandOutput, key: string): Readable {
  if (answer.Body instanceof Readable) return answer.Body;
  throw new StoreError('io', 'the answer has no readable body', { where: key });
}

/** Where the body is read directly, the message tells only that the connection is done with it. */
async function* piecesOf(
  message: Readable,
  direct: DirectBody | undefined,
  into: Uint8Array | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (direct !== undefined) yield* direct.read(into);
  for await (const piece of message) if (piece instanceof Uint8Array) yield piece;
}

function rangeHeader({ start, end }: ByteRange): string {
  return end >= Number.MAX_SAFE_INTEGER ? `bytes=${start}-` : `bytes=${start}-${end - 1}`;
}

function isInvalidRange(cause: unknown): boolean {
  return cause instanceof Error && cause.name === 'InvalidRange';
}

import type { BlobDownloadResponseParsed } from '@azure/storage-blob';
import { Readable } from 'node:stream';
import { StoreError, asError } from '../../../base/errors.ts';
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
import { silentLogger } from '../../../base/logger.ts';
import { hashOf } from '../body-hash.ts';
import { ConnectionWarnings } from '../connection-warnings.ts';
import type { ServiceDriverOptions } from '../driver-options.ts';

import { bodySizeBytes } from '../object-body.ts';
import { Renewable } from '../renewable.ts';
import { checkedIdleTimeoutMs } from '../request-scope.ts';
import type { RequestScope } from '../request-scope.ts';
import type { AzureBlobSettings } from '../settings.ts';
import { answerOf } from './azure-error.ts';
import { createClient } from './client.ts';
import type { AzureBlobClient } from './client.ts';
import { AzureBlobDeletion, BATCH_KEYS } from './deletion.ts';
import { isFolderMarker } from './folder-marker.ts';
import { AzureBlobListing } from './listing.ts';
import { formatAzureBlobLocation } from './location.ts';
import type { AzureBlobLocation } from './location.ts';
import { AzureBlobMultipartUpload } from './multipart.ts';
import { putConditions } from './put-conditions.ts';
import { AzureBlobRequests } from './requests.ts';

const CONNECTIONS = 16;

/** A container of Azure Blob Storage. Keys are the names of its blobs, without a prefix. */
export class AzureBlobDriver implements ObjectDriver {
  readonly url: string;
  readonly capabilities: DriverCapabilities;
  readonly #clients: Renewable<AzureBlobClient>;
  readonly #requests: AzureBlobRequests;
  readonly #listing: AzureBlobListing;
  readonly #deletion: AzureBlobDeletion;

  /** Throws UsageError for settings that cannot be carried out. */
  constructor(
    location: AzureBlobLocation,
    settings: AzureBlobSettings = {},
    options: ServiceDriverOptions = {},
  ) {
    const { connections = CONNECTIONS, logger = silentLogger } = options;
    const warnings = new ConnectionWarnings(logger);
    const idleTimeoutMs = checkedIdleTimeoutMs(settings.idleTimeoutMs);
    this.url = formatAzureBlobLocation({ ...location, prefix: '' });
    this.capabilities = {
      connections,
      atomicCreate: true,
      confirmsPuts: true,
      comparesSha256: false,
      partsLeaveNothing: true,
      keysPerDeletion: BATCH_KEYS,
    };
    // Messages name the whole location; `url` is that of the container, of which a prefix is a view.
    const url = formatAzureBlobLocation(location);
    this.#clients = new Renewable({
      where: url,
      create: () => createClient(location, settings, warnings),
      destroy: (client) => client.close(),
    });
    this.#requests = new AzureBlobRequests({ url, idleTimeoutMs, clients: this.#clients });
    this.#listing = new AzureBlobListing(this.#requests);
    this.#deletion = new AzureBlobDeletion(this.#requests, connections);
  }

  /** The server stores nothing whose MD5 is another one than was sent along, and keeps it with the blob. */
  async put(key: string, body: ObjectBody, options: PutOptions): Promise<void> {
    const { signal, pace } = options;
    const transactionalContentMD5 = await hashOf(body, 'md5', signal);
    const conditions = putConditions(options);
    await this.#requests.sendBody(
      (stream) => (container, abortSignal) =>
        container
          .getBlockBlobClient(key)
          .upload(stream, bodySizeBytes(body), { abortSignal, conditions, transactionalContentMD5 }),
      { body, where: key, signal, pace },
    );
  }

  async *get(key: string, options: GetOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const scope = this.#requests.open(key, options.signal);
    let body: Readable | undefined;
    try {
      const answer = await this.#openBody(scope, key, options.range);
      if (answer === undefined) return;
      body = bodyOf(answer, key);
      if (isFolderMarker(answer.contentLength, answer.metadata)) throw noObject(key);
      yield* this.#readBody(scope, body, answer.contentLength, key);
    } finally {
      scope.close();
      body?.destroy();
    }
  }

  async head(key: string, { signal }: AbortableOptions): Promise<ObjectInfo> {
    const { contentLength, lastModified, metadata } = await this.#requests.send(
      (container, abortSignal) => container.getBlobClient(key).getProperties({ abortSignal }),
      { where: key, signal },
    );
    if (isFolderMarker(contentLength, metadata)) throw noObject(key);
    if (contentLength === undefined) {
      throw new StoreError('corrupt', 'the server’s answer tells no size', { where: key, retryable: true });
    }
    return { key, sizeBytes: contentLength, modifiedMs: lastModified?.getTime() ?? 0 };
  }

  list(prefix: string, options: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#listing.list(prefix, options);
  }

  async delete(key: string, { signal }: AbortableOptions): Promise<void> {
    await this.#deletion.deleteOne(key, signal);
  }

  async deleteMany(keys: readonly string[], { signal }: AbortableOptions): Promise<void> {
    await this.#deletion.deleteMany(keys, signal);
  }

  createMultipart(key: string, options: PutOptions): Promise<MultipartUpload> {
    return Promise.resolve(new AzureBlobMultipartUpload(this.#requests, key, options));
  }

  async close(): Promise<void> {
    await this.#clients.close();
  }

  /** Undefined when the range begins behind the object's last byte. */
  async #openBody(
    scope: RequestScope,
    key: string,
    range: ByteRange | undefined,
  ): Promise<BlobDownloadResponseParsed | undefined> {
    const start = range?.start ?? 0;
    const count = range === undefined || range.end >= Number.MAX_SAFE_INTEGER ? undefined : range.end - start;
    try {
      const answer = await this.#requests.sendWithin(
        scope,
        async (container, abortSignal) => {
          const options = { abortSignal, maxRetryRequests: 0 };
          const opened = await container.getBlobClient(key).download(start, count, options);
          // A body that breaks while nobody reads it, or that came when its caller had left, must not end the process.
          opened.readableStreamBody?.on('error', () => undefined);
          return opened;
        },
        key,
      );
      if (start === 0 || answer.contentRange !== undefined) return answer;
      bodyOf(answer, key).destroy();
    } catch (error) {
      if (error instanceof StoreError && error.code === 'invalid-argument' && isInvalidRange(error.cause)) {
        return undefined;
      }
      throw error;
    }
    throw new StoreError('unsupported', 'the server does not answer ranges', { where: key });
  }

  async *#readBody(
    scope: RequestScope,
    body: Readable,
    expectedBytes: number | undefined,
    key: string,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let received = 0;
    scope.signal.addEventListener('abort', () => body.destroy(asError(scope.failure)), { once: true });
    try {
      for await (const piece of body) {
        if (!(piece instanceof Uint8Array)) continue;
        received += piece.byteLength;
        scope.pause();
        yield piece;
        scope.resume();
      }
    } catch (error) {
      if (scope.failure !== undefined) throw asError(scope.failure);
      // The SDK's words for a connection that broke are about damaged data, which it does not look for.
      throw brokenBody(key, received, expectedBytes, error);
    }
    if (expectedBytes !== undefined && received !== expectedBytes) {
      throw brokenBody(key, received, expectedBytes);
    }
  }
}

function noObject(key: string): StoreError {
  return new StoreError('not-found', 'no such object', { where: key });
}

function brokenBody(
  key: string,
  received: number,
  expectedBytes: number | undefined,
  cause?: unknown,
): StoreError {
  const of = expectedBytes === undefined ? '' : ` of ${expectedBytes}`;
  return new StoreError('unavailable', `the body ended after ${received}${of} bytes`, {
    where: key,
    retryable: true,
    ...(cause === undefined ? {} : { cause }),
  });
}

function bodyOf({ readableStreamBody }: BlobDownloadResponseParsed, key: string): Readable {
  if (readableStreamBody instanceof Readable) return readableStreamBody;
  throw new StoreError('io', 'the answer has no readable body', { where: key });
}

function isInvalidRange(cause: unknown): boolean {
  return answerOf(cause)?.name === 'InvalidRange';
}

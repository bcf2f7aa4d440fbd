import type {
  S3Client,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import type { Command } from '@smithy/types';
import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';
import { StoreError } from '../../../base/errors.ts';
import { hashOf } from '../body-hash.ts';
import { bodyStream } from '../body-stream.ts';
import type { ObjectBody, Pace } from '../driver.ts';
import type { Renewable } from '../renewable.ts';
import { RequestScope } from '../request-scope.ts';
import { regionAfter } from './bucket-region.ts';
import type { FoundRegion } from './bucket-region.ts';
import { otherRegionError, s3Error } from './s3-error.ts';

/** A request of the SDK. */
export type S3Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = Command<
  ServiceInputTypes,
  I,
  ServiceOutputTypes,
  O,
  S3ClientResolvedConfig
>;

export interface RequestOptions {
  /** The key, or the prefix. */
  readonly where: string;
  readonly signal: AbortSignal | undefined;
  /** True for a request whose caller must learn what became of it, cancelled or not. Default false. */
  readonly isTold?: boolean;
}

export interface BodyOptions extends RequestOptions {
  readonly body: ObjectBody;
  /** Lower-case hex; the server refuses other bytes. */
  readonly sha256: string;
  /** True where the server wants an MD5 besides. */
  readonly wantsMd5: boolean;
  readonly pace: Pace | undefined;
}

export interface S3RequestsOptions {
  readonly bucket: string;
  readonly url: string;
  readonly idleTimeoutMs: number;
  readonly clients: Renewable<S3Client>;
  readonly region: FoundRegion;
  readonly clock: Clock;
}

/** Sends requests to one bucket, each abortable and with an idle limit; what fails is a TranshipError. */
export class S3Requests {
  readonly bucket: string;
  readonly #options: S3RequestsOptions;

  constructor(options: S3RequestsOptions) {
    this.bucket = options.bucket;
    this.#options = options;
  }

  async send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    command: S3Command<I, O>,
    { where, signal, isTold = false }: RequestOptions,
  ): Promise<O> {
    const scope = this.open(where, signal);
    if (isTold) scope.markSent();
    try {
      return await this.sendWithin(scope, command, where);
    } finally {
      scope.close();
    }
  }

  /** As `send`, for a command that carries a body: its hash is signed instead of being computed again. */
  async sendBody<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    commandFor: (stream: Readable) => S3Command<I, O>,
    { body, sha256, wantsMd5, where, signal, pace }: BodyOptions,
  ): Promise<O> {
    const scope = this.open(where, signal);
    const stream = bodyStream(body, scope.bodyEvents(pace));
    try {
      const command = commandFor(stream);
      command.middlewareStack.add(
        (next) => async (args) => {
          if (hasHeaders(args.request)) {
            args.request.headers['x-amz-content-sha256'] = sha256;
            if (wantsMd5)
              args.request.headers['content-md5'] = (await hashOf(body, 'md5', signal)).toString('base64');
          }
          return next(args);
        },
        { step: 'build', name: 'transhipPayloadHash' },
      );
      return await this.#sendOnce(scope, command, where);
    } finally {
      scope.close();
      stream.destroy();
    }
  }

  /** A scope for a request whose body is read after its answer came; the caller closes it. */
  open(where: string, signal: AbortSignal | undefined): RequestScope {
    return new RequestScope(this.#whereOf(where), this.#options.idleTimeoutMs, signal);
  }

  /** Sends a command without a body; again, where the server says that the bucket is in another region. */
  async sendWithin<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    scope: RequestScope,
    command: S3Command<I, O>,
    where: string,
  ): Promise<O> {
    try {
      return await this.#sendOnce(scope, command, where);
    } catch (error) {
      if (!(error instanceof MovedError)) throw error;
      return this.#sendOnce(scope, command, where);
    }
  }

  async #sendOnce<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    scope: RequestScope,
    command: S3Command<I, O>,
    where: string,
  ): Promise<O> {
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const socket = socketOf(result.response);
        if (socket !== undefined) scope.watch(socket);
        return result;
      },
      { step: 'deserialize', priority: 'low', name: 'transhipIdleWatch', override: true },
    );
    const client = await this.#options.clients.get().catch((error: unknown) => {
      throw this.errorOf(error, scope, where);
    });
    try {
      const result = await client.send(command, { abortSignal: scope.signal });
      this.#options.clients.worked(client);
      return result;
    } catch (error) {
      throw await this.#failureOf(error, { client, scope, where });
    }
  }

  async #failureOf(
    error: unknown,
    { client, scope, where }: { client: S3Client; scope: RequestScope; where: string },
  ): Promise<unknown> {
    const { clients, region } = this.#options;
    const known = this.errorOf(error, scope, where);
    if (!(known instanceof StoreError)) return known;
    if (isExpired(error) && clients.renew(client)) return againAs(StoreError, known);
    const name = await regionAfter(error, { client, bucket: this.bucket, signal: scope.signal });
    if (name === undefined || name === (await client.config.region())) return known;
    if (await region.take(name, client, clients)) return againAs(MovedError, known);
    return otherRegionError(name, this.#options.url, known);
  }

  errorOf(error: unknown, scope: RequestScope, where: string): unknown {
    if (scope.failure !== undefined) return scope.failure;
    const { url, clock } = this.#options;
    return s3Error(error, { key: where, url, nowMs: clock.nowMs() });
  }

  #whereOf(where: string): string {
    return where === '' ? this.#options.url : where;
  }
}

/** The credentials were good once: new ones may lie ready. */
function isExpired(error: unknown): boolean {
  return (
    error instanceof Error && ['ExpiredToken', 'InvalidToken', 'TokenRefreshRequired'].includes(error.name)
  );
}

/** The bucket is in another region, for which there is a client now. */
class MovedError extends StoreError {}

/** The same failure, of which is known that another attempt may succeed. */
function againAs(kind: typeof StoreError, error: StoreError): StoreError {
  const { code, what, where, advice } = error;
  return new kind(code, what, {
    cause: error,
    retryable: true,
    ...(where === undefined ? {} : { where }),
    ...(advice === undefined ? {} : { advice }),
  });
}

function socketOf(response: unknown): { readonly bytesRead: number } | undefined {
  if (typeof response !== 'object' || response === null || !('body' in response)) return undefined;
  return response.body instanceof IncomingMessage ? response.body.socket : undefined;
}

function hasHeaders(request: unknown): request is { headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}

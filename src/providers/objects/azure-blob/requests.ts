import type { ContainerClient } from '@azure/storage-blob';
import type { Readable } from 'node:stream';
import { StoreError } from '../../../base/errors.ts';
import { orAborted } from '../../../base/until-aborted.ts';
import { bodyStream } from '../body-stream.ts';
import type { ObjectBody, Pace } from '../driver.ts';
import type { Renewable } from '../renewable.ts';
import { RequestScope } from '../request-scope.ts';
import { azureError, refusalError } from './azure-error.ts';
import type { AzureBlobClient } from './client.ts';

/** One request, or a few that belong together; must hand the signal to the SDK. */
export type Work<T> = (container: ContainerClient, abortSignal: AbortSignal) => Promise<T>;

export interface RequestOptions {
  /** The key, or the prefix. */
  readonly where: string;
  readonly signal: AbortSignal | undefined;
  /** True for a request whose caller must learn what became of it, cancelled or not. Default false. */
  readonly isTold?: boolean;
}

export interface BodyOptions extends RequestOptions {
  readonly body: ObjectBody;
  readonly pace: Pace | undefined;
}

export interface AzureBlobRequestsOptions {
  readonly url: string;
  readonly idleTimeoutMs: number;
  readonly clients: Renewable<AzureBlobClient>;
}

/** Sends requests to one container, each abortable and with an idle limit; what fails is a TranshipError. */
export class AzureBlobRequests {
  readonly #options: AzureBlobRequestsOptions;
  #wasReached = false;

  constructor(options: AzureBlobRequestsOptions) {
    this.#options = options;
  }

  async send<T>(work: Work<T>, { where, signal, isTold = false }: RequestOptions): Promise<T> {
    const scope = this.open(where, signal);
    if (isTold) scope.markSent();
    try {
      return await this.sendWithin(scope, work, where);
    } finally {
      scope.close();
    }
  }

  /** As `send`, for a request that carries a body. */
  async sendBody<T>(
    workFor: (stream: () => Readable) => Work<T>,
    { body, where, signal, pace }: BodyOptions,
  ): Promise<T> {
    const scope = this.open(where, signal);
    const stream = bodyStream(body, scope.bodyEvents(pace));
    try {
      return await this.sendWithin(
        scope,
        workFor(() => stream),
        where,
      );
    } finally {
      scope.close();
      stream.destroy();
    }
  }

  /** A scope for a request whose body is read after its answer came; the caller closes it. */
  open(where: string, signal: AbortSignal | undefined): RequestScope {
    return new RequestScope(where === '' ? this.#options.url : where, this.#options.idleTimeoutMs, signal);
  }

  async sendWithin<T>(scope: RequestScope, work: Work<T>, where: string): Promise<T> {
    const { clients } = this.#options;
    const client = await clients.get().catch((error: unknown) => {
      throw this.errorOf(error, scope, where);
    });
    try {
      // A token may be fetched first, which takes no signal.
      const result = await orAborted(work(client.container, scope.signal), scope.signal);
      clients.worked(client);
      this.#wasReached = true;
      return result;
    } catch (error) {
      // A token that does not come would be waited for by every later request as well.
      if (scope.fellSilent && client.tokens?.isPending === true) clients.replace(client);
      const known = this.errorOf(error, scope, where, client);
      const isExpired = known instanceof StoreError && known.code === 'unauthenticated';
      throw isExpired && clients.renew(client) ? asRetryable(known) : known;
    }
  }

  /** What it means that the server refused one blob of a batch. */
  refusal(status: number, name: string, key: string): StoreError {
    return refusalError(status, name, { key, url: this.#options.url });
  }

  errorOf(error: unknown, scope: RequestScope, where: string, client?: AzureBlobClient): unknown {
    if (scope.failure !== undefined) return scope.failure;
    const { url } = this.#options;
    return azureError(error, { key: where, url, access: client?.access, wasReached: this.#wasReached });
  }
}

/** The credentials were good once: new ones may lie ready. */
function asRetryable(error: StoreError): StoreError {
  const { code, what, where, advice } = error;
  return new StoreError(code, what, {
    cause: error,
    retryable: true,
    ...(where === undefined ? {} : { where }),
    ...(advice === undefined ? {} : { advice }),
  });
}

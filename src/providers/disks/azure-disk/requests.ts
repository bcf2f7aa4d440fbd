import type { ComputeManagementClient } from '@azure/arm-compute';
import { DiskError } from '../../../base/errors.ts';
import type { TranshipError } from '../../../base/errors.ts';
import { orAborted } from '../../../base/until-aborted.ts';
import { ConnectionWarnings } from '../../objects/connection-warnings.ts';
import { Renewable } from '../../objects/renewable.ts';
import { RequestScope, checkedIdleTimeoutMs } from '../../objects/request-scope.ts';
import type { Logger } from '../../../base/logger.ts';
import type { AzureDiskSettings } from '../settings.ts';
import { azureDiskError, isGone } from './azure-disk-error.ts';
import { createClient } from './client.ts';
import type { AzureDiskClient } from './client.ts';

/** One request; must hand the signal to the SDK where that takes it. */
export type Work<T> = (client: ComputeManagementClient, abortSignal: AbortSignal) => Promise<T>;

export interface RequestOptions {
  /** The full id that it is about, or what else names it. */
  readonly where: string;
  /** The permission that it wants most. */
  readonly action: string;
  /** Default: that of the credentials. */
  readonly subscription?: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Sends requests to Azure's management, each abortable and with a time limit; what fails is a TranshipError. */
export class AzureDiskRequests {
  readonly #clients: Renewable<AzureDiskClient>;
  readonly #timeoutMs: number;

  /** Throws UsageError for settings that cannot be carried out. */
  constructor(settings: AzureDiskSettings, logger: Logger) {
    const warnings = new ConnectionWarnings(logger);
    this.#timeoutMs = checkedIdleTimeoutMs(settings.idleTimeoutMs);
    this.#clients = new Renewable({
      where: 'azure',
      create: () => createClient(settings, warnings),
      destroy: (client) => client.close(),
    });
  }

  /** The subscription of the credentials. */
  async subscription(signal: AbortSignal | undefined): Promise<string> {
    const client = await this.#within({ where: 'azure', action: '', signal }, (made) =>
      Promise.resolve(made),
    );
    return client.access.subscription;
  }

  async send<T>(work: Work<T>, options: RequestOptions): Promise<T> {
    return this.#within(options, async (client, signal) => {
      const result = await work(client.of(options.subscription), signal);
      this.#clients.worked(client);
      return result;
    });
  }

  /** As `send`; undefined where Azure says that what is asked for is not there. */
  async find<T>(work: Work<T>, options: RequestOptions): Promise<T | undefined> {
    return this.send(
      (client, signal) =>
        work(client, signal).catch((error: unknown) => {
          if (isGone(error)) return undefined;
          throw error;
        }),
      options,
    );
  }

  /** The items of a listing, each page a request of its own. */
  async *list<T>(
    open: (client: ComputeManagementClient) => {
      byPage: (settings: {
        continuationToken?: string;
      }) => AsyncIterable<T[] & { continuationToken?: string }>;
    },
    options: RequestOptions,
  ): AsyncGenerator<T, void, undefined> {
    let next: string | undefined;
    do {
      const from = next === undefined ? {} : { continuationToken: next };
      const page = await this.send(async (client) => {
        for await (const items of open(client).byPage(from)) return items;
        return undefined;
      }, options);
      yield* page ?? [];
      next = page?.continuationToken;
    } while (next !== undefined && next !== '');
  }

  async close(): Promise<void> {
    await this.#clients.close();
  }

  async #within<T>(
    options: RequestOptions,
    work: (client: AzureDiskClient, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const scope = new RequestScope(options.where, this.#timeoutMs, options.signal);
    let client: AzureDiskClient | undefined;
    try {
      client = await this.#clients.get();
      // A token may be fetched first, and a page of a listing, which take no signal.
      return await orAborted(work(client, scope.signal), scope.signal);
    } catch (error) {
      throw this.#errorOf(error, { scope, client, options });
    } finally {
      scope.close();
    }
  }

  #errorOf(
    error: unknown,
    {
      scope,
      client,
      options: { where, action },
    }: {
      readonly scope: RequestScope;
      readonly client: AzureDiskClient | undefined;
      readonly options: RequestOptions;
    },
  ): unknown {
    // The caller's reason is thrown as it is, silence of the server as one of ours.
    if (scope.failure !== undefined && !scope.fellSilent) return scope.failure;
    // A token that does not come would be waited for by every later request as well.
    if (scope.fellSilent && client?.tokens.isPending === true) this.#clients.replace(client);
    const endpoint = client?.access.endpoint ?? where;
    const known = azureDiskError(scope.failure ?? error, { where, action, endpoint });
    const isExpired = known instanceof DiskError && known.code === 'unauthenticated';
    return isExpired && client !== undefined && this.#clients.renew(client) ? asRetryable(known) : known;
  }
}

/** The credentials were good once: new ones may lie ready. */
function asRetryable({ code, what, where, advice, cause }: TranshipError): DiskError {
  return new DiskError(code, what, {
    cause,
    retryable: true,
    ...(where === undefined ? {} : { where }),
    ...(advice === undefined ? {} : { advice }),
  });
}

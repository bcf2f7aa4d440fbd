import { DiskError } from '../../../base/errors.ts';
import { orAborted } from '../../../base/until-aborted.ts';
import { Renewable } from '../../objects/renewable.ts';
import { RequestScope } from '../../objects/request-scope.ts';
import { answerName, ebsError } from './ebs-error.ts';
import type { CallPlace } from './ebs-error.ts';

/** Credentials that were good once may lie ready in a newer form. */
const EXPIRED: ReadonlySet<string | undefined> = new Set(['ExpiredToken', 'ExpiredTokenException']);

export interface ServiceCallsOptions<Client> {
  readonly region: string;
  readonly idleTimeoutMs: number;
  readonly create: () => Promise<Client>;
}

export interface CallOptions extends Omit<CallPlace, 'region'> {
  readonly signal: AbortSignal | undefined;
}

/** Calls of one service in one region, each abortable and with an idle limit; what fails is a TranshipError. */
export class ServiceCalls<Client extends { destroy(): void }> {
  readonly region: string;
  readonly #idleTimeoutMs: number;
  readonly #clients: Renewable<Client>;

  constructor({ region, idleTimeoutMs, create }: ServiceCallsOptions<Client>) {
    this.region = region;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#clients = new Renewable({ where: region, create, destroy: (client) => client.destroy() });
  }

  async send<Answer>(
    send: (client: Client, options: { readonly abortSignal: AbortSignal }) => Promise<Answer>,
    { action, where, signal }: CallOptions,
  ): Promise<Answer> {
    const scope = new RequestScope(where, this.#idleTimeoutMs, signal);
    const place = { action, where, region: this.region };
    try {
      const client = await this.#clients.get();
      try {
        const answer = await orAborted(send(client, { abortSignal: scope.signal }), scope.signal);
        this.#clients.worked(client);
        return answer;
      } catch (error) {
        if (scope.failure === undefined && EXPIRED.has(answerName(error)) && this.#clients.renew(client)) {
          throw again(error, place);
        }
        throw error;
      }
    } catch (error) {
      throw ebsError(scope.failure ?? error, place);
    } finally {
      scope.close();
    }
  }

  async close(): Promise<void> {
    await this.#clients.close();
  }
}

function again(error: unknown, place: CallPlace): DiskError {
  const { code, what } = ebsError(error, place);
  return new DiskError(code, what, {
    where: place.where,
    action: place.action,
    cause: error,
    retryable: true,
  });
}

import { AuthClient, gaxios } from 'google-auth-library';
import { DiskError } from '../../../base/errors.ts';
import { orAborted } from '../../../base/until-aborted.ts';
import type { GoogleIdentity } from '../../google/identity.ts';
import { parseJson } from '../../google/json-value.ts';
import type { ConnectionAgents } from '../../objects/connection-agents.ts';
import type { ConnectionWarnings } from '../../objects/connection-warnings.ts';
import { isOpenNetwork, openTokenError } from '../../objects/endpoint.ts';
import type { Renewable } from '../../objects/renewable.ts';
import { RequestScope } from '../../objects/request-scope.ts';
import { diskError, refusalError, unreadableError } from './compute-error.ts';
import type { CallPlace, Refusal } from './compute-error.ts';

/** What the SDK believes to speak to. */
const COMPUTE_HOST = 'compute.googleapis.com';

/** One call on its way, whoever sends its requests. */
export interface Call extends CallPlace {
  readonly signal?: AbortSignal | undefined;
}

export interface TransportOptions {
  /** Scheme, host and port of Compute Engine. */
  readonly endpoint: string;
  readonly allowHttp: boolean;
  readonly insecureTls: boolean;
  readonly warnings: ConnectionWarnings;
  readonly idleTimeoutMs: number;
  readonly agents: Renewable<ConnectionAgents>;
  readonly identities: Renewable<GoogleIdentity>;
  /** The call that a request belongs to; the SDK passes nothing of the kind on. */
  readonly callOf: () => Call;
}

/**
 * How requests of the SDK go out: by our connections, with our identity, once, and no redirect is followed. What is no
 * success is thrown as a DiskError about the call that it belongs to, since the SDK keeps only a part of such answers.
 */
export class ComputeTransport extends AuthClient {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    const retryConfig = { retry: 0, noResponseRetries: 0 };
    super({ transporter: new gaxios.Gaxios({ retryConfig, redirect: 'manual' }) });
    this.#options = options;
  }

  override async request<T>(options: gaxios.GaxiosOptions): gaxios.GaxiosPromise<T> {
    const call = this.#options.callOf();
    const scope = new RequestScope(call.where, this.#options.idleTimeoutMs, call.signal);
    try {
      return await this.#send<T>(options, call, scope);
    } catch (error) {
      throw diskError(scope.failure ?? error, call);
    } finally {
      scope.close();
    }
  }

  override async getRequestHeaders(): Promise<Headers> {
    const identity = await this.#options.identities.get();
    return new Headers(await identity.headers());
  }

  override async getAccessToken(): Promise<{ token?: string | null }> {
    const headers = await this.getRequestHeaders();
    return { token: headers.get('authorization')?.replace(/^Bearer /, '') ?? null };
  }

  async #send<T>(options: gaxios.GaxiosOptions, call: Call, scope: RequestScope): gaxios.GaxiosPromise<T> {
    const { endpoint, allowHttp, insecureTls, warnings, identities } = this.#options;
    const named = new URL(String(options.url));
    const url =
      named.hostname === COMPUTE_HOST ? new URL(`${named.pathname}${named.search}`, endpoint) : named;
    warnings.openNetwork(url, allowHttp);
    if (insecureTls) warnings.uncheckedCertificate(url.origin);
    const identity = await orAborted(identities.get(), scope.signal);
    const authorization = await orAborted(identity.headers(), scope.signal);
    if (isOpenNetwork(url) && Object.keys(authorization).length > 0) {
      throw openTokenError(url.origin, 'use https://');
    }
    const headers = new Headers(options.headers);
    for (const [name, value] of Object.entries(authorization)) headers.set(name, value);
    const agent = (await this.#options.agents.get()).for(url);
    const answer = await this.transporter.request<T>({
      ...options,
      url,
      headers,
      agent,
      signal: scope.signal,
      responseType: 'text',
      validateStatus: () => true,
    });
    const { status } = answer;
    const body = typeof answer.data === 'string' ? answer.data : '';
    if (status >= 200 && status < 300) {
      identities.worked(identity);
      if (parseJson(body) === undefined) throw unreadableError(call);
      return Object.assign(new Response(body, { status }), { config: answer.config, data: answer.data });
    }
    const refusal = { status, body, retryAfter: answer.headers.get('retry-after') };
    throw this.#errorOf({ ...refusal, contentType: answer.headers.get('content-type') }, call, identity);
  }

  #errorOf(refusal: Refusal, call: Call, identity: GoogleIdentity): DiskError {
    const error = refusalError(refusal, call);
    if (refusal.status !== 401 || !this.#options.identities.renew(identity)) return error;
    // The credentials were good once: new ones may lie ready.
    return new DiskError(error.code, error.what, { where: call.where, action: call.action, retryable: true });
  }
}

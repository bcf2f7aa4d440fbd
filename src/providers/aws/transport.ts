import type { HttpRequest, HttpResponse } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { HttpHandlerOptions, RequestHandler as SdkHandler } from '@smithy/types';
import type { AgentOptions } from 'node:https';
import { agentOptions } from '../objects/connection-agents.ts';
import type { AgentSettings } from '../objects/connection-agents.ts';
import { proxyFor } from '../objects/proxy.ts';
import type { ProxySettings } from '../objects/settings.ts';

/** After how long without a connection a request has failed. */
export const CONNECT_LIMIT_MS = 30_000;

export type Transport = SdkHandler<HttpRequest, HttpResponse, HttpHandlerOptions>;

/**
 * Sends the SDK's requests; those that need no proxy by what `createDirect` makes. Throws UsageError for settings that
 * cannot be carried out.
 */
export function createTransport(
  settings: AgentSettings,
  createDirect: (options: AgentOptions) => NodeHttpHandler = directHandler,
): Transport {
  const options = agentOptions(settings);
  const { proxy } = settings;
  const direct = createDirect(options);
  const isProxied = proxy?.https !== undefined || proxy?.http !== undefined;
  return isProxied ? new ProxiedTransport(direct, proxy, options) : direct;
}

function directHandler(options: AgentOptions): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: CONNECT_LIMIT_MS,
    httpAgent: options,
    httpsAgent: options,
  });
}

/** Each host by the proxy that the settings name for it, or directly: a token service may have another one. */
class ProxiedTransport implements Transport {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #direct: NodeHttpHandler;
  readonly #proxy: ProxySettings;
  readonly #options: AgentOptions;
  readonly #byProxy = new Map<string, Promise<NodeHttpHandler>>();

  constructor(direct: NodeHttpHandler, proxy: ProxySettings, options: AgentOptions) {
    this.#direct = direct;
    this.#proxy = proxy;
    this.#options = options;
  }

  async handle(request: HttpRequest, options?: HttpHandlerOptions): Promise<{ response: HttpResponse }> {
    const proxy = proxyFor(urlOf(request), this.#proxy);
    const handler = proxy === undefined ? this.#direct : await this.#through(proxy);
    return handler.handle(request, options);
  }

  destroy(): void {
    this.#direct.destroy();
    for (const opening of this.#byProxy.values()) {
      void opening.then(
        (handler) => handler.destroy(),
        () => undefined,
      );
    }
  }

  async #through(proxy: URL): Promise<NodeHttpHandler> {
    const opening = this.#byProxy.get(proxy.href) ?? this.#open(proxy);
    this.#byProxy.set(proxy.href, opening);
    return opening;
  }

  async #open(proxy: URL): Promise<NodeHttpHandler> {
    const { proxyAgents } = await import('../objects/proxy-agents.ts');
    return new NodeHttpHandler({ connectionTimeout: CONNECT_LIMIT_MS, ...proxyAgents(proxy, this.#options) });
  }
}

function urlOf({ protocol, hostname, port }: HttpRequest): URL {
  return new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
}

import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import type { ClientRequest } from 'node:http';
import type { AgentOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

type ConnectOptions = Parameters<HttpsProxyAgent<string>['connect']>[1];

/** `https-proxy-agent` heeds these options for the proxy only; this one does so for the server behind it. */
class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #ofServer: Pick<ConnectionOptions, 'ca' | 'rejectUnauthorized'>;

  constructor(proxy: URL, options: AgentOptions) {
    const { rejectUnauthorized, ...common } = options;
    // Whoever takes any certificate of the store's has said nothing of the proxy's.
    super(proxy, common);
    const { ca } = options;
    this.#ofServer = {
      ...(ca === undefined ? {} : { ca }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    };
  }

  override connect(request: ClientRequest, options: ConnectOptions): Promise<Socket> {
    return super.connect(request, options.secureEndpoint ? { ...options, ...this.#ofServer } : options);
  }
}

/** Agents that go through the proxy: requests as they are for http:// URLs, a tunnel for https:// ones. */
export function proxyAgents(proxy: URL, options: AgentOptions) {
  const httpsAgent = new TunnelAgent(proxy, options);
  return { httpAgent: new HttpProxyAgent(proxy, options), httpsAgent };
}

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { AgentOptions } from 'node:https';
import { trustedWith } from './certificates.ts';
import { proxyFor } from './proxy.ts';
import type { ConnectionSettings, ProxySettings } from './settings.ts';

type ProxyAgents = typeof import('./proxy-agents.ts').proxyAgents;

/** The part of the settings that connections are made by. */
export type AgentSettings = Pick<ConnectionSettings, 'caCertificates' | 'insecureTls' | 'proxy'>;

/** Throws UsageError where the authorities are none. */
export function agentOptions({ caCertificates, insecureTls }: AgentSettings): AgentOptions {
  return {
    keepAlive: true,
    // Requests at once are bounded above the driver; one that waited here for a socket would seem silent.
    // And a socket that is handed to a waiting request goes past `reuseSocket`, on which S3's gets rely (BodyAgent).
    maxSockets: Infinity,
    ...(caCertificates === undefined ? {} : { ca: trustedWith(caCertificates) }),
    ...(insecureTls === true ? { rejectUnauthorized: false } : {}),
  };
}

/** Connections to any host, directly or by the proxy that the settings name for it. */
export class ConnectionAgents {
  readonly #options: AgentOptions;
  readonly #proxy: ProxySettings | undefined;
  readonly #proxyAgents: ProxyAgents | undefined;
  readonly #opened = new Map<string, HttpAgent>();

  private constructor(settings: AgentSettings, proxyAgents: ProxyAgents | undefined) {
    this.#options = agentOptions(settings);
    this.#proxy = settings.proxy;
    this.#proxyAgents = proxyAgents;
  }

  /** Rejects with UsageError for settings that cannot be carried out. Loads what proxies need where one is named. */
  static async open(settings: AgentSettings): Promise<ConnectionAgents> {
    const isProxied = settings.proxy?.https !== undefined || settings.proxy?.http !== undefined;
    const proxies = isProxied ? await import('./proxy-agents.ts') : undefined;
    return new ConnectionAgents(settings, proxies?.proxyAgents);
  }

  /** For requests to this URL. Throws UsageError for a proxy that is none. */
  for(url: URL): HttpAgent {
    const proxy = this.#proxy === undefined ? undefined : proxyFor(url, this.#proxy);
    const name = `${url.protocol} ${proxy?.href ?? ''}`;
    const agent = this.#opened.get(name) ?? this.#create(url.protocol === 'https:', proxy);
    this.#opened.set(name, agent);
    return agent;
  }

  close(): void {
    for (const agent of this.#opened.values()) agent.destroy();
  }

  #create(isSecure: boolean, proxy: URL | undefined): HttpAgent {
    const options = this.#options;
    if (proxy === undefined || this.#proxyAgents === undefined) {
      return isSecure ? new HttpsAgent(options) : new HttpAgent(options);
    }
    const { httpAgent, httpsAgent } = this.#proxyAgents(proxy, options);
    return isSecure ? httpsAgent : httpAgent;
  }
}

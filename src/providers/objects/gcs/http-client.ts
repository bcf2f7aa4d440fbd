import { request as sendHttp } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as sendHttps } from 'node:https';
import type { Readable } from 'node:stream';
import type { ConnectionAgents } from '../connection-agents.ts';

/** One request to the endpoint. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  /** Default: none. A stream's length must stand in the headers. */
  readonly body?: Readable | Buffer | undefined;
}

/**
 * Connections to one endpoint. An answer is given as soon as its head is there; a redirect is an answer like any other,
 * so nothing, and no credentials, goes to another host.
 */
export class HttpClient {
  readonly #endpoint: URL;
  readonly #agents: () => Promise<ConnectionAgents>;

  constructor(endpoint: string, agents: () => Promise<ConnectionAgents>) {
    this.#endpoint = new URL(endpoint);
    this.#agents = agents;
  }

  /** When the signal fires, the request and the rest of its answer end and their socket is closed. */
  async send({ method, path, headers, body }: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const agents = await this.#agents();
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { hostname, port } = this.#endpoint;
    const request = (this.#isSecure ? sendHttps : sendHttp)({
      agent: agents.for(this.#endpoint),
      // URLs write IPv6 addresses in brackets, sockets do not.
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      ...(port === '' ? {} : { port }),
      method,
      path,
      headers,
    });
    const end = (): void => void request.destroy();
    signal.addEventListener('abort', end, { once: true });
    request.once('close', () => signal.removeEventListener('abort', end));
    request.once('response', resolve);
    // What comes after the answer shows in the answer's own body.
    request.on('error', reject);
    if (signal.aborted) end();
    else if (body === undefined || body instanceof Uint8Array) request.end(body);
    else body.pipe(request);
    return promise;
  }

  get #isSecure(): boolean {
    return this.#endpoint.protocol === 'https:';
  }
}

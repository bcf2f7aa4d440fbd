import { NodeHttpHandler } from '@smithy/node-http-handler';
import { IncomingMessage } from 'node:http';
import type { AgentOptions } from 'node:https';
import { CONNECT_LIMIT_MS } from '../../aws/transport.ts';
import { bodyAgents, directBodyOn } from './body-agents.ts';
import type { DirectBody } from './body-socket.ts';

type Handle = NodeHttpHandler['handle'];
type Update = NodeHttpHandler['updateHttpClientConfig'];

/** Node's HTTP for all requests, with connections of their own for gets, whose bodies are read past it. */
export class RequestHandler extends NodeHttpHandler {
  readonly #gets: NodeHttpHandler;

  constructor(agentOptions: AgentOptions) {
    super({ connectionTimeout: CONNECT_LIMIT_MS, httpAgent: agentOptions, httpsAgent: agentOptions });
    this.#gets = new NodeHttpHandler({ connectionTimeout: CONNECT_LIMIT_MS, ...bodyAgents(agentOptions) });
  }

  override async handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    if (request.query['x-id'] !== 'GetObject') return super.handle(request, options);
    const answered = await this.#gets.handle(request, options);
    const body = directBodyOf(answered.response.body);
    // Node's HTTP was told that there is none.
    if (body !== undefined) answered.response.headers['content-length'] = String(body.sizeBytes);
    return answered;
  }

  override updateHttpClientConfig(...[key, value]: Parameters<Update>): void {
    super.updateHttpClientConfig(key, value);
    this.#gets.updateHttpClientConfig(key, value);
  }

  override destroy(): void {
    super.destroy();
    this.#gets.destroy();
  }
}

/** The body of an answer, where it is read past Node's HTTP; the message is empty then, and ends after it. */
export function directBodyOf(message: unknown): DirectBody | undefined {
  return message instanceof IncomingMessage ? directBodyOn(message.socket) : undefined;
}

import { Agent as HttpAgent } from 'node:http';
import type { ClientRequest, ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { AgentOptions, RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { BodySocket } from './body-socket.ts';
import type { DirectBody } from './body-socket.ts';

type Connected = (error: Error | null, stream: Duplex) => void;

const bodySockets = new WeakMap<Duplex, BodySocket>();

/** The body of the answer that comes on this socket; undefined where Node's HTTP has it. */
export function directBodyOn(socket: Duplex): DirectBody | undefined {
  return bodySockets.get(socket)?.body;
}

/** Connections whose answers of an object are read by {@link directBodyOn}: who sends requests on them must. */
export class BodyAgent extends HttpAgent {
  override createConnection(options: ClientRequestArgs, callback?: Connected): Duplex | null | undefined {
    return connected((own) => super.createConnection({ ...options, ...own }, callback));
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    bodySockets.get(socket)?.expectAnswer();
    super.reuseSocket(socket, request);
  }
}

/** As {@link BodyAgent}, for TLS. */
export class SecureBodyAgent extends HttpsAgent {
  override createConnection(options: RequestOptions, callback?: Connected): Duplex | null | undefined {
    return connected((own) => super.createConnection({ ...options, ...own }, callback));
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    bodySockets.get(socket)?.expectAnswer();
    super.reuseSocket(socket, request);
  }
}

/** Both as a request handler takes them. */
export function bodyAgents(options: AgentOptions): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  return { httpAgent: new BodyAgent(options), httpsAgent: new SecureBodyAgent(options) };
}

function connected(
  connect: (options: Pick<BodySocket, 'onread'>) => Duplex | null | undefined,
): Duplex | null | undefined {
  const bodySocket = new BodySocket();
  const socket = connect({ onread: bodySocket.onread });
  if (socket !== null && socket !== undefined) {
    bodySocket.attach(socket);
    bodySockets.set(socket, bodySocket);
  }
  return socket;
}

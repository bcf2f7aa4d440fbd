import { createServer, request as forward } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRandom } from '../seed.ts';

/** Stands before a server and refuses some of the requests. */
export interface RefusingProxy {
  readonly endpoint: string;
  /** Requests refused so far, and let through. */
  readonly counts: { refused: number; passed: number };
  stop(): Promise<void>;
}

export type Refusal = readonly [status: number, code: string];

/** Undefined for a request that is let through. */
export type RefusalRule = (request: IncomingMessage) => Refusal | undefined;

/** What an overloaded or failing server does to a share of all requests, 0 to 1; the seed decides which it hits. */
export function randomRefusals(
  share: number,
  seed: number,
  refusals: readonly [Refusal, ...Refusal[]],
): RefusalRule {
  const random = createRandom(seed);
  return () => (random.chance(share) ? random.pick(refusals) : undefined);
}

/** What a server does to credentials that may do nothing below a prefix of the bucket. */
export function deniedBelow(prefix: string): RefusalRule {
  return ({ url = '' }) =>
    url.includes(`/${prefix}`) || url.includes(`prefix=${encodeURIComponent(prefix)}`)
      ? [403, 'AccessDenied']
      : undefined;
}

export async function startRefusingProxy(upstream: string, rule: RefusalRule): Promise<RefusingProxy> {
  const counts = { refused: 0, passed: 0 };
  const target = new URL(upstream);
  const server = createServer((request, response) => {
    const refusal = rule(request);
    counts[refusal === undefined ? 'passed' : 'refused'] += 1;
    if (refusal === undefined) pass(request, response, target);
    else refuse(request, response, refusal);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no address');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    counts,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function refuse(request: IncomingMessage, response: ServerResponse, [status, code]: Refusal): void {
  request.resume();
  request.on('error', () => undefined);
  request.on('end', () => {
    response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'refused' });
    response.end(`<Error><Code>${code}</Code><Message>refused by the test</Message></Error>`);
  });
}

/** Host and all other headers stay as they are, since the signature covers them. */
function pass(request: IncomingMessage, response: ServerResponse, target: URL): void {
  const { method, url, rawHeaders } = request;
  const options = {
    host: target.hostname,
    port: target.port,
    method,
    path: url,
    headers: pairsOf(rawHeaders),
  };
  const onward = forward(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, pairsOf(answer.rawHeaders));
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.on('error', () => onward.destroy());
  request.pipe(onward);
}

function pairsOf(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < raw.length; index += 2) headers[raw[index] ?? ''] = raw[index + 1] ?? '';
  return headers;
}

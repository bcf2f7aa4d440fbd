import { createServer, request as forward } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Traffic } from './store.ts';

/** Stands before an S3 server and counts what passes. Far slower than the server: not for turns whose times count. */
export interface CountingProxy {
  readonly endpoint: string;
  /** Since the last call. */
  readonly take: () => Traffic;
  readonly stop: () => Promise<void>;
}

export async function startCountingProxy(upstream: string): Promise<CountingProxy> {
  const target = new URL(upstream);
  let counts = { requests: 0, bytesUp: 0, bytesDown: 0 };
  const server = createServer((request, response) => {
    counts.requests += 1;
    request.on('data', (chunk: Buffer) => (counts.bytesUp += chunk.byteLength));
    pass(request, response, target, (bytes) => (counts.bytesDown += bytes));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no address');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    take: () => {
      const taken = counts;
      counts = { requests: 0, bytesUp: 0, bytesDown: 0 };
      return taken;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** Headers stay as they are, since signatures cover them. */
function pass(
  request: IncomingMessage,
  response: ServerResponse,
  { hostname, port }: URL,
  count: (bytes: number) => void,
): void {
  const { method, url, rawHeaders } = request;
  const options = { host: hostname, port, method, path: url, headers: pairsOf(rawHeaders) };
  const onward = forward(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, pairsOf(answer.rawHeaders));
    answer.on('data', (chunk: Buffer) => count(chunk.byteLength));
    answer.on('error', () => response.destroy());
    answer.pipe(response);
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

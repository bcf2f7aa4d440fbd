import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** An HTTP proxy that leads every tunnel, whatever host it asks for, to one server. */
export interface ConnectProxy {
  /** `http://127.0.0.1:PORT`, for HTTPS_PROXY. */
  readonly endpoint: string;
  /** The hosts that were asked for, `HOST:PORT`. */
  readonly hosts: ReadonlySet<string>;
  stop(): Promise<void>;
}

export async function startConnectProxy(upstream: string): Promise<ConnectProxy> {
  const { hostname, port } = new URL(upstream);
  const hosts = new Set<string>();
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, client: Socket) => {
    hosts.add(request.url ?? '');
    const onward = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      client.pipe(onward).pipe(client);
    });
    for (const socket of [client, onward]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        onward.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no address');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    hosts,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

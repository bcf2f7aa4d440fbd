/** A proxy for HTTP and, by CONNECT, for anything; whatever host is asked for, it is one server that answers. */
import { createServer, request as forward } from 'node:http';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { listening } from './listening.ts';

export interface ConnectProxy {
  readonly port: number;
  /** What was asked for: `CONNECT host:port`, `GET http://host:port/...`, with the user and password given. */
  readonly asked: { readonly line: string; readonly authorization: string | undefined }[];
}

export async function startConnectProxy(t: TestContext, upstreamPort: number): Promise<ConnectProxy> {
  const asked: { line: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const { method, url = '', headers } = request;
    asked.push({ line: `${method} ${url}`, authorization: headers['proxy-authorization'] });
    const { pathname, search } = new URL(url, 'http://127.0.0.1');
    const path = pathname + search;
    const onward = forward({ host: '127.0.0.1', port: upstreamPort, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('connect', (request, socket) => {
    asked.push({ line: `CONNECT ${request.url}`, authorization: request.headers['proxy-authorization'] });
    const onward = connect(upstreamPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    socket.on('close', () => onward.destroy());
  });
  return { port: await listening(t, server), asked };
}

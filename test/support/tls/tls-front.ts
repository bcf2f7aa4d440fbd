import { connect } from 'node:net';
import { createServer } from 'node:tls';
import type { TestContext } from 'node:test';
import { listening } from '../listening.ts';
import type { Certificate } from './certificates.ts';

/** TLS before a server that speaks plain HTTP; gives its port of 127.0.0.1. */
export async function startTlsFront(
  t: TestContext,
  endpoint: string,
  certificate: Certificate,
): Promise<number> {
  const { hostname, port } = new URL(endpoint);
  const server = createServer({ ...certificate }, (socket) => {
    const onward = connect(Number(port), hostname);
    socket.pipe(onward).pipe(socket);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  return listening(t, server);
}

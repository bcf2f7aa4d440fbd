import { freePort } from '../servers/free-port.ts';
import { answersHttp, ServerProcess } from '../servers/server-process.ts';

const startTimeoutMs = 30_000;

/** A fake-gcs-server on loopback, started for a test, with nothing in it yet; all that it holds is in its memory. */
export interface GcsServer {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** `binary` is the peer `fake-gcs-server`. */
export async function startFakeGcs(binary: string): Promise<GcsServer> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const endpoint = `http://${address}`;
  const args = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-backend', 'memory'];
  // Reads of the XML API, which restic makes, go by the name of the host.
  const names = ['-public-host', address, '-external-url', endpoint, '-log-level', 'error'];
  const server = ServerProcess.start('fake-gcs-server', binary, [...args, ...names]);
  try {
    const health = `${endpoint}/_internal/healthcheck`;
    await server.waitUntil((signal) => answersHttp(health, signal), startTimeoutMs);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { endpoint, stop: () => server.stop() };
}

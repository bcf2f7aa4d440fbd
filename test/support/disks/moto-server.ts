import { freePort } from '../servers/free-port.ts';
import { answersHttp, ServerProcess } from '../servers/server-process.ts';

/** Python loads all of Amazon's descriptions first. */
const startTimeoutMs = 120_000;

/** moto on loopback: EC2, KMS and STS of one account, all in its memory, all on one port. */
export interface MotoServer {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** `binary` is the peer `moto`. */
export async function startMoto(binary: string): Promise<MotoServer> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = ServerProcess.start('moto', binary, ['-H', '127.0.0.1', '-p', String(port)]);
  try {
    await server.waitUntil((signal) => answersHttp(`${endpoint}/moto-api/`, signal), startTimeoutMs);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { endpoint, stop: () => server.stop() };
}

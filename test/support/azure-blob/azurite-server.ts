import { freePort } from '../servers/free-port.ts';
import { ServerProcess } from '../servers/server-process.ts';

const startTimeoutMs = 60_000;

/** A server that speaks Azure Blob Storage on loopback, started for a test, with nothing in it yet. */
export interface AzuriteServer {
  readonly name: string;
  /** `http://127.0.0.1:PORT/ACCOUNT`; https:// where it was given a certificate. */
  readonly endpoint: string;
  readonly account: string;
  readonly accountKey: string;
  /** Where it speaks TLS. */
  readonly certificate: ServerCertificate | undefined;
  readonly processIds: readonly number[];
  /** Ends its process. */
  stop(): Promise<void>;
}

/** A certificate and its key in PEM files; with them the server speaks TLS and takes tokens. */
export interface ServerCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** The account and the key that Azurite has where it is told no other, as its documents tell everyone. */
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Starts Azurite with its blobs in memory. */
export async function startAzurite(binary: string, certificate?: ServerCertificate): Promise<AzuriteServer> {
  const port = await freePort();
  const tls =
    certificate === undefined
      ? []
      : ['--cert', certificate.certificateFile, '--key', certificate.keyFile, '--oauth', 'basic'];
  const flags = ['--inMemoryPersistence', '--silent', '--disableTelemetry', '--skipApiVersionCheck'];
  const place = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--blobKeepAliveTimeout', '60'];
  const server = ServerProcess.start('azurite', binary, [...place, ...flags, ...tls]);
  try {
    await server.waitUntil(
      () => Promise.resolve(/successfully listens/.test(server.lastLines)),
      startTimeoutMs,
    );
  } catch (error) {
    await server.stop();
    throw error;
  }
  const scheme = certificate === undefined ? 'http' : 'https';
  const endpoint = `${scheme}://127.0.0.1:${port}/${account}`;
  return {
    name: server.name,
    endpoint,
    account,
    accountKey,
    certificate,
    processIds: [server.processId],
    stop: () => server.stop(),
  };
}

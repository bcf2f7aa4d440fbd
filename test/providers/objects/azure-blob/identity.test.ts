/** What becomes of requests whose token does not come, from a server that stands where Microsoft Entra ID is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { CancelledError } from '../../../../src/base/errors.ts';
import { AzureBlobDriver } from '../../../../src/providers/objects/azure-blob/driver.ts';
import { at, errorOf, ours } from '../../../support/azure-blob/answering-server.ts';
import type { ServerCertificate } from '../../../support/azure-blob/azurite-server.ts';
import { makeCertificate } from '../../../support/azure-blob/server-certificate.ts';
import { startTokenServer } from '../../../support/azure-blob/token-server.ts';
import type { TokenServer } from '../../../support/azure-blob/token-server.ts';
import { listening } from '../../../support/listening.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** True where it has answered, or never will. */
type Interference = (request: IncomingMessage, response: ServerResponse) => boolean;

let certificate: ServerCertificate;
before((t) => {
  assert.ok('after' in t);
  certificate = makeCertificate(temporaryFolder(t));
  setDefaultCACertificates([
    ...getCACertificates('default'),
    readFileSync(certificate.certificateFile, 'utf8'),
  ]);
});

interface Entra {
  readonly tokens: TokenServer;
  /** Has a blob `key` of one byte, for whoever has a token. */
  readonly driver: AzureBlobDriver;
  interferes: Interference;
}

async function entra(t: TestContext, idleTimeoutMs?: number): Promise<Entra> {
  const { certificateFile, keyFile } = certificate;
  const tls = { cert: readFileSync(certificateFile), key: readFileSync(keyFile) };
  const blobs = createServer(tls, (request, response) => {
    const isKnown = request.headers.authorization?.startsWith('Bearer ') === true;
    response.writeHead(isKnown ? 200 : 401, { ...ours, 'content-length': '1' }).end();
  });
  const port = await listening(t, blobs);
  const tokens = await startTokenServer({
    certificate,
    lifetimeSeconds: 3600,
    refusal: () => undefined,
    interferes: (request, response) => cloud.interferes(request, response),
  });
  t.after(() => tokens.stop());
  const driver = new AzureBlobDriver(at(`https://127.0.0.1:${port}/account`), {
    credentials: {
      kind: 'client-secret',
      tenantId: '00000000-0000-0000-0000-00000000000a',
      clientId: '00000000-0000-0000-0000-00000000000b',
      clientSecret: 'hunter2',
    },
    environment: { AZURE_AUTHORITY_HOST: tokens.endpoint },
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
  });
  t.after(() => driver.close());
  const cloud: Entra = { tokens, driver, interferes: () => false };
  return cloud;
}

function says(status: number, error: string, description: string): Interference {
  return (request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error, error_description: description }));
    return true;
  };
}

const onlyTokens =
  (interferes: Interference): Interference =>
  (request, response) =>
    request.method === 'POST' && interferes(request, response);

describe('a server of Azure’s tokens', () => {
  it('that is silent once does not hold up the requests that come later', async (t) => {
    const cloud = await entra(t, 500);
    for (const interferes of [() => true, onlyTokens(() => true)]) {
      cloud.interferes = interferes;
      const together = await Promise.all([1, 2, 3].map(() => errorOf(cloud.driver.head('key', {}))));
      for (const error of together) {
        assert.deepEqual([error.code, error.retryable], ['timeout', true], error.message);
      }
    }
    cloud.interferes = () => false;
    assert.equal((await cloud.driver.head('key', {})).sizeBytes, 1);
  });

  it('is not asked again since a caller has left while the token came', async (t) => {
    const cloud = await entra(t);
    const asked = Promise.withResolvers<void>();
    let requests = 0;
    cloud.interferes = onlyTokens(() => {
      requests += 1;
      asked.resolve();
      return true;
    });
    const leaving = new AbortController();
    const left = assert.rejects(cloud.driver.head('key', { signal: leaving.signal }), CancelledError);
    await asked.promise;
    leaving.abort();
    await left;
    const staying = new AbortController();
    const stays = assert.rejects(cloud.driver.head('key', { signal: staying.signal }), CancelledError);
    await new Promise((resolve) => setTimeout(resolve, 100));
    staying.abort();
    await stays;
    assert.equal(requests, 1);
  });

  const cut: Interference = (request) => {
    request.socket.destroy();
    return true;
  };
  const passing: readonly (readonly [string, Interference])[] = [
    ['cuts the connection', cut],
    ['cuts the connection of the token alone', onlyTokens(cut)],
    ['answers 500', says(500, 'server_error', 'AADSTS90033: A transient error has occurred.')],
  ];
  for (const [name, interferes] of passing) {
    it(`that ${name} is tried again`, async (t) => {
      const cloud = await entra(t);
      cloud.interferes = interferes;
      const error = await errorOf(cloud.driver.head('key', {}));
      assert.deepEqual([error.code, error.retryable], ['unavailable', true], error.message);
      cloud.interferes = () => false;
      assert.equal((await cloud.driver.head('key', {})).sizeBytes, 1);
    });
  }

  const busy: readonly (readonly [string, Interference])[] = [
    ['503', onlyTokens(says(503, 'server_error', 'AADSTS90033: A transient error has occurred.'))],
    ['429', onlyTokens(says(429, 'throttled', 'AADSTS90055: Too many requests.'))],
  ];
  for (const [name, interferes] of busy) {
    it(`that answers ${name} is tried again, also while the library holds requests back`, async (t) => {
      const cloud = await entra(t);
      let requests = 0;
      cloud.interferes = (request, response) => {
        requests += 1;
        return interferes(request, response);
      };
      const first = await errorOf(cloud.driver.head('key', {}));
      const requestsOfFirst = requests;
      const second = await errorOf(cloud.driver.head('key', {}));
      assert.equal(
        requests,
        requestsOfFirst,
        'the library asked again: this is no test of what it does else',
      );
      for (const error of [first, second]) {
        assert.deepEqual([error.code, error.retryable], ['unavailable', true], error.message);
      }
    });
  }

  const final: readonly (readonly [string, Interference, RegExp])[] = [
    [
      'does not know the tenant',
      says(400, 'invalid_tenant', 'AADSTS90002: Tenant not found. Trace ID: 1'),
      /AADSTS90002: Tenant not found\.: credentials/,
    ],
    [
      'refuses a secret in words of the network',
      onlyTokens(says(401, 'invalid_client', 'AADSTS7000215: Invalid network_error ETIMEDOUT. Trace ID: 1')),
      /AADSTS7000215: Invalid network_error ETIMEDOUT\.: credentials/,
    ],
  ];
  for (const [name, interferes, message] of final) {
    it(`that ${name} is not tried again, and its sentence is told`, async (t) => {
      const cloud = await entra(t);
      cloud.interferes = interferes;
      const error = await errorOf(cloud.driver.head('key', {}));
      assert.deepEqual([error.code, error.retryable], ['unauthenticated', false], error.message);
      assert.match(error.message, message);
    });
  }
});

/** How the drivers of Google's and Azure's stores reach their servers: certificates, proxies, plain HTTP. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { TranshipError, UsageError } from '../../../src/base/errors.ts';
import type { Logger } from '../../../src/base/logger.ts';
import { AzureBlobDriver } from '../../../src/providers/objects/azure-blob/driver.ts';
import { parseAzureBlobLocation } from '../../../src/providers/objects/azure-blob/location.ts';
import type { ObjectDriver } from '../../../src/providers/objects/driver.ts';
import { GcsDriver } from '../../../src/providers/objects/gcs/driver.ts';
import { parseGcsLocation } from '../../../src/providers/objects/gcs/location.ts';
import type { ConnectionSettings } from '../../../src/providers/objects/settings.ts';
import { startConnectProxy } from '../../support/connect-proxy.ts';
import { listening } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Authority } from '../../support/tls/certificates.ts';
import { startTlsFront } from '../../support/tls/tls-front.ts';

type Create = (endpoint: string, settings: ConnectionSettings, logger?: Logger) => ObjectDriver;

const accountKey = Buffer.from('hunter2hunter2').toString('base64');

const services: Readonly<Record<string, Create>> = {
  gcs: (endpoint, settings, logger) =>
    new GcsDriver(parseGcsLocation(`//bucket?endpoint=${endpoint}`), settings, { logger }),
  'azure-blob': (endpoint, settings, logger) =>
    new AzureBlobDriver(
      parseAzureBlobLocation(`//account/container?endpoint=${endpoint}/account`),
      { credentials: { kind: 'account-key', accountKey }, ...settings },
      { logger },
    ),
};

/** Answers every request as an object of 4 bytes. */
function answerWell(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(200, { 'content-length': '4', 'x-ms-request-id': '1', etag: '"1"' }).end('well');
}

async function read(driver: ObjectDriver): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of driver.get('key', {})) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function errorOf(work: Promise<unknown>): Promise<TranshipError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof TranshipError, String(error));
    assert.ok(!error.message.includes('\n') && !error.message.includes('hunter2'), error.message);
    return error;
  }
  return assert.fail('nothing was thrown');
}

async function serverWithTls(t: TestContext, names: string, days = 2) {
  const authority = new Authority(temporaryFolder(t));
  const plain = `http://127.0.0.1:${await listening(t, createServer(answerWell))}`;
  return { authority, port: await startTlsFront(t, plain, authority.issue({ names, days })) };
}

for (const [service, create] of Object.entries(services)) {
  const driverAt = (t: TestContext, ...args: Parameters<Create>): ObjectDriver => {
    const driver = create(...args);
    t.after(() => driver.close());
    return driver;
  };

  const recorded = (): { readonly warnings: string[]; readonly logger: Logger } => {
    const warnings: string[] = [];
    return { warnings, logger: { debug: () => {}, warn: (message) => void warnings.push(message) } };
  };

  describe(`${service}: a server with TLS`, () => {
    it('of a private authority is trusted only where the authority is named', async (t) => {
      const { authority, port } = await serverWithTls(t, 'IP:127.0.0.1');
      const endpoint = `https://127.0.0.1:${port}`;
      const error = await errorOf(read(driverAt(t, endpoint, {})));
      assert.deepEqual([error.code, error.retryable], ['unavailable', false]);
      assert.match(error.message, /unknown authority.*--ca-cert/);
      assert.equal(await read(driverAt(t, endpoint, { caCertificates: authority.certificate })), 'well');
    });

    it('of any certificate is taken where that is said, with one warning', async (t) => {
      const { port } = await serverWithTls(t, 'DNS:elsewhere.example', -1);
      const { warnings, logger } = recorded();
      const driver = driverAt(t, `https://127.0.0.1:${port}`, { insecureTls: true }, logger);
      assert.equal(await read(driver), 'well');
      assert.equal(await read(driver), 'well');
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', /certificate of https:\/\/127\.0\.0\.1:\d+.* is not checked/);
    });

    it('is not asked with authorities that are none', async (t) => {
      const error = await errorOf(read(driverAt(t, 'https://127.0.0.1:1', { caCertificates: 'hunter2' })));
      assert.ok(error instanceof UsageError);
    });
  });

  describe(`${service}: a proxy`, () => {
    it('carries https:// by CONNECT, with its user and password', async (t) => {
      const { authority, port } = await serverWithTls(t, 'DNS:store.test.invalid');
      const proxy = await startConnectProxy(t, port);
      const settings = {
        caCertificates: authority.certificate,
        proxy: { https: `http://user:pass@127.0.0.1:${proxy.port}` },
      };
      assert.equal(await read(driverAt(t, 'https://store.test.invalid', settings)), 'well');
      const authorization = `Basic ${Buffer.from('user:pass').toString('base64')}`;
      assert.deepEqual(proxy.asked, [{ line: 'CONNECT store.test.invalid:443', authorization }]);
    });

    it('carries http:// where that is allowed, with one warning, but not to hosts that are excepted', async (t) => {
      const proxy = await startConnectProxy(t, await listening(t, createServer(answerWell)));
      const settings = {
        allowHttp: true,
        proxy: { http: `127.0.0.1:${proxy.port}`, except: '.excepted.invalid' },
      };
      const { warnings, logger } = recorded();
      const driver = driverAt(t, 'http://store.test.invalid:9000', settings, logger);
      assert.equal(await read(driver), 'well');
      assert.equal(await read(driver), 'well');
      assert.match(proxy.asked[0]?.line ?? '', /^GET http:\/\/store\.test\.invalid:9000\//);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', /^http:\/\/store\.test\.invalid is not encrypted/);
      await errorOf(read(driverAt(t, 'http://store.excepted.invalid', settings)));
      assert.equal(proxy.asked.length, 2);
    });

    it('of another kind is refused, without its password', async (t) => {
      const proxy = { https: 'socks5://u:hunter2@127.0.0.1:1' };
      const error = await errorOf(read(driverAt(t, 'https://store.test.invalid', { proxy })));
      assert.ok(error instanceof UsageError);
    });
  });
}

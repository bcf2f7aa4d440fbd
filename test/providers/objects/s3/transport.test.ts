/** Which servers are spoken to, and by which way: certificates, proxies, redirects, plain HTTP. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { TranshipError, UsageError } from '../../../../src/base/errors.ts';
import type { Logger } from '../../../../src/base/logger.ts';
import { S3Driver } from '../../../../src/providers/objects/s3/driver.ts';
import type { S3Settings } from '../../../../src/providers/objects/settings.ts';
import { startConnectProxy } from '../../../support/connect-proxy.ts';
import { listening } from '../../../support/listening.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { Authority } from '../../../support/tls/certificates.ts';
import { startTlsFront } from '../../../support/tls/tls-front.ts';

const secretAccessKey = 'hunter2hunter2';
const credentials = { accessKeyId: 'id', secretAccessKey };

function driverAt(t: TestContext, endpoint: string, settings: S3Settings, logger?: Logger): S3Driver {
  const driver = new S3Driver(
    { kind: 's3', bucket: 'bucket', prefix: '', endpoint, region: 'us-east-1', pathStyle: undefined },
    { credentials, ...settings },
    { logger },
  );
  t.after(() => driver.close());
  return driver;
}

/** Answers every request as an object of 4 bytes. */
function answerWell(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(200, { 'content-length': '4', 'x-amz-request-id': '1', etag: '"1"' }).end('well');
}

async function read(driver: S3Driver): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of driver.get('key', {})) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function errorOf(work: Promise<unknown>): Promise<TranshipError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof TranshipError, String(error));
    assert.ok(!error.message.includes('\n') && !error.message.includes(secretAccessKey));
    return error;
  }
  return assert.fail('nothing was thrown');
}

function recordingLogger(): { readonly warnings: string[]; readonly logger: Logger } {
  const warnings: string[] = [];
  return { warnings, logger: { debug: () => {}, warn: (message) => warnings.push(message) } };
}

describe('a server with TLS', () => {
  const at = async (t: TestContext, names: string, days?: number) => {
    const authority = new Authority(temporaryFolder(t));
    const plain = `http://127.0.0.1:${await listening(t, createServer(answerWell))}`;
    const certificate = authority.issue({ names, ...(days === undefined ? {} : { days }) });
    const port = await startTlsFront(t, plain, certificate);
    return { authority, endpoint: `https://127.0.0.1:${port}` };
  };

  it('of a private authority is trusted only where the authority is named', async (t) => {
    const { authority, endpoint } = await at(t, 'IP:127.0.0.1');
    const error = await errorOf(read(driverAt(t, endpoint, {})));
    assert.deepEqual([error.code, error.retryable], ['unavailable', false]);
    assert.match(error.message, /unknown authority.*--ca-cert/);
    assert.equal(await read(driverAt(t, endpoint, { caCertificates: authority.certificate })), 'well');
    const other = new Authority(temporaryFolder(t)).certificate;
    await errorOf(read(driverAt(t, endpoint, { caCertificates: other })));
    const both = driverAt(t, endpoint, { caCertificates: `${other}\n${authority.certificate}` });
    assert.equal(await read(both), 'well');
  });

  it('whose certificate has expired, or is for another host, is refused and not asked again', async (t) => {
    for (const [names, days, message] of [
      ['IP:127.0.0.1', -1, /certificate has expired/],
      ['DNS:elsewhere.example', 2, /certificate is for other hosts/],
    ] as const) {
      const { authority, endpoint } = await at(t, names, days);
      const error = await errorOf(read(driverAt(t, endpoint, { caCertificates: authority.certificate })));
      assert.match(error.message, message);
      assert.equal(error.retryable, false);
    }
  });

  it('of any certificate is taken where that is said, with one warning', async (t) => {
    const { endpoint } = await at(t, 'DNS:elsewhere.example', -1);
    const { warnings, logger } = recordingLogger();
    const driver = driverAt(t, endpoint, { insecureTls: true }, logger);
    assert.equal(await read(driver), 'well');
    assert.equal(await read(driver), 'well');
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /certificate of https:\/\/127\.0\.0\.1:\d+ is not checked/);
  });

  it('is not asked with authorities that are none', async (t) => {
    for (const caCertificates of [
      'nothing',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    ]) {
      const error = await errorOf(read(driverAt(t, 'https://127.0.0.1:1', { caCertificates })));
      assert.ok(error instanceof UsageError);
    }
  });
});

describe('a proxy', () => {
  it('carries https:// by CONNECT, with its user and password, and sees none of ours', async (t) => {
    const authority = new Authority(temporaryFolder(t));
    const plain = `http://127.0.0.1:${await listening(t, createServer(answerWell))}`;
    const port = await startTlsFront(t, plain, authority.issue({ names: 'DNS:s3.test.invalid' }));
    const proxy = await startConnectProxy(t, port);
    const settings = {
      caCertificates: authority.certificate,
      proxy: { https: `http://user:pass@127.0.0.1:${proxy.port}` },
    };
    assert.equal(await read(driverAt(t, 'https://s3.test.invalid', settings)), 'well');
    await driverAt(t, 'https://s3.test.invalid', settings).put('key', Buffer.alloc(300_000), {});
    const authorization = `Basic ${Buffer.from('user:pass').toString('base64')}`;
    for (const request of proxy.asked) {
      assert.deepEqual(request, { line: 'CONNECT s3.test.invalid:443', authorization });
    }
    assert.equal(proxy.asked.length, 2);
  });

  it('carries http:// where that is allowed, and is passed by for hosts that are excepted', async (t) => {
    const proxy = await startConnectProxy(t, await listening(t, createServer(answerWell)));
    const settings = {
      allowHttp: true,
      proxy: { http: `127.0.0.1:${proxy.port}`, except: '.excepted.invalid' },
    };
    assert.equal(await read(driverAt(t, 'http://s3.test.invalid:9000', settings)), 'well');
    assert.match(proxy.asked[0]?.line ?? '', /^GET http:\/\/s3\.test\.invalid:9000\/bucket\/key/);
    const error = await errorOf(read(driverAt(t, 'http://s3.excepted.invalid', settings)));
    assert.equal(error.code, 'unavailable');
    assert.equal(proxy.asked.length, 1);
  });

  it('is never used for this machine', async (t) => {
    const port = await listening(t, createServer(answerWell));
    const proxy = await startConnectProxy(t, port);
    const settings = { proxy: { http: `http://127.0.0.1:${proxy.port}` } };
    assert.equal(await read(driverAt(t, `http://127.0.0.1:${port}`, settings)), 'well');
    assert.deepEqual(proxy.asked, []);
  });

  it('that wants a password, is not there, or is of another kind is told apart, without the password', async (t) => {
    const refusing = createServer();
    refusing.on('connect', (_request, socket) => {
      // With a page, as Squid does it.
      const head = 'HTTP/1.1 407 Proxy Authentication Required\r\ncontent-type: text/html\r\n';
      socket.end(`${head}content-length: 6\r\n\r\n<html>`);
    });
    const port = await listening(t, refusing);
    const through = (https: string) => driverAt(t, 'https://s3.test.invalid', { proxy: { https } });
    assert.match(
      (await errorOf(read(through(`http://127.0.0.1:${port}`)))).message,
      /proxy wants other cred/,
    );
    const absent = await errorOf(read(through('http://127.0.0.1:1')));
    assert.deepEqual([absent.code, absent.retryable], ['unavailable', true]);
    for (const proxy of ['socks5://u:hunter2hunter2@127.0.0.1:1', 'http://u:hunter2hunter2@']) {
      assert.ok((await errorOf(read(through(proxy)))) instanceof UsageError);
    }
  });
});

describe('a redirect', () => {
  it('to another host is not followed, so that no credentials go there', async (t) => {
    const asked: string[] = [];
    const elsewhere = await listening(
      t,
      createServer(({ url = '' }, response) => {
        asked.push(url);
        response.end();
      }),
    );
    for (const status of [301, 302, 307, 308]) {
      const port = await listening(
        t,
        createServer((request, response) => {
          request.resume();
          const location = `http://127.0.0.1:${elsewhere}${request.url}`;
          response.writeHead(status, { location, 'x-amz-request-id': '1' }).end();
        }),
      );
      const driver = driverAt(t, `http://127.0.0.1:${port}`, {});
      for (const work of [() => read(driver), () => driver.put('key', Buffer.from('x'), {})]) {
        assert.equal((await errorOf(work())).retryable, false);
      }
    }
    assert.deepEqual(asked, []);
  });
});

describe('plain HTTP to another machine', () => {
  it('is warned of once where it is allowed', async (t) => {
    const proxy = await startConnectProxy(t, await listening(t, createServer(answerWell)));
    const { warnings, logger } = recordingLogger();
    const settings = { allowHttp: true, proxy: { http: `http://127.0.0.1:${proxy.port}` } };
    const driver = driverAt(t, 'http://s3.test.invalid', settings, logger);
    await read(driver);
    await read(driver);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^http:\/\/s3\.test\.invalid is not encrypted/);
  });

  it('never carries a customer’s key', async (t) => {
    const proxy = await startConnectProxy(t, await listening(t, createServer(answerWell)));
    const customerKeyFile = join(temporaryFolder(t), 'key');
    writeFileSync(customerKeyFile, Buffer.alloc(32, 1));
    const settings = { allowHttp: true, customerKeyFile, proxy: { http: `http://127.0.0.1:${proxy.port}` } };
    const driver = driverAt(t, 'http://s3.test.invalid', settings);
    for (const work of [
      () => read(driver),
      () => driver.head('k', {}),
      () => driver.put('k', Buffer.alloc(1), {}),
    ]) {
      assert.match((await errorOf(work())).message, /customer’s key is not sent over plain HTTP/);
    }
    assert.deepEqual(proxy.asked, []);
  });
});

describe('a customer’s key', () => {
  it('that is not there or has another length is told by its file', async (t) => {
    const customerKeyFile = join(temporaryFolder(t), 'key');
    const work = () => driverAt(t, 'http://127.0.0.1:1', { customerKeyFile }).head('k', {});
    const missing = await errorOf(work());
    assert.ok(missing instanceof UsageError && missing.where === customerKeyFile);
    writeFileSync(customerKeyFile, 'hunter2hunter2\n');
    assert.match((await errorOf(work())).message, /has 32 bytes, not 15: .*key/);
  });
});

describe('settings that cannot be carried out', () => {
  for (const settings of [
    { kmsKeyId: 'id' },
    { kmsKeyId: 'id', serverSideEncryption: 'AES256' },
    { customerKeyFile: '/key', serverSideEncryption: 'AES256' },
    { storageClass: 'two words' },
    { tags: Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`t${index}`, ''])) },
    { objectLock: { mode: 'GOVERNANCE', days: 0 } },
    { objectLock: { mode: 'COMPLIANCE', days: 1.5 } },
  ] as const) {
    it(`are refused: ${JSON.stringify(settings).slice(0, 80)}`, () => {
      const location = { bucket: 'bucket', prefix: '', endpoint: undefined, region: undefined } as const;
      assert.throws(
        () => new S3Driver({ kind: 's3', pathStyle: undefined, ...location }, settings),
        UsageError,
      );
    });
  }
});

/** What answers, and none, mean to the driver of Google's disks; and who it says it is. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { CancelledError, DiskError, UsageError } from '../../../../src/base/errors.ts';
import { GceDiskDriver } from '../../../../src/providers/disks/gce-disk/driver.ts';
import type { GcpDiskSettings } from '../../../../src/providers/disks/settings.ts';
import { cutAnswer } from '../../../support/disks/cut-answer.ts';
import { diskErrorOf } from '../../../support/disks/disk-error-of.ts';
import { TokenServer } from '../../../support/gcs/token-server.ts';
import { listening } from '../../../support/listening.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { Authority } from '../../../support/tls/certificates.ts';
import { startTlsFront } from '../../../support/tls/tls-front.ts';

const ID = 'projects/p/zones/europe-west1-b/disks/d';
const SNAPSHOT = 'projects/p/global/snapshots/s';
const TOKEN = 'hunter2';
const SCOPES = ['https://www.googleapis.com/auth/compute', 'https://www.googleapis.com/auth/cloudkms'];

function driverAt(t: TestContext, endpoint: string, settings: GcpDiskSettings = {}): GceDiskDriver {
  const driver = new GceDiskDriver({
    endpoint,
    kmsEndpoint: endpoint,
    accessToken: TOKEN,
    project: 'p',
    ...settings,
  });
  t.after(() => driver.close());
  return driver;
}

async function answered(
  t: TestContext,
  answer: RequestListener,
  settings?: GcpDiskSettings,
): Promise<GceDiskDriver> {
  const port = await listening(t, createServer(answer));
  return driverAt(t, `http://127.0.0.1:${port}`, settings);
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

function refusal(status: number, reason: string, message: string): object {
  return { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } };
}

async function errorOf(driver: GceDiskDriver): Promise<DiskError> {
  const error = await diskErrorOf(driver.describeDisk(ID, {}));
  assert.ok(!error.message.includes(TOKEN), error.message);
  return error;
}

describe('Google disks: answers', () => {
  const cases: readonly (readonly [
    status: number,
    body: object,
    code: string,
    retryable: boolean,
    words: RegExp,
  ])[] = [
    [
      400,
      refusal(400, 'invalid', 'Invalid value for field'),
      'invalid-argument',
      false,
      /Invalid value for field/,
    ],
    [400, refusal(400, 'resourceNotReady', 'not ready'), 'conflict', true, /not ready/],
    [
      401,
      refusal(401, 'authError', 'Invalid Credentials'),
      'unauthenticated',
      false,
      /renew the access token/,
    ],
    [
      403,
      refusal(403, 'forbidden', "Required 'compute.disks.get' permission for 'projects/p/zones/z/disks/d'"),
      'permission-denied',
      false,
      /for want of compute\.disks\.get: projects\/p\/zones\/z\/disks\/d/,
    ],
    [
      403,
      refusal(403, 'accessNotConfigured', 'API has not been used'),
      'permission-denied',
      false,
      /gcloud services/,
    ],
    [403, refusal(403, 'quotaExceeded', "Quota 'SNAPSHOTS' exceeded."), 'quota-exceeded', false, /SNAPSHOTS/],
    [403, refusal(403, 'rateLimitExceeded', 'slow down'), 'throttled', true, /slow down/],
    [
      403,
      refusal(403, 'resourceOperationRateExceeded', 'Too frequent'),
      'throttled',
      true,
      /one in 10 minutes/,
    ],
    [
      404,
      refusal(404, 'notFound', "The resource 'projects/p' was not found"),
      'not-found',
      false,
      /resource.*: projects\/p$/,
    ],
    [412, refusal(412, 'conditionNotMet', 'changed'), 'conflict', true, /meanwhile/],
    [429, {}, 'throttled', true, /slow down/],
    [500, refusal(500, 'internalError', 'oops'), 'unavailable', true, /oops/],
    [503, refusal(503, 'backendError', 'oops'), 'unavailable', true, /oops/],
    [302, {}, 'unsupported', false, /302/],
  ];
  for (const [status, body, code, retryable, words] of cases) {
    it(`${status} ${JSON.stringify(body).slice(0, 60)} is ${code}`, async (t) => {
      const error = await errorOf(await answered(t, json(status, body)));
      assert.deepEqual([error.code, error.retryable], [code, retryable], error.message);
      assert.match(error.message, words);
      assert.equal(error.action, 'compute.disks.get');
    });
  }

  it('the newer form of a refusal says its reason in the details', async (t) => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'SERVICE_DISABLED' }];
    const body = {
      error: { code: 403, message: 'Compute Engine API is off', status: 'PERMISSION_DENIED', details },
    };
    assert.match((await errorOf(await answered(t, json(403, body)))).message, /switched the API on/);
  });

  it('how long to wait is passed on', async (t) => {
    const error = await errorOf(await answered(t, json(429, {}, { 'retry-after': '7' })));
    assert.equal(error.retryAfterMs, 7000);
  });

  it('a web page is no answer of Compute Engine', async (t) => {
    const driver = await answered(t, (_, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html>not here</html>');
    });
    const error = await errorOf(driver);
    assert.equal(error.code, 'unsupported');
    assert.match(error.message, /web page.*endpoint/);
  });

  it('what cannot be read may have been done', async (t) => {
    const driver = await answered(t, (_, response) => void response.writeHead(200).end('{"name":'));
    const error = await errorOf(driver);
    assert.deepEqual([error.code, error.retryable], ['unavailable', true]);
  });

  const order = {
    snapshotId: SNAPSHOT,
    operationId: 'op',
    tags: {},
    region: 'r-1',
    zones: ['r-1-a'],
    encryption: { kind: 'provider-key' },
    type: 'pd-ssd',
    sizeBytes: 1,
  } as const;

  for (const [what, answer] of [
    ['a success that is no operation', json(200, {})],
    ['a success of another kind', json(200, { greeting: 'hello' })],
    ['a web page', (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<a>')],
    ['what is not HTTP', ({ socket }) => void socket.end('what?\r\n\r\n')],
    ['half an answer', (_, response) => cutAnswer(response.writeHead(200), '{"name":"operation-1"}')],
  ] as const satisfies readonly (readonly [string, RequestListener])[]) {
    it(`${what} leaves open whether the disk was made`, async (t) => {
      const driver = await answered(t, answer);
      const error = await diskErrorOf(driver.createDisk(order, {}));
      assert.deepEqual([error.code, error.retryable], ['unavailable', true], error.message);
    });
  }

  it('an order that failed at once says why', async (t) => {
    const errors = [{ code: 'QUOTA_EXCEEDED', message: "Quota 'SSD_TOTAL_GB' exceeded.  Limit: 500.0" }];
    const driver = await answered(t, json(200, { name: 'operation-1', status: 'DONE', error: { errors } }));
    const error = await diskErrorOf(driver.createDisk(order, {}));
    assert.deepEqual([error.code, error.action], ['quota-exceeded', 'compute.disks.create']);
    assert.match(error.message, /SSD_TOTAL_GB/);
  });

  it('a listing that misses a zone is none', async (t) => {
    const warning = { code: 'UNREACHABLE', message: 'zone down' };
    const driver = await answered(t, json(200, { items: { 'zones/z-1-a': { warning } } }));
    const error = await diskErrorOf(driver.listDisks({ tags: {} }).next());
    assert.deepEqual([error.code, error.retryable, error.where], ['unavailable', true, 'zones/z-1-a']);
    const type = await diskErrorOf(driver.describeType('pd-ssd', 'z-1', {}));
    assert.deepEqual([type.code, type.where], ['unavailable', 'zones/z-1-a']);
    assert.equal(await driver.describeType('pd-ssd', 'z-2', {}), undefined);
  });
});

describe('Google disks: connections', () => {
  it('nothing listens', async (t) => {
    const error = await errorOf(driverAt(t, 'http://127.0.0.1:1'));
    assert.deepEqual([error.code, error.retryable], ['unavailable', true]);
    assert.match(error.message, /nothing listens/);
  });

  it('that break before the answer leave open what was done', async (t) => {
    const port = await listening(
      t,
      createTcpServer((socket) => socket.once('data', () => socket.destroy())),
    );
    const error = await errorOf(driverAt(t, `http://127.0.0.1:${port}`));
    assert.deepEqual([error.code, error.retryable], ['unavailable', true]);
  });

  it('that fall silent are given up after the idle limit', async (t) => {
    const error = await errorOf(await answered(t, () => undefined, { idleTimeoutMs: 50 }));
    assert.deepEqual([error.code, error.retryable], ['timeout', true]);
    assert.match(error.message, /0\.05 s/);
  });

  it('are ended when the signal fires', async (t) => {
    const cancel = new AbortController();
    const ended = Promise.withResolvers<void>();
    const driver = await answered(t, (request) => {
      request.on('close', () => ended.resolve());
      cancel.abort();
    });
    await assert.rejects(driver.describeDisk(ID, { signal: cancel.signal }), CancelledError);
    await ended.promise;
    await assert.rejects(driver.describeDisk(ID, { signal: cancel.signal }), CancelledError);
  });

  it('end with what the signal was fired with', async (t) => {
    const reason = new DiskError('timeout', 'the deadline has passed');
    const cancel = new AbortController();
    const driver = await answered(t, () => cancel.abort(reason));
    assert.equal(await diskErrorOf(driver.describeDisk(ID, { signal: cancel.signal })), reason);
  });

  it('use TLS with the authorities that are named', async (t) => {
    const authority = new Authority(temporaryFolder(t));
    const plain = await listening(t, createServer(json(200, { name: 'd', sizeGb: '10', status: 'READY' })));
    const certificate = authority.issue({ names: 'IP:127.0.0.1', days: 2 });
    const port = await startTlsFront(t, `http://127.0.0.1:${plain}`, certificate);
    const endpoint = `https://127.0.0.1:${port}`;
    const error = await errorOf(driverAt(t, endpoint));
    assert.deepEqual([error.code, error.retryable], ['unavailable', false]);
    assert.match(error.message, /unknown authority/);
    const driver = driverAt(t, endpoint, { caCertificates: authority.certificate });
    assert.equal((await driver.describeDisk(ID, {}))?.sizeBytes, 10 * 2 ** 30);
  });

  it('take any certificate where that is said, with one warning', async (t) => {
    const authority = new Authority(temporaryFolder(t));
    const plain = await listening(t, createServer(json(200, { name: 'd', status: 'READY' })));
    const certificate = authority.issue({ names: 'DNS:elsewhere.example', days: -1 });
    const endpoint = `https://127.0.0.1:${await startTlsFront(t, `http://127.0.0.1:${plain}`, certificate)}`;
    const warnings: string[] = [];
    const logger = { debug: () => {}, warn: (message: string) => void warnings.push(message) };
    const settings = { endpoint, kmsEndpoint: endpoint, accessToken: TOKEN, project: 'p', insecureTls: true };
    const driver = new GceDiskDriver(settings, logger);
    t.after(() => driver.close());
    for (let count = 0; count < 2; count++) assert.ok(await driver.describeDisk(ID, {}));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /certificate of https:\/\/127\.0\.0\.1:\d+ is not checked/);
  });

  it('to other hosts than Google’s carry no token that was meant for Google’s', async (t) => {
    const seen: (string | undefined)[] = [];
    const port = await listening(
      t,
      createServer((request, response) => {
        seen.push(request.headers.authorization);
        json(200, { name: 'd', status: 'READY' })(request, response);
      }),
    );
    const settings = { accessToken: undefined, googleAccessToken: TOKEN };
    assert.ok(await driverAt(t, `http://127.0.0.1:${port}`, settings).describeDisk(ID, {}));
    assert.deepEqual(seen, [undefined]);
  });

  it('carry no token over an open network', async (t) => {
    for (const allowHttp of [false, true]) {
      const driver = driverAt(t, 'http://compute.example:80', { allowHttp });
      await assert.rejects(driver.describeDisk(ID, {}), (error) => error instanceof UsageError);
    }
  });
});

describe('Google disks: credentials', () => {
  it('of a service account get tokens for disks and keys, and name the project', async (t) => {
    const tokens = await TokenServer.start(3600_000, SCOPES);
    t.after(() => tokens.stop());
    const seen: (string | undefined)[] = [];
    const driver = await answered(
      t,
      (request, response) => {
        seen.push(request.headers.authorization);
        json(200, { name: 'd', status: 'READY' })(request, response);
      },
      {
        accessToken: undefined,
        project: undefined,
        credentialsText: JSON.stringify({ ...tokens.serviceAccount, project_id: 'of-the-file' }),
      },
    );
    assert.equal(await driver.account({}), 'of-the-file');
    await driver.describeDisk(ID, {});
    assert.deepEqual(seen, ['Bearer ya29.1']);
  });

  it('that are revoked while work goes on are got anew', async (t) => {
    const tokens = await TokenServer.start(3600_000, SCOPES);
    t.after(() => tokens.stop());
    let revoked = '';
    const driver = await answered(
      t,
      (request, response) => {
        const isGood = request.headers.authorization !== revoked;
        const body = isGood
          ? { name: 'd', status: 'READY' }
          : refusal(401, 'authError', 'Invalid Credentials');
        json(isGood ? 200 : 401, body)(request, response);
      },
      { accessToken: undefined, credentialsText: JSON.stringify(tokens.serviceAccount) },
    );
    assert.ok(await driver.describeDisk(ID, {}));
    revoked = 'Bearer ya29.1';
    const error = await errorOf(driver);
    assert.deepEqual([error.code, error.retryable], ['unauthenticated', true]);
    assert.ok(await driver.describeDisk(ID, {}));
    assert.equal(tokens.issued, 2);
  });

  it('that cannot be read are told of, with the file and the field', async (t) => {
    const driver = driverAt(t, 'http://127.0.0.1:1', { credentialsText: '{"type":"service_account"}' });
    const error = await errorOf(driver);
    assert.equal(error.code, 'unauthenticated');
    assert.match(error.message, /lacks client_email/);
  });
});

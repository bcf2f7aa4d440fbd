/** What becomes of answers that no well server gives, and of Google's refusals, from a server that gives just those. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { CancelledError, StoreError, UsageError } from '../../../../src/base/errors.ts';
import { GcsDriver } from '../../../../src/providers/objects/gcs/driver.ts';
import type { GcsSettings } from '../../../../src/providers/objects/settings.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import { listening } from '../../../support/listening.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const somewhere = { kind: 'gcs', bucket: 'bucket', prefix: '', userProject: undefined } as const;

async function storeThatAnswers(
  t: TestContext,
  answer: Answer,
  settings: GcsSettings = {},
  userProject?: string,
): Promise<ObjectStore> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('error', () => undefined);
    request.on('end', () => answer(request, response));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const endpoint = `http://127.0.0.1:${address.port}`;
  const store = new ObjectStore(new GcsDriver({ ...somewhere, userProject, endpoint }, settings));
  t.after(async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
  });
  return store;
}

/** As the JSON API refuses; about media it answers in plain text instead. */
function refusing(
  status: number,
  reason: string,
  message: string,
  headers: Record<string, string> = {},
): Answer {
  return (request, response) => {
    const isMedia = request.url?.includes('alt=media') === true;
    const type = isMedia ? 'text/html; charset=UTF-8' : 'application/json; charset=UTF-8';
    response.writeHead(status, { 'content-type': type, 'x-guploader-uploadid': 'id', ...headers });
    const error = { code: status, message, errors: [{ message, domain: 'global', reason }] };
    response.end(isMedia ? message : JSON.stringify({ error }));
  };
}

async function errorOf(work: Promise<unknown>): Promise<StoreError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof StoreError, String(error));
    assert.ok(!error.message.includes('\n'), error.message);
    return error;
  }
  return assert.fail('nothing was thrown');
}

async function listAll(store: ObjectStore): Promise<number> {
  let count = 0;
  for await (const _ of store.list('')) count += 1;
  return count;
}

describe('an answer of a GCS server', () => {
  const noAccess =
    'mover@p.iam.gserviceaccount.com does not have storage.objects.create access to the Google Cloud Storage object. ' +
    "Permission 'storage.objects.create' denied on resource (or it may not exist).";
  const answers: readonly (readonly [number, string, string, StoreError['code'], boolean, RegExp])[] = [
    [404, 'notFound', 'No such object: bucket/key', 'not-found', false, /no such object: key/],
    [404, 'notFound', 'The specified bucket does not exist.', 'no-bucket', false, /gs:\/\/bucket/],
    [
      403,
      'forbidden',
      noAccess,
      'permission-denied',
      false,
      /for want of storage\.objects\.create: key.*objectUser/,
    ],
    [
      403,
      'forbidden',
      'Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized.',
      'permission-denied',
      false,
      /may not use the key: key \(.*cryptoKeyEncrypterDecrypter/,
    ],
    [401, 'authError', 'Invalid Credentials', 'unauthenticated', false, /does not accept the credentials/],
    [
      412,
      'conditionNotMet',
      'At least one of the pre-conditions …',
      'already-exists',
      false,
      /exists already/,
    ],
    [429, 'rateLimitExceeded', 'The rate of requests is too high', 'throttled', true, /slow down/],
    [429, 'userRateLimitExceeded', 'The rate of requests is too high', 'throttled', true, /slow down/],
    [503, 'backendError', 'We encountered an internal error.', 'unavailable', true, /server failed/],
    [500, 'internalError', 'Backend error', 'unavailable', true, /server failed/],
    [502, '', '', 'unavailable', true, /502/],
    [403, 'quotaExceeded', 'Quota exceeded', 'no-space', false, /quota/],
    [403, 'accountDisabled', 'The billing account is disabled', 'permission-denied', false, /billing/],
    [
      400,
      'userProjectMissing',
      'Bucket is a requester pays bucket',
      'permission-denied',
      false,
      /user-project=ID/,
    ],
    [403, 'retentionPolicyNotMet', 'Object is subject to retention', 'permission-denied', false, /retention/],
    [400, 'invalid', 'Provided MD5 hash "a" doesn\'t match calculated "b"', 'corrupt', true, /arrived other/],
    [400, 'invalid', 'Invalid argument.', 'invalid-argument', false, /Invalid argument/],
    [409, 'conflict', 'Conflict', 'conflict', true, /another request/],
  ];
  for (const [status, reason, message, code, retryable, text] of answers) {
    it(`${status} ${reason || 'without a reason'} (${message.slice(0, 20)}) is ${code}`, async (t) => {
      const store = await storeThatAnswers(t, refusing(status, reason, message));
      const error = await errorOf(store.put('key', Buffer.from('x')));
      assert.deepEqual([error.code, error.retryable], [code, retryable], error.message);
      assert.match(error.message, text);
    });
  }

  it('about media is plain text, and means the same', async (t) => {
    const missing = await storeThatAnswers(t, refusing(404, '', 'No such object: bucket/key'));
    assert.equal((await errorOf(missing.get('key'))).code, 'not-found');
    const denied = await storeThatAnswers(t, refusing(403, '', noAccess));
    assert.match((await errorOf(denied.get('key'))).message, /storage\.objects\.create/);
  });

  it('tells how long to wait, in seconds', async (t) => {
    const store = await storeThatAnswers(t, refusing(429, 'rateLimitExceeded', 'x', { 'retry-after': '7' }));
    assert.equal((await errorOf(store.get('key'))).retryAfterMs, 7000);
  });

  it('a web page is not taken for an object, a listing or a missing object', async (t) => {
    for (const status of [200, 404]) {
      const store = await storeThatAnswers(t, (_request, response) => {
        response.writeHead(status, { 'content-type': 'text/html' }).end('<html><body>Welcome</body></html>');
      });
      for (const work of [
        () => store.get('key'),
        () => store.head('key'),
        () => listAll(store),
        () => store.put('key', Buffer.from('x')),
      ]) {
        const error = await errorOf(work());
        assert.equal(error.code, 'unsupported');
        assert.match(error.message, /web page/);
      }
    }
  });

  it('an empty or foreign answer with success is not taken for a listing, a stored or a found object', async (t) => {
    for (const body of ['', '{}', '[]', '<foo/>']) {
      const store = await storeThatAnswers(t, (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      });
      for (const work of [
        () => listAll(store),
        () => store.put('key', Buffer.from('x')),
        () => store.head('key'),
        () => store.deleteMany(['key']),
      ]) {
        assert.equal((await errorOf(work())).code, 'corrupt');
      }
    }
  });

  it('that confirms other bytes than were sent is no success', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ generation: '1', md5Hash: 'AAAAAAAAAAAAAAAAAAAAAA==' }));
    });
    const error = await errorOf(store.put('key', Buffer.from('x')));
    assert.deepEqual([error.code, error.retryable], ['corrupt', true]);
  });

  it('a page of a listing that names itself as the next is no endless listing', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const items = [{ name: 'a', size: '1', updated: '2026-01-01T00:00:00Z' }];
      response.end(JSON.stringify({ kind: 'storage#objects', nextPageToken: 'same', items }));
    });
    assert.equal((await errorOf(listAll(store))).code, 'corrupt');
  });

  it('a deletion that one part of a batch refuses is named, and what is gone already is none', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      const part = (id: number, answer: string): string =>
        `--b\r\nContent-Type: application/http\r\nContent-ID: <response-${id}>\r\n\r\n${answer}\r\n`;
      const missing = JSON.stringify({
        error: { message: 'No such object: b/1', errors: [{ reason: 'notFound' }] },
      });
      const busy = JSON.stringify({ error: { message: 'slow', errors: [{ reason: 'rateLimitExceeded' }] } });
      response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' });
      const json = 'Content-Type: application/json';
      response.write(part(1, `HTTP/1.1 404 Not Found\r\n${json}\r\n\r\n${missing}`));
      response.write(part(2, 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n'));
      response.write(part(3, `HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\n${json}\r\n\r\n${busy}`));
      response.end('--b--\r\n');
    });
    await store.deleteMany(['1', '2']);
    const error = await errorOf(store.deleteMany(['1', '2', '3']));
    assert.deepEqual([error.code, error.where, error.retryAfterMs], ['throttled', '3', 3000]);
  });

  const refusedParts: readonly (readonly [string, string, string, StoreError['code'], boolean])[] = [
    ['404 Not Found', 'notFound', 'The specified bucket does not exist.', 'no-bucket', false],
    ['403 Forbidden', 'rateLimitExceeded', 'Rate Limit Exceeded', 'throttled', true],
    ['403 Forbidden', 'quotaExceeded', 'Quota exceeded', 'no-space', false],
    ['412 Precondition Failed', 'conditionNotMet', 'At least one …', 'already-exists', false],
  ];
  for (const [status, reason, message, code, retryable] of refusedParts) {
    it(`a batch of Google’s with a part ${status} (${reason}) is no success, but ${code}`, async (t) => {
      const store = await storeThatAnswers(t, (_request, response) => {
        const error = { code: Number(status.slice(0, 3)), message, errors: [{ message, reason }] };
        const body = JSON.stringify({ error }, undefined, 1);
        const lines = [
          '--batch_7oIc',
          'Content-Type: application/http',
          'Content-ID: <response-1>',
          '',
          `HTTP/1.1 ${status}`,
          'Content-Type: application/json; charset=UTF-8',
          'Vary: Origin',
          'Vary: X-Origin',
          'Cache-Control: no-cache, no-store, max-age=0, must-revalidate',
          'Retry-After: 9',
          `Content-Length: ${body.length}`,
          '',
          body,
          '',
          '--batch_7oIc--',
          '',
        ];
        response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=batch_7oIc' });
        response.end(lines.join('\r\n'));
      });
      const refused = await errorOf(store.deleteMany(['1']));
      assert.deepEqual([refused.code, refused.retryable], [code, retryable], refused.message);
      assert.equal(refused.retryAfterMs, 9000);
    });
  }

  it('a body that ends early is an error to be tried again', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write(Buffer.alloc(400));
      setTimeout(() => response.destroy(), 20);
    });
    assert.equal((await errorOf(store.get('key'))).retryable, true);
  });

  it('a server that falls silent in mid-body or before it answers is given up', async (t) => {
    const silent: readonly Answer[] = [
      (_request, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write(Buffer.alloc(400));
      },
      () => undefined,
    ];
    for (const answer of silent) {
      const store = await storeThatAnswers(t, answer, { idleTimeoutMs: 200 });
      const error = await errorOf(store.get('key'));
      assert.deepEqual([error.code, error.retryable], ['timeout', true]);
      assert.match(error.message, /0\.2 s/);
    }
  });

  it('a slow reader is not taken for a silent server', async (t) => {
    const body = Buffer.alloc(3_000_000, 1);
    const store = await storeThatAnswers(
      t,
      (_request, response) => {
        response.writeHead(200, { 'content-length': String(body.byteLength) }).end(body);
      },
      { idleTimeoutMs: 600 },
    );
    let received = 0;
    for await (const piece of store.stream('key')) {
      if (received === 0) await new Promise((resolve) => setTimeout(resolve, 1500));
      received += piece.byteLength;
    }
    assert.equal(received, body.byteLength);
  });

  it('a server that ignores ranges is noticed', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).end('0123456789');
    });
    assert.equal((await errorOf(store.get('key', { range: { start: 5, end: 7 } }))).code, 'unsupported');
  });

  it('that does not confirm the key of a new object is none, and what was made is taken back', async (t) => {
    const kmsKeyName = 'projects/p/locations/l/keyRings/r/cryptoKeys/k';
    const seen: URL[] = [];
    const deleted: string[] = [];
    let used: string | undefined;
    const body = Buffer.alloc(2 ** 20);
    const md5Hash = createHash('md5').update(body).digest('base64');
    const inParts = { partSizeBytes: body.length };
    const answer: Answer = (request, response) => {
      const url = new URL(request.url ?? '', 'http://127.0.0.1');
      if (request.method === 'POST' && !url.pathname.startsWith('/batch')) seen.push(url);
      if (request.method === 'DELETE') deleted.push(`${url.pathname}?${url.searchParams.get('generation')}`);
      const isThere = request.method !== 'GET';
      response.writeHead(isThere ? 200 : 404, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(
          isThere
            ? { generation: '7', md5Hash, kmsKeyName: used }
            : { error: { message: 'No such object: b/k' } },
        ),
      );
    };
    const store = await storeThatAnswers(t, answer, { kmsKeyName });
    for (const other of [undefined, `${kmsKeyName}2/cryptoKeyVersions/1`, kmsKeyName.slice(0, -1)]) {
      used = other;
      const error = await errorOf(store.put('key', body));
      assert.deepEqual([error.code, error.retryable, error.where], ['unsupported', false, 'key']);
      assert.deepEqual(deleted, [], 'what was replaced is gone, and what replaced it must stay');
      await errorOf(store.put('key', body, { mode: 'create' }));
      assert.deepEqual(deleted.splice(0), ['/storage/v1/b/bucket/o/key?7']);
      assert.equal((await errorOf(store.putLarge('key', [body, body], inParts))).code, 'unsupported');
    }
    used = `${kmsKeyName}/cryptoKeyVersions/3`;
    await store.put('key', body, { mode: 'create' });
    await store.putLarge('large', [body, body], inParts);
    assert.match(seen.at(-1)?.pathname ?? '', /\/o\/large\/compose$/);
    assert.deepEqual(
      seen.filter((url) => url.searchParams.get('kmsKeyName') !== kmsKeyName),
      [],
    );
  });

  it('is asked for on behalf of the project that pays', async (t) => {
    const seen: unknown[] = [];
    const answer: Answer = (request, response) => {
      seen.push(request.headers['x-goog-user-project']);
      response.writeHead(500).end();
    };
    const store = await storeThatAnswers(t, answer, {}, 'payer-1');
    await errorOf(store.head('key'));
    assert.deepEqual(seen, ['payer-1']);
  });
});

describe('a driver of GCS', () => {
  it('has an endpoint that nothing listens on tried again', async (t) => {
    const store = new ObjectStore(new GcsDriver({ ...somewhere, endpoint: 'http://127.0.0.1:1' }));
    t.after(() => store.close());
    const error = await errorOf(store.get('key'));
    assert.deepEqual([error.code, error.retryable], ['unavailable', true]);
    assert.match(error.message, /nothing listens/);
  });

  it('refuses plain HTTP off this machine before a byte is sent', async (t) => {
    const store = new ObjectStore(
      new GcsDriver({ ...somewhere, endpoint: 'http://gcs.example.invalid:4443' }),
    );
    t.after(() => store.close());
    await assert.rejects(
      store.get('key'),
      (error) => error instanceof UsageError && /--allow-http/.test(error.message),
    );
  });

  it('sends no token over plain HTTP off this machine, even where that is allowed', async (t) => {
    const seen: unknown[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
    });
    const port = await listening(t, server);
    // It leads to this machine, but is none of its loopback addresses.
    const endpoint = `http://0.0.0.0:${port}`;
    const allowed = { allowHttp: true };
    const withToken = new GcsDriver({ ...somewhere, endpoint }, { ...allowed, accessToken: 'ya29.1' });
    const without = new GcsDriver({ ...somewhere, endpoint }, allowed);
    t.after(() => Promise.all([withToken.close(), without.close()]));
    await assert.rejects(
      withToken.head('key', {}),
      (error) => error instanceof UsageError && /tokens are not sent over plain HTTP/.test(error.message),
    );
    assert.deepEqual(seen, []);
    await assert.rejects(without.head('key', {}), StoreError);
    assert.deepEqual(new Set(seen), new Set([undefined]));
  });

  it('refuses a name that no key has, and a universe that is no domain', () => {
    const open = (settings: GcsSettings) => () =>
      new GcsDriver({ ...somewhere, endpoint: undefined }, settings);
    assert.throws(open({ kmsKeyName: 'my-key' }), /not the name of a key.*: my-key \(write projects/);
    assert.throws(open({ universeDomain: 'https://cloud.example' }), UsageError);
  });

  it('refuses an idle timeout that no timer can keep, and an access token that is none', async () => {
    const endpoint = 'http://127.0.0.1:1';
    for (const idleTimeoutMs of [0, -1, Number.NaN, 30 * 86_400_000]) {
      assert.throws(() => new GcsDriver({ ...somewhere, endpoint }, { idleTimeoutMs }), UsageError);
    }
    const driver = new GcsDriver({ ...somewhere, endpoint }, { accessToken: 'hunter2\n' });
    await assert.rejects(
      driver.head('key', {}),
      (error) => error instanceof UsageError && !error.message.includes('hunter2'),
    );
  });

  it('sends nothing when its signal has fired, nor when it was closed', async () => {
    const driver = new GcsDriver({ ...somewhere, endpoint: 'http://127.0.0.1:1' });
    const signal = AbortSignal.abort();
    await assert.rejects(driver.put('key', Buffer.from('x'), { signal }), CancelledError);
    await driver.close();
    await assert.rejects(driver.head('key', {}), /was closed/);
  });
});

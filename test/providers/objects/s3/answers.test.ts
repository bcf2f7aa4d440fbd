/** What becomes of answers that no well server gives, from a server that gives just those. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { StoreError, TranshipError, UsageError } from '../../../../src/base/errors.ts';
import { S3Driver } from '../../../../src/providers/objects/s3/driver.ts';
import type { S3Settings } from '../../../../src/providers/objects/settings.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';

const credentials = { accessKeyId: 'id', secretAccessKey: 'hunter2hunter2' };

async function storeThatAnswers(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  settings: S3Settings = {},
): Promise<ObjectStore> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => answer(request, response));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const store = new ObjectStore(
    new S3Driver(
      {
        kind: 's3',
        bucket: 'bucket',
        prefix: '',
        endpoint: `http://127.0.0.1:${address.port}`,
        region: 'us-east-1',
        pathStyle: undefined,
      },
      { credentials, ...settings },
    ),
  );
  t.after(async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
  });
  return store;
}

function failing(status: number, code: string, headers: Readonly<Record<string, string>> = {}) {
  return (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': '1', ...headers });
    response.end(code === '' ? '' : `<Error><Code>${code}</Code><Message>no secret here</Message></Error>`);
  };
}

async function errorOf(work: Promise<unknown>): Promise<StoreError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof StoreError, String(error));
    assert.ok(!error.message.includes('\n') && !error.message.includes('hunter2'));
    return error;
  }
  return assert.fail('nothing was thrown');
}

async function listAll(store: ObjectStore): Promise<number> {
  let count = 0;
  for await (const _ of store.list('')) count += 1;
  return count;
}

describe('an answer of an S3 server', () => {
  const answers: readonly (readonly [number, string, StoreError['code'], boolean])[] = [
    [404, 'NoSuchKey', 'not-found', false],
    [404, 'NoSuchBucket', 'no-bucket', false],
    [403, 'AccessDenied', 'permission-denied', false],
    [403, 'InvalidAccessKeyId', 'unauthenticated', false],
    [404, 'XAdminUserNotFound', 'unauthenticated', false],
    [404, 'SomethingNew', 'invalid-argument', false],
    [403, 'SignatureDoesNotMatch', 'unauthenticated', false],
    [400, 'ExpiredToken', 'unauthenticated', false],
    [403, 'RequestTimeTooSkewed', 'unauthenticated', false],
    [403, 'SomethingNew', 'permission-denied', false],
    [503, 'SlowDown', 'throttled', true],
    [429, 'TooManyRequests', 'throttled', true],
    [500, 'InternalError', 'unavailable', true],
    [502, '', 'unavailable', true],
    [504, '', 'unavailable', true],
    [507, 'XMinioStorageFull', 'no-space', false],
    [403, 'QuotaExceeded', 'no-space', false],
    [301, 'PermanentRedirect', 'invalid-argument', false],
    [400, 'SomethingNew', 'invalid-argument', false],
    [501, 'NotImplemented', 'unsupported', false],
    [409, 'ConditionalRequestConflict', 'conflict', true],
    [400, 'RequestTimeout', 'timeout', true],
    [400, 'XAmzContentSHA256Mismatch', 'corrupt', true],
  ];
  for (const [status, name, code, retryable] of answers) {
    it(`${status} ${name} is ${code}${retryable ? ', to be tried again' : ''}`, async (t) => {
      const store = await storeThatAnswers(t, failing(status, name));
      for (const work of [() => store.get('key'), () => store.put('key', Buffer.from('x'))]) {
        const error = await errorOf(work());
        assert.deepEqual([error.code, error.retryable], [code, retryable], error.message);
      }
    });
  }

  it('tells how long to wait, in seconds', async (t) => {
    const store = await storeThatAnswers(t, failing(503, 'SlowDown', { 'retry-after': '7' }));
    assert.equal((await errorOf(store.get('key'))).retryAfterMs, 7000);
  });

  it('names the region to ask for when the bucket is in another one', async (t) => {
    const elsewhere = failing(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-3' });
    const store = await storeThatAnswers(t, elsewhere);
    assert.match((await errorOf(store.get('key'))).message, /region=eu-west-3/);
  });

  it('a web page is not taken for an object, a listing or a missing object', async (t) => {
    for (const status of [200, 404]) {
      const store = await storeThatAnswers(t, (_request, response) => {
        response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
        response.end('<!DOCTYPE html><html><body>Welcome</body></html>');
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

  it('a gateway’s page while the server is down is tried again', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(502, { 'content-type': 'text/html' });
      response.end('<html>Bad gateway</html>');
    });
    assert.equal((await errorOf(store.get('key'))).retryable, true);
  });

  it('a body that ends early is an error to be tried again', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-length': '1000', 'x-amz-request-id': '1' });
      response.write(Buffer.alloc(400));
      setTimeout(() => response.destroy(), 20);
    });
    const error = await errorOf(store.get('key'));
    assert.equal(error.retryable, true);
  });

  it('a server that falls silent in mid-body or before it answers is given up', async (t) => {
    const settings = { idleTimeoutMs: 200 };
    const silent = [
      (_request: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { 'content-length': '1000', 'x-amz-request-id': '1' });
        response.write(Buffer.alloc(400));
      },
      () => undefined,
    ];
    for (const answer of silent) {
      const store = await storeThatAnswers(t, answer, settings);
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
        response.writeHead(200, { 'content-length': String(body.byteLength), 'x-amz-request-id': '1' });
        response.end(body);
      },
      { idleTimeoutMs: 100 },
    );
    let received = 0;
    for await (const piece of store.stream('key')) {
      if (received === 0) await new Promise((resolve) => setTimeout(resolve, 400));
      received += piece.byteLength;
    }
    assert.equal(received, body.byteLength);
  });

  it('a server that ignores ranges is noticed', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-length': '10', 'x-amz-request-id': '1' });
      response.end('0123456789');
    });
    const error = await errorOf(store.get('key', { range: { start: 5, end: 7 } }));
    assert.equal(error.code, 'unsupported');
  });

  it('a listing cut short without a token is no shorter listing', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/xml', 'x-amz-request-id': '1' });
      response.end(
        '<ListBucketResult><IsTruncated>true</IsTruncated>' +
          '<Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>',
      );
    });
    assert.equal((await errorOf(listAll(store))).code, 'corrupt');
  });
});

describe('an endpoint', () => {
  it('that nothing listens on is unavailable, to be tried again', async (t) => {
    const store = new ObjectStore(
      new S3Driver(
        { kind: 's3', bucket: 'b', prefix: '', endpoint: 'http://127.0.0.1:1', region: 'r', pathStyle: true },
        { credentials },
      ),
    );
    t.after(() => store.close());
    const error = await errorOf(store.get('key'));
    assert.deepEqual([error.code, error.retryable], ['unavailable', true]);
    assert.match(error.message, /nothing listens/);
  });

  it('that speaks plain HTTP off this machine is refused before a byte is sent', async (t) => {
    const location = {
      kind: 's3',
      bucket: 'b',
      prefix: '',
      endpoint: 'http://s3.example.invalid:9000',
      region: 'r',
      pathStyle: true,
    } as const;
    const store = new ObjectStore(new S3Driver(location, { credentials }));
    t.after(() => store.close());
    await assert.rejects(
      store.get('key'),
      (error) => error instanceof UsageError && /--allow-http/.test(error.message),
    );
  });
});

it('missing credentials are told with what to set', async (t) => {
  const location = {
    kind: 's3',
    bucket: 'b',
    prefix: '',
    endpoint: 'http://127.0.0.1:1',
    region: 'r',
    pathStyle: true,
  } as const;
  const driver = new S3Driver(location, { credentialsFile: '/nonexistent/credentials', profile: 'none' });
  t.after(() => driver.close());
  await assert.rejects(
    driver.head('key', {}),
    (error) =>
      error instanceof TranshipError &&
      error.code === 'unauthenticated' &&
      /AWS_ACCESS_KEY_ID/.test(error.message),
  );
});

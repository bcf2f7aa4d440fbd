/** What becomes of answers that no well server gives, from a server that gives just those. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTcpServer, Socket } from 'node:net';
import type { Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { CancelledError, StoreError, TranshipError, UsageError } from '../../../../src/base/errors.ts';
import { S3Driver } from '../../../../src/providers/objects/s3/driver.ts';
import type { S3Settings } from '../../../../src/providers/objects/settings.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** Where nothing listens. */
const nowhere = {
  kind: 's3',
  bucket: 'b',
  prefix: '',
  endpoint: 'http://127.0.0.1:1',
  region: 'r',
  pathStyle: true,
} as const;

const credentials = { accessKeyId: 'id', secretAccessKey: 'hunter2hunter2' };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function storeThatAnswers(
  t: TestContext,
  answer: Answer,
  settings: S3Settings = {},
): Promise<ObjectStore> {
  return storeAt(t, settings, (request, response) => {
    request.resume();
    request.on('error', () => undefined);
    request.on('end', () => answer(request, response));
  });
}

async function storeAt(t: TestContext, settings: S3Settings, answer: Answer): Promise<ObjectStore> {
  const server = createServer(answer);
  t.after(() => server.closeAllConnections());
  return storeOn(t, server, settings);
}

async function storeOn(t: TestContext, server: TcpServer, settings: S3Settings): Promise<ObjectStore> {
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
    server.close();
  });
  return store;
}

/** Refuses each request as soon as its first bytes are there, takes no more of it, and keeps the connection. */
async function storeThatTakesNoBody(t: TestContext): Promise<ObjectStore> {
  const body = '<Error><Code>SlowDown</Code></Error>';
  const head = `HTTP/1.1 503 Busy\r\nx-amz-request-id: 1\r\ncontent-length: ${body.length}\r\n\r\n`;
  const server = createTcpServer((socket) => {
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      socket.write(head + body);
    });
  });
  return storeOn(t, server, {});
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
    [409, 'ObjectParentIsFile', 'conflict', false],
    [503, 'ServiceUnavailable', 'throttled', true],
    [403, 'InvalidObjectState', 'unsupported', false],
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

  const pages: readonly (readonly [number, string, string, StoreError['code'], boolean])[] = [
    [403, 'text/plain', 'Forbidden', 'permission-denied', false],
    [413, 'text/plain', 'Too large', 'invalid-argument', false],
    [407, 'application/json', '{"error":"proxy"}', 'unauthenticated', false],
    [503, 'text/plain', 'Busy', 'throttled', true],
    [503, 'text/html', '<html>Busy</html>', 'throttled', true],
    [429, 'text/html', '<html>Slow down</html>', 'throttled', true],
    [500, 'text/plain', 'Oops', 'unavailable', true],
  ];
  for (const [status, type, body, code, retryable] of pages) {
    it(`${status} as ${type} is ${code}, whatever its body says`, async (t) => {
      const store = await storeThatAnswers(t, (_request, response) => {
        response.writeHead(status, { 'content-type': type, 'retry-after': '3' }).end(body);
      });
      for (const work of [() => store.get('key'), () => store.put('key', Buffer.from('x'))]) {
        const error = await errorOf(work());
        assert.deepEqual([error.code, error.retryable], [code, retryable], error.message);
        if (code === 'throttled') assert.equal(error.retryAfterMs, 3000);
        assert.ok(!error.message.includes('$response'), error.message);
      }
    });
  }

  it('an empty or foreign answer with success is not taken for a listing, a stored or a found object', async (t) => {
    for (const body of ['', '<foo/>']) {
      const store = await storeThatAnswers(t, (request, response) => {
        response.writeHead(200, { 'content-type': 'application/xml', 'transfer-encoding': 'chunked' });
        response.end(request.method === 'HEAD' ? undefined : body);
      });
      for (const work of [
        () => listAll(store),
        () => store.put('key', Buffer.from('x')),
        () => store.head('key'),
      ]) {
        assert.equal((await errorOf(work())).code, 'corrupt');
      }
    }
  });

  it('that comes before the body was taken does not keep its socket for ever', async (t) => {
    const sockets: Socket[] = [];
    const note = (message: unknown): void => {
      if (typeof message !== 'object' || message === null || !('socket' in message)) return;
      if (message.socket instanceof Socket) sockets.push(message.socket);
    };
    subscribe('net.client.socket', note);
    t.after(() => unsubscribe('net.client.socket', note));
    const store = await storeThatTakesNoBody(t);
    for (let put = 0; put < 20; put += 1) {
      assert.equal((await errorOf(store.put('key', Buffer.alloc(8_000_000)))).retryable, true);
    }
    const open = sockets.filter(({ destroyed }) => !destroyed).length;
    assert.ok(sockets.length > 0 && open <= 1, `${open} of ${sockets.length} connections stayed open`);
  });

  it('of a long completion may come in drops of white space', async (t) => {
    const complete = '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>';
    const store = await storeThatAnswers(
      t,
      (request, response) => {
        if (request.method === 'PUT') return void response.writeHead(200, { etag: '"1"' }).end();
        response.writeHead(200, { 'content-type': 'application/xml', 'x-amz-request-id': '1' });
        if (request.url?.includes('uploads') === true) {
          const created =
            '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>';
          return void response.end(created);
        }
        response.write('<?xml version="1.0" encoding="UTF-8"?>\n');
        let drops = 0;
        const timer = setInterval(() => {
          drops += 1;
          response.write(' ');
          if (drops < 12) return;
          clearInterval(timer);
          response.end(complete);
        }, 200);
      },
      { idleTimeoutMs: 1000 },
    );
    await store.putLarge('key', [Buffer.alloc(10)], { partSizeBytes: 5 });
  });

  it('names the region to ask for when the bucket is in another one', async (t) => {
    const elsewhere = failing(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-3' });
    const store = await storeThatAnswers(t, elsewhere);
    assert.match((await errorOf(store.get('key'))).message, /its region is eu-west-3/);
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

describe('an object that the server does not encrypt as it was told to', () => {
  for (const [mode, deletions] of [
    ['create', ['DELETE /bucket/key?versionId=v1']],
    ['overwrite', []],
  ] as const) {
    it(`is ${mode === 'create' ? 'taken back' : 'left, since it has replaced another,'} in mode ${mode}`, async (t) => {
      const seen: string[] = [];
      const store = await storeThatAnswers(
        t,
        (request, response) => {
          const isPut = request.method === 'PUT';
          if (!isPut) seen.push(`${request.method} ${(request.url ?? '').replace('x-id=DeleteObject&', '')}`);
          const headers = { 'x-amz-request-id': '1', 'x-amz-version-id': 'v1', etag: '"1"' };
          response.writeHead(isPut ? 200 : 204, headers).end();
        },
        { serverSideEncryption: 'AES256' },
      );
      const error = await errorOf(store.put('key', Buffer.from('x'), { mode }));
      assert.equal(error.code, 'unsupported');
      assert.deepEqual(
        seen.map((line) => line.replace('&x-id=DeleteObject', '')),
        deletions,
      );
    });
  }
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

describe('a driver', () => {
  it('refuses an idle timeout that no timer can keep', () => {
    for (const idleTimeoutMs of [0, -1, Number.NaN, 30 * 86_400_000]) {
      assert.throws(() => new S3Driver(nowhere, { credentials, idleTimeoutMs }), UsageError);
    }
  });

  it('sends nothing when its signal has fired, nor when it was closed', async (t) => {
    const store = await storeThatAnswers(t, () => assert.fail('a request was sent'));
    const signal = AbortSignal.abort();
    const driver = new S3Driver(nowhere, { credentials });
    await assert.rejects(driver.put('key', Buffer.from('x'), { signal }), CancelledError);
    await driver.close();
    await assert.rejects(driver.head('key', {}), /was closed/);
    await store.close();
  });

  it('reads the credentials file again when what it had has expired', async (t) => {
    const file = join(temporaryFolder(t), 'credentials');
    const write = (id: string): void =>
      writeFileSync(file, `[default]\naws_access_key_id = ${id}\naws_secret_access_key = s\n`);
    write('OLD');
    let accepts = 'OLD';
    const store = await storeThatAnswers(
      t,
      (request, response) => {
        const id = /Credential=(\w+)\//.exec(request.headers.authorization ?? '')?.[1];
        if (id !== accepts) return failing(400, 'ExpiredToken')(request, response);
        return void response.writeHead(200, { 'x-amz-request-id': '1' }).end('well');
      },
      { credentials: undefined, credentialsFile: file },
    );
    await store.get('key');
    accepts = 'NEW';
    write('NEW');
    const together = await Promise.all([1, 2, 3, 4].map(() => errorOf(store.get('key'))));
    assert.ok(
      together.every(({ retryable }) => retryable),
      'a request beside the first one was given up',
    );
    assert.equal((await store.get('key')).toString(), 'well');
    accepts = 'nobody';
    assert.equal((await errorOf(store.get('key'))).retryable, true);
    assert.equal((await errorOf(store.get('key'))).retryable, false);
  });

  it('does not ask again for an identity that cannot be had', async (t) => {
    const before = { ...process.env };
    t.after(() => {
      process.env = before;
    });
    process.env = {
      PATH: before['PATH'],
      HOME: temporaryFolder(t),
      AWS_WEB_IDENTITY_TOKEN_FILE: '/nonexistent/token',
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/mover',
    };
    const driver = new S3Driver(nowhere);
    t.after(() => driver.close());
    const error = await errorOf(driver.head('key', {}));
    assert.deepEqual([error.code, error.retryable], ['unauthenticated', false], error.message);
  });
});

it('missing credentials are told with what to set', async (t) => {
  const driver = new S3Driver(nowhere, { credentialsFile: '/nonexistent/credentials', profile: 'none' });
  t.after(() => driver.close());
  await assert.rejects(
    driver.head('key', {}),
    (error) =>
      error instanceof TranshipError &&
      error.code === 'unauthenticated' &&
      /AWS_ACCESS_KEY_ID/.test(error.message),
  );
});

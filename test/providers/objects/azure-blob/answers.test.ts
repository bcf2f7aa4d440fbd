/** What becomes of answers that no well server gives, from a server that gives just those. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { createServer as createTcpServer, Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { StoreError } from '../../../../src/base/errors.ts';
import { withRetry } from '../../../../src/providers/objects/retry.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import {
  driverOn,
  driverThatIsAnswered,
  errorOf,
  failing,
  listAll,
  ours,
  storeThatAnswers,
} from '../../../support/azure-blob/answering-server.ts';
import type { Answer } from '../../../support/azure-blob/answering-server.ts';

/** A page of a listing; `next` says where it goes on. */
function page(names: readonly string[], next = ''): string {
  const blobs = names.map(
    (name) =>
      `<Blob><Name>${name}</Name><Properties><Last-Modified>Fri, 27 Nov 2026 12:00:00 GMT</Last-Modified>` +
      '<Etag>1</Etag><Content-Length>1</Content-Length></Properties></Blob>',
  );
  return (
    '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://h/" ContainerName="container">' +
    `<Blobs>${blobs.join('')}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`
  );
}

describe('an answer of Azure', () => {
  const answers: readonly (readonly [number, string, StoreError['code'], boolean])[] = [
    [404, 'BlobNotFound', 'not-found', false],
    [404, 'ContainerNotFound', 'no-bucket', false],
    [409, 'ContainerBeingDeleted', 'no-bucket', false],
    [404, 'SomethingNew', 'invalid-argument', false],
    [403, 'AuthenticationFailed', 'unauthenticated', false],
    [400, 'InvalidAuthenticationInfo', 'unauthenticated', false],
    [401, 'NoAuthenticationInformation', 'unauthenticated', false],
    [403, 'KeyBasedAuthenticationNotPermitted', 'unauthenticated', false],
    [403, 'AuthorizationFailure', 'permission-denied', false],
    [403, 'AuthorizationPermissionMismatch', 'permission-denied', false],
    [403, 'AccountIsDisabled', 'permission-denied', false],
    [403, 'SomethingNew', 'permission-denied', false],
    [409, 'BlobAlreadyExists', 'already-exists', false],
    [412, 'ConditionNotMet', 'already-exists', false],
    [412, 'LeaseIdMissing', 'conflict', false],
    [412, 'LeaseLost', 'conflict', false],
    [409, 'BlobImmutableDueToPolicy', 'permission-denied', false],
    [409, 'BlobImmutableDueToLegalHold', 'permission-denied', false],
    [409, 'SnapshotsPresent', 'conflict', false],
    [409, 'BlobArchived', 'unsupported', false],
    [409, 'InvalidBlobType', 'conflict', false],
    [409, 'SomethingNew', 'conflict', false],
    [400, 'Md5Mismatch', 'corrupt', true],
    [400, 'UnsupportedHeader', 'unsupported', false],
    [400, 'SomethingNew', 'invalid-argument', false],
    [429, 'TooManyRequests', 'throttled', true],
    [500, 'InternalError', 'unavailable', true],
    [500, 'OperationTimedOut', 'timeout', true],
    [502, '', 'unavailable', true],
    [503, 'ServerBusy', 'throttled', true],
    [503, '', 'throttled', true],
    [507, '', 'no-space', false],
  ];
  for (const [status, name, code, retryable] of answers) {
    it(`${status} ${name} is ${code}${retryable ? ', to be tried again' : ''}`, async (t) => {
      const store = await storeThatAnswers(t, failing(status, name));
      for (const work of [
        () => store.get('key'),
        () => store.put('key', Buffer.from('x')),
        () => store.head('key'),
        () => listAll(store),
      ]) {
        const error = await errorOf(work());
        assert.deepEqual([error.code, error.retryable], [code, retryable], error.message);
      }
    });
  }

  it('tells how long to wait, in seconds', async (t) => {
    const store = await storeThatAnswers(t, failing(503, 'ServerBusy', { 'retry-after': '7' }));
    assert.equal((await errorOf(store.get('key'))).retryAfterMs, 7000);
  });

  const pages: readonly (readonly [number, string, StoreError['code'], boolean])[] = [
    [403, 'text/plain', 'permission-denied', false],
    [403, 'text/html', 'unsupported', false],
    [413, 'text/plain', 'invalid-argument', false],
    [503, 'text/html', 'throttled', true],
    [429, 'text/html', 'throttled', true],
    [500, 'text/plain', 'unavailable', true],
  ];
  for (const [status, type, code, retryable] of pages) {
    it(`${status} of a gateway as ${type} is ${code}, whatever its body says`, async (t) => {
      const store = await storeThatAnswers(t, (_request, response) => {
        response.writeHead(status, { 'content-type': type }).end('<html>Oops</html>');
      });
      for (const work of [() => store.get('key'), () => store.put('key', Buffer.from('x'))]) {
        const error = await errorOf(work());
        assert.deepEqual([error.code, error.retryable], [code, retryable], error.message);
      }
    });
  }

  it('an empty or foreign answer with success is not taken for a listing, a stored or a found object', async (t) => {
    for (const [headers, body] of [
      [{}, ''],
      [{}, '<foo/>'],
      [ours, '<foo/>'],
    ] as const) {
      const store = await storeThatAnswers(t, (request, response) => {
        const status = request.method === 'PUT' ? 201 : 200;
        const type = { 'content-type': 'application/xml', 'transfer-encoding': 'chunked' };
        response.writeHead(status, { ...type, ...headers });
        response.end(request.method === 'HEAD' ? undefined : body);
      });
      assert.equal((await errorOf(listAll(store))).code, 'corrupt');
      assert.equal((await errorOf(store.head('key'))).code, 'corrupt');
      if (headers === ours) continue;
      assert.equal((await errorOf(store.put('key', Buffer.from('x')))).code, 'corrupt');
      assert.equal((await errorOf(store.get('key'))).code, 'corrupt');
    }
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

  it('that sends requests on to another host is not followed, and nothing goes there', async (t) => {
    const elsewhere = createServer(() => assert.fail('a request was sent on'));
    await new Promise<void>((resolve) => {
      elsewhere.listen(0, '127.0.0.1', resolve);
    });
    t.after(() => elsewhere.close());
    const address = elsewhere.address();
    assert.ok(typeof address === 'object' && address !== null);
    for (const status of [301, 302, 303, 307, 308]) {
      const store = await storeThatAnswers(t, (_request, response) => {
        response.writeHead(status, { location: `http://127.0.0.1:${address.port}/there` }).end();
      });
      for (const work of [
        () => store.get('key'),
        () => store.put('key', Buffer.from('x')),
        () => listAll(store),
      ]) {
        assert.match((await errorOf(work())).message, /sends requests on/);
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
    const head =
      'HTTP/1.1 503 Busy\r\nx-ms-request-id: 1\r\nx-ms-error-code: ServerBusy\r\ncontent-length: 0\r\n\r\n';
    const server = createTcpServer((socket) => {
      t.after(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.pause();
        socket.write(head);
      });
    });
    const store = new ObjectStore(await driverOn(t, server));
    for (let put = 0; put < 20; put += 1) {
      assert.equal((await errorOf(store.put('key', Buffer.alloc(8_000_000)))).retryable, true);
    }
    const open = sockets.filter(({ destroyed }) => !destroyed).length;
    assert.ok(sockets.length > 0 && open <= 1, `${open} of ${sockets.length} connections stayed open`);
  });

  it('a body that ends early is an error to be tried again', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-length': '1000', ...ours });
      response.write(Buffer.alloc(400));
      setTimeout(() => response.destroy(), 20);
    });
    const error = await errorOf(store.get('key'));
    assert.deepEqual([error.code, error.retryable], ['unavailable', true]);
    assert.match(error.message, /400 of 1000 bytes/);
  });

  it('a listing that breaks off in mid-page is an error to be tried again', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/xml', 'content-length': '10000', ...ours });
      response.write(page(['a', 'b']));
      setTimeout(() => response.destroy(), 20);
    });
    const error = await errorOf(listAll(store));
    assert.deepEqual([error.code, error.retryable], ['unavailable', true]);
  });

  it('a server that falls silent in mid-body or before it answers is given up', async (t) => {
    const silent: readonly Answer[] = [
      (_request, response) => {
        response.writeHead(200, { 'content-length': '1000', 'content-type': 'application/xml', ...ours });
        response.write(Buffer.alloc(400));
      },
      () => undefined,
    ];
    for (const answer of silent) {
      const store = await storeThatAnswers(t, answer, { idleTimeoutMs: 200 });
      for (const work of [() => store.get('key'), () => listAll(store)]) {
        const error = await errorOf(work());
        assert.deepEqual([error.code, error.retryable], ['timeout', true]);
        assert.match(error.message, /0\.2 s/);
      }
    }
  });

  it('a slow reader is not taken for a silent server', async (t) => {
    const body = Buffer.alloc(3_000_000, 1);
    const store = await storeThatAnswers(
      t,
      (_request, response) => {
        response.writeHead(200, { 'content-length': String(body.byteLength), ...ours });
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
      response.writeHead(200, { 'content-length': '10', ...ours }).end('0123456789');
    });
    const error = await errorOf(store.get('key', { range: { start: 5, end: 7 } }));
    assert.equal(error.code, 'unsupported');
  });
});

describe('a listing', () => {
  it('that the server cuts short without saying how to go on is no shorter listing', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/xml', ...ours }).end(page(['a'], 'again'));
    });
    assert.equal((await errorOf(listAll(store))).code, 'corrupt');
  });

  it('that broke off between pages goes on there, not at its beginning', async (t) => {
    const asked: string[] = [];
    let busy = false;
    const driver = await driverThatIsAnswered(t, (request, response) => {
      const marker = new URL(request.url ?? '', 'http://h').searchParams.get('marker') ?? '';
      asked.push(marker);
      busy = !busy && marker !== '';
      if (busy) return failing(503, 'ServerBusy')(request, response);
      const names = { '': ['a', 'b'], two: ['c', 'not a key'], three: ['d'] }[marker] ?? [];
      const next = { '': 'two', two: 'three' }[marker] ?? '';
      response.writeHead(200, { 'content-type': 'application/xml', ...ours }).end(page(names, next));
    });
    const store = new ObjectStore(withRetry(driver, { firstDelayMs: 1 }));
    assert.deepEqual(await listAll(store), ['a', 'b', 'c', 'd']);
    assert.deepEqual(asked, ['', 'two', 'two', 'three', 'three']);
  });

  it('in another order than that of the keys is refused, since who takes it up again would miss some', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/xml', ...ours }).end(page(['a/b', 'a-b']));
    });
    const error = await errorOf(listAll(store));
    assert.deepEqual([error.code, error.retryable], ['unsupported', false]);
    assert.match(error.message, /hierarchical namespace/);
  });
});

describe('a listed blob without a size', () => {
  const without = (name: string, metadata = ''): string =>
    page([name]).replace('<Content-Length>1</Content-Length></Properties>', `</Properties>${metadata}`);

  it('is no empty object, but an answer to be asked for again', async (t) => {
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/xml', ...ours }).end(without('a'));
    });
    const error = await errorOf(listAll(store));
    assert.deepEqual([error.code, error.retryable, error.where], ['corrupt', true, 'a']);
  });

  it('is left out where it stands for a folder', async (t) => {
    const mark = '<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata>';
    const store = await storeThatAnswers(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/xml', ...ours }).end(without('a', mark));
    });
    assert.deepEqual(await listAll(store), []);
  });
});

describe('an upload that another writer overtook', () => {
  it('is a conflict, and in mode create an object that exists', async (t) => {
    for (const [mode, code] of [
      ['overwrite', 'conflict'],
      ['create', 'already-exists'],
    ] as const) {
      const driver = await driverThatIsAnswered(t, (request, response) => {
        if (request.url?.includes('comp=blocklist') === true) {
          return failing(400, 'InvalidBlockList')(request, response);
        }
        response.writeHead(request.method === 'HEAD' ? 200 : 201, ours).end();
      });
      const upload = await driver.createMultipart('key', { mode });
      await upload.putPart(1, Buffer.from('x'));
      assert.equal((await errorOf(upload.complete())).code, code);
    }
  });
});

describe('a deletion of many', () => {
  it('goes one by one where the server knows no batches', async (t) => {
    const deleted: string[] = [];
    let batches = 0;
    const store = await storeThatAnswers(t, (request, response) => {
      if (request.method === 'POST') {
        batches += 1;
        return failing(400, 'UnsupportedQueryParameter')(request, response);
      }
      deleted.push(request.url ?? '');
      response.writeHead(202, ours).end();
    });
    await store.deleteMany(['a', 'b', 'c']);
    await store.deleteMany(['d', 'e']);
    assert.equal(batches, 1);
    assert.deepEqual(
      deleted.sort(),
      'abcde'.split('').map((key) => `/account/container/${key}`),
    );
  });

  const shapes: readonly (readonly [string, readonly number[]])[] = [
    ['with an answer for one blob of three', [0]],
    ['with one answer for no blob', [-1]],
    ['with three answers for one blob', [1, 1, 1]],
  ];
  for (const [name, ids] of shapes) {
    it(`${name} is no success: the blobs go one by one`, async (t) => {
      const deleted: string[] = [];
      const store = await storeThatAnswers(t, (request, response) => {
        if (request.method !== 'POST') {
          deleted.push(request.url ?? '');
          response.writeHead(202, ours).end();
          return;
        }
        const parts = ids.map((id) => {
          const contentId = id < 0 ? '' : `Content-ID: ${id}\r\n`;
          const answer = 'HTTP/1.1 202 Accepted\r\nx-ms-request-id: 1\r\n\r\n';
          return `--batchresponse_1\r\nContent-Type: application/http\r\n${contentId}\r\n${answer}`;
        });
        const type = { 'content-type': 'multipart/mixed; boundary=batchresponse_1' };
        response.writeHead(202, { ...ours, ...type }).end(`${parts.join('')}--batchresponse_1--`);
      });
      await store.deleteMany(['a', 'b', 'c']);
      assert.equal(deleted.length, 3, deleted.join());
    });
  }

  it('ends at the first refusal', async (t) => {
    let deletions = 0;
    const store = await storeThatAnswers(t, (request, response) => {
      if (request.method === 'POST') return failing(501, 'NotImplemented')(request, response);
      deletions += 1;
      return failing(409, 'BlobImmutableDueToPolicy')(request, response);
    });
    const error = await errorOf(store.deleteMany(Array.from({ length: 200 }, (_, index) => `k${index}`)));
    assert.match(error.message, /immutability policy.*: k\d+ \(wait/);
    assert.ok(deletions <= 16, `${deletions} requests`);
  });
});

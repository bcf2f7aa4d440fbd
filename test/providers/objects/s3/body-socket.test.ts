/** Bodies that are read past Node's HTTP: every way in which an answer may arrive, and what is left to Node. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get as httpsGet } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import * as fc from 'fast-check';
import { CancelledError, StoreError } from '../../../../src/base/errors.ts';
import { openStore } from '../../../../src/providers/objects/open.ts';
import { SecureBodyAgent, directBodyOn } from '../../../../src/providers/objects/s3/body-agents.ts';
import { BodySocket } from '../../../../src/providers/objects/s3/body-socket.ts';
import { S3Driver } from '../../../../src/providers/objects/s3/driver.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import { checkAsyncProperty } from '../../../support/property.ts';

const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
const head = 'HTTP/1.1 200 OK\r\nx-amz-request-id: 1\r\n';

/** A connection without a network: what Node's HTTP gets is read from `toNode`. */
class Connection {
  readonly toNode = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  readonly bodySocket = new BodySocket();

  constructor() {
    this.bodySocket.attach(this.toNode);
  }

  /** As the kernel does: into the room given, as much as there is. False where the server has to wait. */
  receive(bytes: Uint8Array): boolean {
    const { onread } = this.bodySocket;
    let wantsMore = true;
    for (let start = 0; start < bytes.byteLength;) {
      assert.ok(typeof onread.buffer === 'function');
      const room = onread.buffer();
      const part = bytes.subarray(start, start + room.byteLength);
      room.set(part);
      wantsMore = onread.callback(part.byteLength, room);
      start += part.byteLength;
    }
    return wantsMore;
  }

  nodeGot(): string {
    const bytes: unknown = this.toNode.read();
    return bytes instanceof Buffer ? bytes.toString('latin1') : '';
  }

  async body(into?: Uint8Array): Promise<Buffer> {
    const { body } = this.bodySocket;
    assert.ok(body !== undefined, 'the body was left to Node');
    const pieces: Uint8Array[] = [];
    for await (const piece of body.read(into)) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  }
}

describe('a body socket', () => {
  const answer = Buffer.from(`${head}Content-Length: 12\r\n\r\nhello, world`);
  const seen = `${head}Content-Length: 00\r\n\r\n`;

  it('takes an answer that is split at any byte, and tells Node that it has no body', async () => {
    for (let cut = 1; cut < answer.length; cut += 1) {
      const connection = new Connection();
      connection.receive(answer.subarray(0, cut));
      connection.receive(answer.subarray(cut));
      assert.equal(connection.nodeGot(), seen);
      assert.equal((await connection.body()).toString(), 'hello, world');
    }
  });

  it('takes an answer byte by byte', async () => {
    const connection = new Connection();
    for (const byte of answer) connection.receive(Uint8Array.of(byte));
    assert.equal(connection.nodeGot(), seen);
    assert.equal((await connection.body()).toString(), 'hello, world');
  });

  it('puts any body into the memory given, however it is cut and however much of it fits', async (t) => {
    const bytes = randomBytes(700_000);
    const values = fc.record({
      bodyBytes: fc.integer({ min: 1, max: 700_000 }),
      roomBytes: fc.integer({ min: 0, max: 700_000 }),
      cuts: fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 8 }),
      isReadAfter: fc.integer({ min: 0, max: 3 }),
    });
    const property = fc.asyncProperty(values, async ({ bodyBytes, roomBytes, cuts, isReadAfter }) => {
      const connection = new Connection();
      const wanted = bytes.subarray(0, bodyBytes);
      const memory = new Uint8Array(new SharedArrayBuffer(roomBytes));
      connection.receive(Buffer.from(`${head}Content-Length: ${bodyBytes}\r\n\r\n`));
      let reading: Promise<Buffer> | undefined;
      for (let start = 0, round = 0; start < bodyBytes; round += 1) {
        if (round >= isReadAfter) reading ??= connection.body(memory);
        const end = start + (cuts[round % cuts.length] ?? 1);
        connection.receive(wanted.subarray(start, end));
        if (round % 2 === 0) await Promise.resolve();
        start = end;
      }
      assert.ok((await (reading ?? connection.body(memory))).equals(wanted), 'other bytes came out');
      const inMemory = Math.min(bodyBytes, roomBytes);
      assert.ok(
        Buffer.from(memory.subarray(0, inMemory)).equals(wanted.subarray(0, inMemory)),
        'not in place',
      );
    });
    await checkAsyncProperty(t, property, { small: 50, full: 1000 });
  });

  it('lets the server wait for a reader that is slow or not there, and hands memory out when he comes', async () => {
    const connection = new Connection();
    const body = randomBytes(4_000_000);
    const start = Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`);
    assert.equal(connection.receive(Buffer.concat([start, body.subarray(0, 1000)])), false);
    const pieces = connection.bodySocket.body?.read(undefined);
    assert.equal((await pieces?.next())?.value?.byteLength, 1000);
    assert.equal(connection.receive(body.subarray(1000, 100_000)), true);
    assert.equal(connection.receive(body.subarray(100_000, 2_000_000)), false);
  });

  for (const [title, isAtOnce] of [
    ['with the body', true],
    ['after it', false],
  ] as const) {
    it(`takes no more than was announced, and closes a connection on which more came ${title}`, async () => {
      const connection = new Connection();
      const excess = Buffer.from('excess');
      const pieces = isAtOnce ? [Buffer.concat([answer, excess])] : [answer, excess];
      const handed: string[] = [];
      connection.toNode.on('data', (bytes: Buffer) => handed.push(bytes.toString('latin1')));
      // As a socket is that Node's HTTP waits on.
      await setImmediate();
      for (const piece of pieces) connection.receive(piece);
      assert.equal(handed.join(''), seen);
      assert.equal((await connection.body()).toString(), 'hello, world');
      assert.equal(connection.toNode.destroyed, true);
    });
  }

  it('reads one answer after the other on a connection', async () => {
    const connection = new Connection();
    for (const text of ['one', 'three']) {
      connection.bodySocket.expectAnswer();
      connection.receive(Buffer.from(`${head}content-length:${text.length} \r\n\r\n${text}`));
      assert.equal((await connection.body()).toString(), text);
    }
  });

  it('closes a connection that is used again before a body on it came whole', () => {
    const connection = new Connection();
    connection.receive(answer.subarray(0, -1));
    connection.bodySocket.expectAnswer();
    assert.equal(connection.toNode.destroyed, true);
  });

  it('is done with the memory when its reader leaves, by closing the connection', async () => {
    const connection = new Connection();
    connection.receive(answer.subarray(0, -1));
    for await (const piece of connection.bodySocket.body?.read(Buffer.alloc(12)) ?? []) {
      assert.equal(piece.byteLength, 11);
      break;
    }
    assert.equal(connection.toNode.destroyed, true);
  });

  it('tells its reader that the connection closed before the body’s end', async () => {
    const connection = new Connection();
    connection.receive(answer.subarray(0, -1));
    const reading = connection.body();
    connection.toNode.destroy();
    await assert.rejects(reading, { code: 'ECONNRESET' });
  });

  const others = {
    'another status': 'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno',
    'an informational answer': 'HTTP/1.1 100 Continue\r\n\r\n',
    'an answer without a length': `${head}\r\nbody`,
    'an answer with two lengths': `${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\nno`,
    'a length that is none': `${head}Content-Length: 2, 2\r\n\r\nno`,
    'a length of too many digits': `${head}Content-Length: 1234567890123456\r\n\r\nno`,
    'a body in chunks': `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n`,
    'a body in chunks with a length': `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'HTTP 1.0': 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nno',
    'a folded line': `${head}x-a: 1\r\n 2\r\nContent-Length: 2\r\n\r\nno`,
    'a bare line feed': `${head}x-a: 1\nContent-Length: 2\r\n\r\nno`,
    'a space before a colon': `${head}Content-Length : 2\r\n\r\nno`,
    'a line without a colon': `${head}garbage\r\nContent-Length: 2\r\n\r\nno`,
    'no headers': 'HTTP/1.1 200 OK\r\n\r\n',
    'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
    'a head without an end': `${head}x-a: ${'a'.repeat(20_000)}`,
  };
  for (const [name, text] of Object.entries(others)) {
    it(`leaves ${name} to Node as it is`, () => {
      const connection = new Connection();
      connection.receive(Buffer.from(text));
      assert.equal(connection.bodySocket.body, undefined);
      assert.equal(connection.nodeGot(), text);
    });
  }
});

type Answer = (socket: Socket, request: string) => void;

/** A server that answers each request with just these bytes. */
async function serve(
  t: TestContext,
  answer: Answer,
): Promise<{ endpoint: string; connections: () => number }> {
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    let request = '';
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      request += bytes.toString('latin1');
      if (!request.endsWith('\r\n\r\n')) return;
      const whole = request;
      request = '';
      answer(socket, whole);
    });
  });
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { endpoint: `http://127.0.0.1:${address.port}`, connections: () => connections };
}

async function storeAt(
  t: TestContext,
  answer: Answer,
): Promise<{ store: ObjectStore; connections: () => number }> {
  const { endpoint, connections } = await serve(t, answer);
  const location = { kind: 's3', bucket: 'b', prefix: '', endpoint, region: 'r', pathStyle: true } as const;
  const store = new ObjectStore(new S3Driver(location, { credentials, idleTimeoutMs: 5000 }));
  t.after(() => store.close());
  return { store, connections };
}

describe('a get of a body that is read past Node’s HTTP', () => {
  const plain = `${head}Content-Length: 12\r\n\r\nhello, world`;

  it('uses its connection again', async (t) => {
    const { store, connections } = await storeAt(t, (socket) => socket.write(plain));
    for (let round = 0; round < 5; round += 1) {
      assert.equal((await store.get('key')).toString(), 'hello, world');
    }
    assert.equal(connections(), 1);
  });

  const chunks = '5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\nx-a: 1\r\n\r\n';
  const answered = {
    'in chunks with trailers': `${head}Transfer-Encoding: chunked\r\nTrailer: x-a\r\n\r\n${chunks}`,
    'after an informational one': `HTTP/1.1 100 Continue\r\n\r\n${plain}`,
    'on a connection that is closed behind it': plain.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
  };
  for (const [name, text] of Object.entries(answered)) {
    it(`takes an answer ${name}, and goes on`, async (t) => {
      const { store } = await storeAt(t, (socket) => {
        socket.write(text);
        if (text.includes('Connection: close')) socket.end();
      });
      for (let round = 0; round < 3; round += 1) {
        assert.equal((await store.get('key')).toString(), 'hello, world');
      }
    });
  }

  it('takes an answer with bytes behind it, and asks for the next one on another connection', async (t) => {
    const { store, connections } = await storeAt(t, (socket) => socket.write(`${plain}HTTP/1.1 200 OK`));
    for (let round = 0; round < 3; round += 1) {
      assert.equal((await store.get('key')).toString(), 'hello, world');
    }
    assert.equal(connections(), 3);
  });

  it('takes a body without a length to the connection’s end', async (t) => {
    const { store } = await storeAt(t, (socket) => socket.end(`${head}\r\nhello, world`));
    assert.equal((await store.get('key')).toString(), 'hello, world');
  });

  const failing: Readonly<Record<string, readonly [string, StoreError['code'], boolean]>> = {
    'ends in its body': [plain.slice(0, -1), 'unavailable', true],
    'ends in its head': [plain.slice(0, 30), 'unavailable', true],
    'is empty': ['', 'unavailable', true],
    'is of another protocol': ['SSH-2.0-OpenSSH_9.2\r\n', 'unsupported', false],
    'has two lengths': [plain.replace('Content', 'Content-Length: 3\r\nContent'), 'unsupported', false],
  };
  for (const [name, [text, code, retryable]] of Object.entries(failing)) {
    it(`fails as ${code} where the answer ${name}`, async (t) => {
      const { store } = await storeAt(t, (socket) => socket.end(text));
      await assert.rejects(
        store.get('key'),
        (error) => error instanceof StoreError && error.code === code && error.retryable === retryable,
      );
    });
  }

  it('fails, to be tried again, where the server closes an idle connection as the request is sent', async (t) => {
    let requests = 0;
    const { store, connections } = await storeAt(t, (socket) => {
      requests += 1;
      if (requests === 2) socket.destroy();
      else socket.write(plain);
    });
    await store.get('key');
    await assert.rejects(store.get('key'), (error) => error instanceof StoreError && error.retryable);
    assert.equal((await store.get('key')).toString(), 'hello, world');
    assert.equal(connections(), 2);
  });

  it('ends when its signal fires in the middle of the body, and writes no more to the memory', async (t) => {
    let send: (() => void) | undefined;
    const { store } = await storeAt(t, (socket) => {
      socket.write(
        `${head.replace('200', '206')}Content-Range: bytes 0-11/12\r\nContent-Length: 12\r\n\r\nhello`,
      );
      send = () => socket.write(', world');
    });
    const controller = new AbortController();
    const memory = Buffer.alloc(12);
    const pieces = store.stream('key', { into: memory, signal: controller.signal });
    assert.equal((await pieces.next()).value?.byteLength, 5);
    controller.abort();
    await assert.rejects(pieces.next(), CancelledError);
    send?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(memory.toString(), `hello${'\0'.repeat(7)}`);
  });

  it('is resumed in the same memory where it broke off', async (t) => {
    const body = randomBytes(1_000_000);
    let requests = 0;
    const { endpoint } = await serve(t, (socket, request) => {
      const [, start = '0', end = '0'] = /range: bytes=(\d+)-(\d+)/i.exec(request) ?? [];
      const part = body.subarray(Number(start), Number(end) + 1);
      const range = `Content-Range: bytes ${start}-${end}/${body.length}\r\nContent-Length: ${part.length}`;
      socket.write(`${head.replace('200 OK', '206 Partial Content')}${range}\r\n\r\n`);
      requests += 1;
      if (requests < 3) socket.end(part.subarray(0, 300_000));
      else socket.write(part);
    });
    const store = await openStore(`s3://bbb?endpoint=${endpoint}&region=r&path-style=true`, {
      settings: { s3: { credentials } },
    });
    t.after(() => store.close());
    const memory = new Uint8Array(new SharedArrayBuffer(900_000));
    await store.read('key', { start: 50_000, end: 950_000 }, memory);
    assert.ok(Buffer.from(memory).equals(body.subarray(50_000, 950_000)));
    assert.equal(requests, 3);
  });

  it('is read so over TLS too', async (t) => {
    const body = randomBytes(500_000);
    const psk = randomBytes(32);
    const ciphers = 'PSK-AES128-GCM-SHA256';
    const server = createTlsServer({ ciphers, maxVersion: 'TLSv1.2', pskCallback: () => psk }, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        socket.write(`${head}Content-Length: ${body.length}\r\n\r\n`);
        socket.write(body);
      });
    });
    t.after(() => server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const agent = new SecureBodyAgent({ keepAlive: true });
    t.after(() => agent.destroy());
    const options: RequestOptions & ConnectionOptions = {
      agent,
      port: address.port,
      host: '127.0.0.1',
      ciphers,
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ psk, identity: 'test' }),
    };
    for (let round = 0; round < 2; round += 1) {
      const request = httpsGet(options);
      const [message] = await once(request, 'response');
      const direct = directBodyOn(message.socket);
      assert.ok(direct !== undefined, 'the body was left to Node');
      const memory = new Uint8Array(new SharedArrayBuffer(body.length));
      for await (const piece of direct.read(memory)) assert.equal(piece.buffer, memory.buffer);
      assert.ok(Buffer.from(memory).equals(body));
      message.resume();
      await once(message, 'end');
    }
  });
});

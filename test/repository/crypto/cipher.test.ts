import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';

import { RepositoryError, UsageError } from '../../../src/base/errors.ts';
import { envelopeOverheadBytes } from '../../../src/repository/crypto/cipher.ts';
import type { CipherImplementation, MasterKey } from '../../../src/repository/crypto/cipher.ts';
import { createCipher } from '../../../src/repository/crypto/open-cipher.ts';
import { PortableAlgorithms } from '../../../src/repository/crypto/portable-cipher.ts';
import { createRandom, forEachSeed, scaled } from '../../support/seed.ts';

/** The part of the WebAssembly JavaScript interface used here; Node's type package does not declare it. */
declare namespace WebAssembly {
  // oxlint-disable-next-line no-unused-vars -- it is used, through the namespace
  class Memory {
    constructor(descriptor: { initial: number; maximum: number; shared?: boolean });
    readonly buffer: ArrayBuffer | SharedArrayBuffer;
  }
}

const key: MasterKey = { encrypt: counting(0x00, 32), macK: counting(0x20, 16), macR: counting(0x30, 16) };
const iv = '404142434445464748494a4b4c4d4e4f';
const emptyEnvelope = Buffer.from(`${iv}859469c07743c7e45b318d151d3d87e9`, 'hex');
const helloEnvelope = Buffer.from(`${iv}cb1bb353f87acd80e1170642213a3d87cbaf287c201f644492c3f6`, 'hex');

const implementations = ['native', 'portable'] as const;

function counting(first: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => first + i));
}

function isCorrupt(error: unknown): boolean {
  return error instanceof RepositoryError && error.code === 'corrupt';
}

test('the official binaries of Node get the native implementation', () => {
  assert.equal(createCipher(key).implementation, 'native');
});

for (const implementation of implementations) {
  describe(`${implementation} cipher`, () => {
    const cipher = createCipher(key, { implementation });

    test('opens the published envelopes', () => {
      assert.equal(cipher.implementation, implementation);
      assert.equal(cipher.open(helloEnvelope).toString(), 'hello world');
      assert.equal(cipher.open(emptyEnvelope).byteLength, 0);
      const digest = createHash('sha256').update(helloEnvelope).digest('hex');
      assert.ok(digest.startsWith('8a845ffc') && digest.endsWith('e27043ab'));
    });

    test('seals what it opens, with a fresh IV each time', () => {
      const plaintext = Buffer.from('the same text');
      const first = cipher.seal(plaintext);
      const second = cipher.seal(plaintext);
      assert.equal(first.byteLength, plaintext.byteLength + envelopeOverheadBytes);
      assert.notDeepEqual(first, second);
      assert.deepEqual(cipher.open(first), plaintext);
      assert.deepEqual(cipher.open(second), plaintext);
    });

    test('seals at an offset and touches nothing around it', () => {
      const plaintext = randomBytes(100);
      const out = Buffer.alloc(200, 0xee);
      const length = cipher.sealInto(plaintext, out, 7);
      assert.equal(length, 132);
      assert.ok(out.subarray(0, 7).every((byte) => byte === 0xee));
      assert.ok(out.subarray(139).every((byte) => byte === 0xee));
      assert.deepEqual(cipher.open(out.subarray(7, 139)), plaintext);
    });

    test('the counter is 128 bits wide, big-endian, and wraps', () => {
      const plaintext = randomBytes(40);
      const blockCipher = createCipheriv('aes-256-ecb', key.encrypt, null);
      const counters = ['ff'.repeat(16), '00'.repeat(16), `${'00'.repeat(15)}01`];
      const keystream = blockCipher.update(Buffer.from(counters.join(''), 'hex'));
      const envelope = Buffer.alloc(plaintext.byteLength + envelopeOverheadBytes, 0xff);
      for (const [i, byte] of plaintext.entries()) envelope[16 + i] = byte ^ (keystream[i] ?? 0);
      const mac = envelope.subarray(16 + plaintext.byteLength);
      new PortableAlgorithms(key).computeMac(envelope.subarray(0, 16), envelope.subarray(16, 56), mac);
      assert.deepEqual(cipher.open(envelope), plaintext);
    });

    test('refuses every single flipped bit and leaves the output untouched', () => {
      const envelope = cipher.seal(Buffer.from('a small secret'));
      const out = Buffer.alloc(14, 0xee);
      for (let bit = 0; bit < envelope.byteLength * 8; bit++) {
        const tampered = Buffer.from(envelope);
        tampered[bit >> 3] = (tampered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.throws(() => cipher.openInto(tampered, out), isCorrupt, `bit ${bit}`);
      }
      assert.ok(out.every((byte) => byte === 0xee));
    });

    test('refuses every truncation, and a byte too much', () => {
      const envelope = cipher.seal(Buffer.from('a small secret'));
      for (let length = 0; length < envelope.byteLength; length++) {
        assert.throws(() => cipher.open(envelope.subarray(0, length)), isCorrupt, `length ${length}`);
      }
      assert.throws(() => cipher.open(Buffer.concat([envelope, Buffer.alloc(1)])), isCorrupt);
    });

    test('refuses an all-zero IV though its MAC matches', () => {
      // MAC of the empty message under IV 0 is AES-128-ECB(k, 0), whatever r is.
      const mac = Buffer.from('c6a13b37878f5b826f4f8162a1c8d879', 'hex');
      const zeroKey = { ...key, macK: counting(0x00, 16) };
      const envelope = Buffer.concat([Buffer.alloc(16), mac]);
      assert.throws(
        () => createCipher(zeroKey, { implementation }).open(envelope),
        (error: unknown) =>
          isCorrupt(error) && error instanceof RepositoryError && /all-zero IV/.test(error.what),
      );
    });

    test('refuses an envelope of another key', () => {
      for (const part of ['encrypt', 'macK', 'macR'] as const) {
        const other = createCipher({ ...key, [part]: randomBytes(key[part].byteLength) }, { implementation });
        const envelope = other.seal(Buffer.from('text'));
        // The MAC does not cover the AES key: only its own two parts give a foreign key away.
        if (part !== 'encrypt') assert.throws(() => cipher.open(envelope), isCorrupt);
        else assert.notEqual(cipher.open(envelope).toString(), 'text');
      }
    });

    test('refuses an output that is too small before anything is written', () => {
      const out = Buffer.alloc(40, 0xee);
      assert.throws(() => cipher.sealInto(Buffer.alloc(9), out, 0), UsageError);
      assert.throws(() => cipher.sealInto(Buffer.alloc(0), out, 9), UsageError);
      assert.throws(() => cipher.sealInto(Buffer.alloc(0), out, -1), UsageError);
      assert.throws(() => cipher.sealInto(Buffer.alloc(0), out, Number.NaN), UsageError);
      assert.throws(() => cipher.openInto(helloEnvelope, out.subarray(0, 10)), UsageError);
      assert.ok(out.every((byte) => byte === 0xee));
    });

    test('works on shared memory and on WebAssembly memory', () => {
      const memories: Record<string, Uint8Array> = {
        shared: new Uint8Array(new SharedArrayBuffer(4096)),
        resizable: new Uint8Array(new ArrayBuffer(4096, { maxByteLength: 8192 })),
        webAssembly: new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1 }).buffer),
        sharedWebAssembly: new Uint8Array(
          new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer,
        ),
        small: new Uint8Array(60),
      };
      for (const [name, memory] of Object.entries(memories)) {
        memory.set(Buffer.from('hello'), 5);
        const length = cipher.sealInto(memory.subarray(5, 10), memory, 15);
        assert.equal(cipher.openInto(memory.subarray(15, 15 + length), memory), 5, name);
        assert.equal(Buffer.from(memory.subarray(0, 5)).toString(), 'hello', name);
      }
    });

    test('a closed cipher refuses to work, and closing it twice is harmless', () => {
      const closing = createCipher(key, { implementation });
      closing.close();
      closing.close();
      assert.throws(() => closing.seal(Buffer.alloc(1)), UsageError);
      assert.throws(() => closing.open(helloEnvelope), UsageError);
    });

    test('refuses keys with a part that is all zero or of the wrong length', () => {
      for (const part of ['encrypt', 'macK', 'macR'] as const) {
        const zero = { ...key, [part]: Buffer.alloc(key[part].byteLength) };
        const short = { ...key, [part]: randomBytes(key[part].byteLength - 1) };
        assert.throws(() => createCipher(zero, { implementation }), isCorrupt);
        assert.throws(() => createCipher(short, { implementation }), isCorrupt);
      }
    });
  });
}

test('each implementation opens what the other seals, at sizes from 0 to 9 MiB', async (t) => {
  const largest = 9 * 1024 * 1024;
  const data = randomBytes(largest);
  const edges = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, largest];
  const roundTrip = (size: number): void => {
    const [native, portable] = ciphers({
      encrypt: randomBytes(32),
      macK: randomBytes(16),
      macR: randomBytes(16),
    });
    const plaintext = data.subarray(largest - size);
    assert.ok(portable.open(native.seal(plaintext)).equals(plaintext), `native to portable, ${size} bytes`);
    assert.ok(native.open(portable.seal(plaintext)).equals(plaintext), `portable to native, ${size} bytes`);
    native.close();
  };
  edges.forEach(roundTrip);
  await forEachSeed(t, scaled(20, 400), (seed) => {
    const random = createRandom(seed);
    roundTrip(random.below(2 ** random.between(1, 23)));
  });
});

test('100,000 small seals and 20,000 closed ciphers leave memory flat', () => {
  const [native] = ciphers(key);
  const plaintext = Buffer.alloc(100);
  const out = Buffer.alloc(132);
  const work = (): void => {
    for (let i = 0; i < 50_000; i++) native.sealInto(plaintext, out, 0);
    for (let i = 0; i < 10_000; i++) createCipher(key).close();
  };
  work();
  const before = process.memoryUsage.rss();
  work();
  const growthBytes = process.memoryUsage.rss() - before;
  assert.ok(growthBytes < 16 * 1024 * 1024, `grew by ${growthBytes} bytes`);
});

function ciphers(masterKey: MasterKey) {
  const make = (implementation: CipherImplementation) => createCipher(masterKey, { implementation });
  return [make('native'), make('portable')] as const;
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';

import { RepositoryError } from '../../../src/base/errors.ts';
import { createCipher } from '../../../src/repository/crypto/open-cipher.ts';
import {
  deriveKey,
  generateMasterKey,
  unwrapMasterKey,
  wrapMasterKey,
} from '../../../src/repository/crypto/password-key.ts';
import type { ScryptCost } from '../../../src/repository/crypto/password-key.ts';
import { calibrateScrypt } from '../../../src/repository/crypto/scrypt-calibration.ts';

const weak: ScryptCost = { N: 2, r: 8, p: 1 };
const countingSalt = Buffer.from(Array.from({ length: 64 }, (_, i) => i));

function hasCode(code: string) {
  return (error: unknown): boolean => error instanceof RepositoryError && error.code === code;
}

describe('deriveKey', () => {
  test('gives the published key', async () => {
    const key = await deriveKey('static-passw0rd', { N: 16384, r: 8, p: 1, salt: countingSalt });
    const hex = [key.encrypt, key.macK, key.macR].map((part) => Buffer.from(part).toString('hex'));
    assert.deepEqual(hex, [
      '37f27be77eb6886ba5b4eb4878eb4a6e5e74c3f9d4012c3e6b992389ac90550f',
      '3269433de6756569892cbd979ec8655d',
      '5d416ed5c84f856bb1c9a90fa45a2de5',
    ]);
  });

  test("accepts the 64 MiB of old repositories, which Node's default refuses", async () => {
    const key = await deriveKey('old', { N: 65536, r: 8, p: 1, salt: countingSalt });
    assert.equal(key.encrypt.byteLength, 32);
  });

  test('refuses parameters that scrypt does not allow, without a bare exception of Node', async () => {
    const impossible = [
      { N: 0, r: 8, p: 1 },
      { N: 1, r: 8, p: 1 },
      { N: 3, r: 8, p: 1 },
      { N: 2.5, r: 8, p: 1 },
      { N: Number.NaN, r: 8, p: 1 },
      { N: -16384, r: 8, p: 1 },
      { N: 2, r: 2 ** 15, p: 2 ** 15 },
    ];
    for (const cost of impossible) {
      await assert.rejects(deriveKey('p', { ...cost, salt: countingSalt }), hasCode('unsupported'));
    }
  });

  test('stops at a signal', async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(deriveKey('p', { ...weak, salt: countingSalt }, { signal }), {
      name: 'CancelledError',
    });
  });
});

describe('the wrapped master key', () => {
  test('opens with its password, in Unicode or empty, and with no other', async () => {
    for (const password of ['correct horse', '', 'pässwörd 🔑', ' trailing ']) {
      const masterKey = generateMasterKey();
      const wrapped = await wrapMasterKey(masterKey, password, { cost: weak });
      assert.equal(wrapped.salt.byteLength, 64);
      assert.deepEqual(await unwrapMasterKey(wrapped, password), masterKey);
      assert.equal(await unwrapMasterKey(wrapped, `${password}x`), undefined);
    }
  });

  test('has a fresh salt and other bytes each time', async () => {
    const masterKey = generateMasterKey();
    const first = await wrapMasterKey(masterKey, 'p', { cost: weak });
    const second = await wrapMasterKey(masterKey, 'p', { cost: weak });
    assert.notDeepEqual(first.salt, second.salt);
    assert.notDeepEqual(first.data, second.data);
  });

  test('does not open with any byte of it flipped', async () => {
    const wrapped = await wrapMasterKey(generateMasterKey(), 'p', { cost: weak });
    for (let i = 0; i < wrapped.data.byteLength; i++) {
      const data = Buffer.from(wrapped.data);
      data[i] = (data[i] ?? 0) ^ 0x10;
      assert.equal(await unwrapMasterKey({ ...wrapped, data }, 'p'), undefined, `byte ${i}`);
    }
  });

  test('is corrupt, not a wrong password, when no password could open it', async () => {
    const wrapped = await wrapMasterKey(generateMasterKey(), 'p', { cost: weak });
    for (const length of [0, 31, 32]) {
      const short = { ...wrapped, data: wrapped.data.subarray(0, length) };
      await assert.rejects(unwrapMasterKey(short, 'p'), hasCode('corrupt'));
    }
  });

  test('is corrupt when it opens but holds no master key, and the error does not quote it', async () => {
    const salt = randomBytes(64);
    const cipher = createCipher(await deriveKey('p', { ...weak, salt }));
    const b16 = Buffer.alloc(16, 1).toString('base64');
    const zero32 = Buffer.alloc(32).toString('base64');
    const secrets = [
      'secret',
      '',
      'null',
      '[]',
      '{"mac":{},"encrypt":"secret"}',
      `{"mac":{"k":"${b16}","r":"${b16}"},"encrypt":"${b16}"}`,
      `{"mac":{"k":"${b16}","r":"${b16}"},"encrypt":"${zero32}"}`,
      `{"mac":{"k":"${b16}","r":7},"encrypt":"${zero32}"}`,
      `{"__proto__":{"mac":{"k":"${b16}","r":"${b16}"},"encrypt":"secret"}}`,
    ];
    for (const secret of secrets) {
      const wrapped = { ...weak, salt, data: cipher.seal(Buffer.from(secret || ' ')) };
      await assert.rejects(unwrapMasterKey(wrapped, 'p'), (error: unknown) => {
        assert.ok(hasCode('corrupt')(error) && error instanceof Error);
        assert.ok(!error.message.includes('secret') && error.cause === undefined);
        return true;
      });
    }
  });
});

describe('calibrateScrypt', () => {
  /** A machine that needs `perUnitMs` for N = 2^14 with p = 1. */
  const machine = (perUnitMs: number) => ({
    measure: (cost: ScryptCost) => Promise.resolve((perUnitMs * cost.N * cost.p) / 2 ** 14),
  });

  test('fills half a second, with 32 MiB of memory where there is time for it', async () => {
    assert.deepEqual(await calibrateScrypt(machine(30)), { N: 2 ** 15, r: 8, p: 8 });
    assert.deepEqual(await calibrateScrypt(machine(250)), { N: 2 ** 15, r: 8, p: 1 });
    assert.deepEqual(await calibrateScrypt(machine(251)), { N: 2 ** 14, r: 8, p: 1 });
  });

  test("is never weaker than restic's default, however slow the machine", async () => {
    assert.deepEqual(await calibrateScrypt(machine(60_000)), { N: 2 ** 14, r: 8, p: 1 });
  });

  test('stays within what every opener accepts, however fast the machine', async () => {
    const cost = await calibrateScrypt(machine(0));
    assert.deepEqual(cost, { N: 2 ** 15, r: 8, p: 64 });
    assert.ok(cost.N * cost.r * cost.p <= 2 ** 24);
  });

  test('measures this machine when asked for nothing else, and the key opens', async () => {
    const masterKey = generateMasterKey();
    const wrapped = await wrapMasterKey(masterKey, 'p');
    assert.ok(wrapped.N >= 2 ** 14 && wrapped.r === 8 && wrapped.p >= 1);
    assert.deepEqual(await unwrapMasterKey(wrapped, 'p'), masterKey);
  });
});

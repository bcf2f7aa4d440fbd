import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RepositoryError } from '../../../src/base/errors.ts';
import {
  decodeKeyFile,
  decodeMasterKey,
  encodeKeyFile,
  encodeMasterKey,
  maximumKeyFileBytes,
} from '../../../src/repository/format/key-file.ts';
import type { KeyFile } from '../../../src/repository/format/key-file.ts';
import { throwsCode } from '../../support/error-code.ts';

const where = 'keys/abc';
const key: KeyFile = {
  created: '2023-11-14T22:13:20.12-05:00',
  username: 'u<',
  hostname: 'h',
  N: 32_768,
  r: 8,
  p: 5,
  salt: Buffer.alloc(64, 1),
  data: Buffer.alloc(120, 2),
};
const text =
  '{"created":"2023-11-14T22:13:20.12-05:00","username":"u\\u003c","hostname":"h","kdf":"scrypt","N":32768,"r":8,"p":5,' +
  `"salt":"${Buffer.alloc(64, 1).toString('base64')}","data":"${Buffer.alloc(120, 2).toString('base64')}"}`;

function decode(json: string, allowCostly = false): KeyFile {
  return decodeKeyFile(Buffer.from(json), where, { allowCostly });
}

describe('a key file', () => {
  it('is the JSON that restic writes', () => {
    assert.equal(encodeKeyFile(key).toString(), text);
    assert.deepEqual(decode(text), key);
  });

  it("may lack user and host, as rustic's", () => {
    const decoded = decode(text.replace(/"created".*"kdf"/, '"kdf"'));
    assert.equal(decoded.username, '');
    assert.equal(decoded.hostname, '');
  });

  it('of old repositories has N of 65536', () =>
    assert.equal(decode(text.replace('32768', '65536')).N, 65_536));

  it('is not written with another salt', () => {
    throwsCode('invalid-argument', () => encodeKeyFile({ ...key, salt: Buffer.alloc(32) }));
  });
});

describe('a hostile key file', () => {
  const salt = key.salt.length === 64 ? Buffer.alloc(64, 1).toString('base64') : '';
  const corrupted: Readonly<Record<string, string>> = {
    nothing: '',
    'truncated text': text.slice(0, -10),
    'an array': '[]',
    'no derivation': text.replace('"kdf":"scrypt",', ''),
    'N of 0': text.replace('32768', '0'),
    'N of 1': text.replace('32768', '1'),
    'N that is no power of two': text.replace('32768', '32767'),
    'N that is negative': text.replace('32768', '-2'),
    'N that is a fraction': text.replace('32768', '0.5'),
    'N that is infinite': text.replace('32768', '1e999'),
    'N that is text': text.replace('32768', '"32768"'),
    'r of 0': text.replace('"r":8', '"r":0'),
    'p of 0': text.replace('"p":5', '"p":0'),
    'r*p of 2^30': text.replace('"r":8,"p":5', '"r":32768,"p":32768'),
    'no salt': text.replace(`"salt":"${salt}",`, ''),
    'a short salt': text.replace(salt, 'AAAA'),
    'a salt that is no base64': text.replace(salt, `${salt.slice(0, -1)}!`),
    'data shorter than an envelope': text.replace(
      /"data":"[^"]*"/,
      `"data":"${Buffer.alloc(32).toString('base64')}"`,
    ),
    'data that is no text': text.replace(/"data":"[^"]*"/, '"data":[1,2]'),
    'a time that is none': text.replace('2023-11', '2023-13'),
    'members in the prototype': `{"__proto__":${text}}`,
    'a file too large': text.replace('{', `{${' '.repeat(maximumKeyFileBytes)}`),
  };
  for (const [what, json] of Object.entries(corrupted)) {
    it(`is refused with ${what}`, () => throwsCode('corrupt', () => decode(json), where));
  }

  const unsupported: Readonly<Record<string, string>> = {
    'another derivation': text.replace('scrypt', 'argon2'),
    'N of 2^31': text.replace('32768', '2147483648'),
    'memory above 256 MiB': text.replace('32768', '524288'),
    'p of 2^20': text.replace('"p":5', '"p":1048576'),
    'r of 2^20': text.replace('"r":8', '"r":1048576'),
  };
  for (const [what, json] of Object.entries(unsupported)) {
    it(`is refused with ${what}`, () => throwsCode('unsupported', () => decode(json), where));
  }

  it('with unusual costs is taken on demand, within bounds', () => {
    assert.equal(decode(text.replace('32768', '524288'), true).N, 524_288);
    throwsCode('unsupported', () => decode(text.replace('32768', '2147483648'), true));
  });
});

describe('a master key', () => {
  const masterKey = { encrypt: Buffer.alloc(32, 1), macK: Buffer.alloc(16, 2), macR: Buffer.alloc(16, 3) };
  const json =
    '{"mac":{"k":"AgICAgICAgICAgICAgICAg==","r":"AwMDAwMDAwMDAwMDAwMDAw=="},' +
    '"encrypt":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}';

  it('is the JSON that restic seals', () => {
    assert.equal(encodeMasterKey(masterKey).toString(), json);
    assert.deepEqual(decodeMasterKey(Buffer.from(json), where), masterKey);
  });

  const zero = Buffer.alloc(16).toString('base64');
  const hostile = [
    '',
    '{}',
    '[]',
    json.slice(1),
    json.replace('AgICAgICAgICAgICAgICAg==', 'AgIC'),
    json.replace('AgICAgICAgICAgICAgICAg==', zero),
    json.replace('"mac"', '"__proto__"'),
  ];
  for (const [index, bad] of hostile.entries()) {
    it(`is refused when damaged (${index}), without a word of it in the error`, () => {
      assert.throws(
        () => decodeMasterKey(Buffer.from(bad), where),
        (error) =>
          error instanceof RepositoryError &&
          error.code === 'corrupt' &&
          error.cause === undefined &&
          !error.message.includes('AQEB'),
      );
    });
  }

  it('that is all zero is not written', () => {
    throwsCode('invalid-argument', () => encodeMasterKey({ ...masterKey, encrypt: Buffer.alloc(32) }));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeLockFile, encodeLockFile } from '../../../src/repository/format/lock-file.ts';
import { throwsCode } from '../../support/error-code.ts';

const where = 'locks/abc';
const text =
  '{"time":"2023-11-14T22:13:20.12-05:00","exclusive":true,"hostname":"h\\u0026","username":"u","pid":42,"uid":1000,"gid":1001}';

describe('a lock file', () => {
  it('is the JSON that restic writes', () => {
    const lock = decodeLockFile(Buffer.from(text), where);
    assert.deepEqual(lock, {
      time: '2023-11-14T22:13:20.12-05:00',
      exclusive: true,
      hostname: 'h&',
      username: 'u',
      pid: 42,
      uid: 1000,
      gid: 1001,
    });
    assert.equal(encodeLockFile(lock).toString(), text);
  });

  it("leaves root's 0 out", () => {
    const rootText = '{"time":"2023-11-14T22:13:20Z","exclusive":false,"hostname":"","username":"","pid":1}';
    const lock = decodeLockFile(Buffer.from(rootText), where);
    assert.equal(lock.uid, 0);
    assert.equal(encodeLockFile(lock).toString(), rootText);
  });

  const hostile = [
    '',
    '{',
    '[]',
    'null',
    '{}',
    text.replace('true', '"yes"'),
    text.replace('true', '1'),
    text.replace(/"time":"[^"]*"/, '"time":0'),
    text.replace('2023-11', '2023-13'),
    text.replace('42', '-1'),
    text.replace('42', '1e999'),
    text.replace('1000', '4294967296'),
    text.replace('"u"', '[]'),
    `{"__proto__":${text}}`,
  ];
  for (const bad of hostile) {
    it(`is refused as ${bad.slice(0, 60)}`, () => {
      throwsCode('corrupt', () => decodeLockFile(Buffer.from(bad), where), where);
    });
  }
});

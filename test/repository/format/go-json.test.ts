import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { jsonString, jsonStringOfBytes, jsonValue } from '../../../src/repository/format/go-json.ts';
import { throwsCode } from '../../support/error-code.ts';
import { checkProperty } from '../../support/property.ts';

describe('a JSON string', () => {
  it('has the escapes of Go', () => {
    assert.equal(
      jsonString('"\\/\b\f\n\r\t\u0000\u001f\u007f<>&'),
      '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u007f\\u003c\\u003e\\u0026"',
    );
    assert.equal(jsonString('\u2028\u2029\u202a\u00a0é😀\ufffd'), '"\\u2028\\u2029\u202a\u00a0é😀\ufffd"');
  });

  it('has U+FFFD, escaped, for a lone surrogate', () => {
    assert.equal(jsonString('a\ud800b\udc00'), '"a\\ufffdb\\ufffd"');
  });

  it('has U+FFFD, escaped, for each byte that is not UTF-8', () => {
    assert.equal(jsonStringOfBytes(Buffer.from('74ff', 'hex')), '"t\\ufffd"');
    assert.equal(
      jsonStringOfBytes(Buffer.from('e28261eda080f09f98', 'hex')),
      `"${'\\ufffd'.repeat(2)}a${'\\ufffd'.repeat(6)}"`,
    );
    assert.equal(jsonStringOfBytes(Buffer.from('\ufffd<é')), '"\ufffd\\u003cé"');
  });

  it('parses back to the same text', (t) => {
    checkProperty(
      t,
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(JSON.parse(jsonString(text)), text);
        assert.equal(jsonStringOfBytes(Buffer.from(text)), jsonString(text));
      }),
    );
  });
});

describe('a JSON value', () => {
  it('parses back to the same value', (t) => {
    checkProperty(
      t,
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        assert.equal(JSON.stringify(JSON.parse(jsonValue(value))), JSON.stringify(value));
      }),
    );
  });

  it('keeps the order of keys and a key named __proto__', () => {
    const text = '{"z":1,"__proto__":{"a":[null,true,"<"]},"b":-1.5}';
    assert.equal(jsonValue(JSON.parse(text)), text.replace('<', '\\u003c'));
  });

  it('is refused where JSON has no form for it', () => {
    for (const value of [Number.NaN, Infinity, undefined, 1n, () => 1, Symbol('x'), [undefined]]) {
      throwsCode('invalid-argument', () => jsonValue(value));
    }
  });

  it('is refused when nested too deep, instead of a stack overflow', () => {
    throwsCode('invalid-argument', () => jsonValue(JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { jsonString } from '../../../src/repository/format/go-json.ts';
import { quoteName, unquoteName } from '../../../src/repository/format/go-quote.ts';
import { throwsCode } from '../../support/error-code.ts';
import { checkProperty } from '../../support/property.ts';

/** Name in hex, and what `strconv.Quote` of Go 1.26 makes of it. */
const quoted: readonly (readonly [string | Buffer, string])[] = [
  ['plain.txt', 'plain.txt'],
  ["it's `here`", "it's `here`"],
  ['quote"back\\slash', 'quote\\"back\\\\slash'],
  ['\u0007\b\f\n\r\t\v', '\\a\\b\\f\\n\\r\\t\\v'],
  ['\u001b\u0001\u007f', '\\x1b\\x01\\x7f'],
  [Buffer.from('62616420ffc3757466', 'hex'), 'bad \\xff\\xc3utf'],
  ['\u0085\u00a0\u00ad', '\\u0085\\u00a0\\u00ad'],
  ['\u200b\u2028\u3000\ufeff', '\\u200b\\u2028\\u3000\\ufeff'],
  ['\ue000\u0378\u{e0001}\u{10ffff}', '\\ue000\\u0378\\U000e0001\\U0010ffff'],
  ['é\u0301\ufffd😀日', 'é\u0301\ufffd😀日'],
  [Buffer.from('eda080', 'hex'), '\\xed\\xa0\\x80'],
  [Buffer.from('c0afe282f09f98', 'hex'), '\\xc0\\xaf\\xe2\\x82\\xf0\\x9f\\x98'],
  [Buffer.from('f4908080e08080', 'hex'), '\\xf4\\x90\\x80\\x80\\xe0\\x80\\x80'],
];

describe('a quoted name', () => {
  for (const [name, text] of quoted) {
    it(`is ${text}`, () => {
      const bytes = Buffer.from(name);
      assert.equal(quoteName(bytes), text);
      assert.deepEqual(unquoteName(text), bytes);
    });
  }

  it('in JSON is the text that restic writes', () => {
    assert.equal(jsonString(quoteName(Buffer.from('<a>&b'))), '"\\u003ca\\u003e\\u0026b"');
    assert.equal(jsonString(quoteName(Buffer.from('bad \xff\xc3utf', 'latin1'))), '"bad \\\\xff\\\\xc3utf"');
    assert.equal(jsonString(quoteName(Buffer.from('quote"back\\slash'))), '"quote\\\\\\"back\\\\\\\\slash"');
    assert.equal(jsonString(quoteName(Buffer.from('\u2028'))), '"\\\\u2028"');
  });

  it('escapes characters that Unicode assigned after 15.0, as Go does', () => {
    assert.equal(quoteName(Buffer.from('\u{1c89}\u{1fae9}\u{2ebf0}')), '\\u1c89\\U0001fae9\\U0002ebf0');
    assert.equal(quoteName(Buffer.from('\u{1fae8}\u{2ebe0}')), '\u{1fae8}\u{2ebe0}');
  });

  it('takes any Uint8Array', () => {
    assert.equal(quoteName(new Uint8Array([0x78, 0x61, 0xff]).subarray(1)), 'a\\xff');
  });
});

describe('unquoting', () => {
  it('takes every escape of Go', () => {
    assert.deepEqual(unquoteName('\\101\\x41\\u0041\\U00000041\\377'), Buffer.from('AAAA\xff', 'latin1'));
    assert.deepEqual(unquoteName('\\xC3\\xa9 é'), Buffer.from('é é'));
    assert.deepEqual(unquoteName(''), Buffer.alloc(0));
  });

  const refused = [
    '\\',
    'a\\',
    '\\q',
    "\\'",
    '\\x4',
    '\\xg0',
    '\\u123',
    '\\U0000004',
    '\\U00110000',
    '\\Uffffffff',
    '\\ud800',
    '\\U0000dfff',
    '\\400',
    '\\18',
    '\\8',
    'raw"quote',
    'raw\nline',
  ];
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      throwsCode('corrupt', () => unquoteName(text, 'tree x'), 'tree x');
    });
  }

  it('gives back the bytes of any name', (t) => {
    checkProperty(
      t,
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = quoteName(bytes);
        assert.ok(text.isWellFormed());
        assert.deepEqual(unquoteName(text), Buffer.from(bytes));
      }),
    );
  });

  it('gives back the bytes of any text', (t) => {
    checkProperty(
      t,
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        assert.equal(unquoteName(quoteName(Buffer.from(name))).toString(), name);
      }),
    );
  });

  it('throws nothing but RepositoryError on any text', (t) => {
    const piece = fc.constantFrom('\\', 'x', 'u', 'U', '0', '7', 'f', 'n', '"', "'", 'é', '\ud800', '\u0000');
    checkProperty(
      t,
      fc.property(fc.array(piece), (pieces) => {
        try {
          unquoteName(pieces.join(''));
        } catch (error) {
          throwsCode('corrupt', () => {
            throw error;
          });
        }
      }),
    );
  });
});

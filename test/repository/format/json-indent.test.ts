import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { indentJson } from '../../../src/repository/format/json-indent.ts';
import { checkProperty } from '../../support/property.ts';

it('is what JSON.stringify makes with two spaces', (t) => {
  const property = fc.property(fc.jsonValue(), fc.boolean(), (value, isSpaced) => {
    const text = isSpaced ? JSON.stringify(value, null, '\t') : JSON.stringify(value);
    assert.equal(indentJson(text), JSON.stringify(JSON.parse(text), null, 2));
  });
  checkProperty(t, property);
});

it('leaves numbers and escapes as they stand', () => {
  const text = '{"a":18446744073709551615,"b":"\\u003c\\"{[,:","c":[],"d":{},"e":1.0e5}';
  assert.equal(
    indentJson(text),
    '{\n  "a": 18446744073709551615,\n  "b": "\\u003c\\"{[,:",\n  "c": [],\n  "d": {},\n  "e": 1.0e5\n}',
  );
});

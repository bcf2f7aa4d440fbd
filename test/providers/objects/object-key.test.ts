import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkKey, checkPrefix, compareKeys, isValidKey } from '../../../src/providers/objects/object-key.ts';

const seed = Number(process.env.TRANSHIP_SEED ?? 20260101);
const numRuns = process.env.TRANSHIP_TEST_SCALE === 'full' ? 20_000 : 500;

const segment = fc
  .string({ unit: fc.constantFrom(...'aZ09._-'.split('')), minLength: 1, maxLength: 12 })
  .filter((text) => text !== '.' && text !== '..');
const validKey = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => segments.join('/'));

test(`every beginning of a valid key is a valid prefix, TRANSHIP_SEED=${seed}`, () => {
  fc.assert(
    fc.property(validKey, fc.nat(80), (key, length) => {
      checkKey(key);
      checkPrefix(key.slice(0, length));
    }),
    { seed, numRuns },
  );
});

test(`a valid key stays below its root, whatever the text, TRANSHIP_SEED=${seed}`, () => {
  const text = fc.string({ unit: fc.constantFrom(...'./\\\0a-'.split('')), maxLength: 8 });
  fc.assert(
    fc.property(text, (key) => {
      if (!isValidKey(key)) return;
      assert.match(new URL(key, 'file:///folder/').pathname, /^\/folder\/./);
    }),
    { seed, numRuns },
  );
});

test(`keys sort by their bytes, TRANSHIP_SEED=${seed}`, () => {
  fc.assert(
    fc.property(validKey, validKey, (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { seed, numRuns },
  );
});

test('a refused key is shown shortened and escaped', () => {
  assert.throws(() => checkKey('a\nb'), /"a\\nb"/);
  assert.throws(
    () => checkKey('x'.repeat(2000)),
    (error: Error) => error.message.length < 250,
  );
});

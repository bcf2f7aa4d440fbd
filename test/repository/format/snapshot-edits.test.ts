import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { replaceTags } from '../../../src/repository/format/snapshot-edits.ts';
import { decodeSnapshot } from '../../../src/repository/format/snapshot.ts';
import { checkProperty } from '../../support/property.ts';

const original = 'ab'.repeat(32);
const tree = '12'.repeat(32);
const replaced = (json: string, tags: readonly string[] = ['new']): string =>
  replaceTags(Buffer.from(json), tags, original).toString();

describe('replaceTags', () => {
  it('puts both members where restic has them', () => {
    const before = `{"time":"2026-01-01T00:00:00Z","tree":"${tree}","paths":["/"],"program_version":"x","summary":{"a":1}}`;
    const after = `{"time":"2026-01-01T00:00:00Z","tree":"${tree}","paths":["/"],"tags":["a","b"],"original":"${original}","program_version":"x","summary":{"a":1}}`;
    assert.equal(replaced(before, ['a', 'b']), after);
    assert.equal(replaced(after, ['a', 'b']), after);
    assert.equal(replaced(after, []), after.replace('"tags":["a","b"],', ''));
  });

  it('keeps numbers that JavaScript cannot hold, white space and nested members as they are', () => {
    const kept = [
      '"big":12345678901234567890123',
      '"float" : 1.0e2',
      '"tranship":{"tags":["inner"],"original":[{"x":"},{"}]}',
      '"text":"\\"tags\\":[\\\\"',
      '"ü\\u0000":"ÿ"',
    ];
    const text = replaced(`{ "tags" : [ "old" , "]" ] ,\n${kept.join(' ,\n\t')},"original":"x"}\n`);
    for (const member of kept) assert.ok(text.includes(member), `${member} in ${text}`);
    assert.ok(!text.includes('old'));
    assert.deepEqual(JSON.parse(text).tags, ['new']);
    assert.equal(JSON.parse(text).original, original);
  });

  it('takes out members that are named by escapes, and those of bytes that are no UTF-8 stay', () => {
    assert.equal(JSON.parse(replaced('{"\\u0074ags":["old"],"a":1}')).tags[0], 'new');
    const bytes = Buffer.from('{"a":"\xff\xfe"}', 'latin1');
    assert.ok(replaceTags(bytes, ['ü'], original).includes(Buffer.from([0xff, 0xfe])));
    assert.ok(replaceTags(bytes, ['ü'], original).includes(Buffer.from('ü')));
  });

  it('changes nothing else in any document', (t) => {
    const document = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue(), { maxKeys: 6 });
    checkProperty(
      t,
      fc.property(document, fc.array(fc.string()), fc.boolean(), (extra, tags, isSpaced) => {
        const { tags: _tags, original: _original, ...others } = extra;
        const json = JSON.stringify({ ...others, tags: ['x'] }, undefined, isSpaced ? 1 : 0);
        const after: unknown = JSON.parse(replaced(json, tags));
        const expected: unknown = JSON.parse(
          JSON.stringify({ ...others, ...(tags.length === 0 ? {} : { tags }), original }),
        );
        assert.deepEqual(after, expected);
      }),
    );
  });

  it('makes a sound snapshot', () => {
    const json = `{"time":"2026-01-01T00:00:00Z","tree":"${tree}","paths":["/"]}`;
    const snapshot = decodeSnapshot(replaceTags(Buffer.from(json), ['a'], original), 'snapshots/x');
    assert.deepEqual([snapshot.tags, snapshot.original], [['a'], original]);
  });
});

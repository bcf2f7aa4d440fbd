import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'node:test';
import { DiskError } from '../../../../src/base/errors.ts';
import { azureTags, hasTags, tagsOf } from '../../../../src/providers/disks/azure-disk/tags.ts';

describe('tags of Azure', () => {
  it('come back as they were given, and have no character that Azure refuses', () => {
    const key = fc.string({
      unit: fc.constantFrom(...Array.from('ab/<>%&\\?:^3e')),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 5, selector: (text) => text.toLowerCase() }), (keys) => {
        const tags = Object.fromEntries(keys.map((name, index) => [name, `value/${index}`]));
        const given = azureTags(tags);
        assert.ok(Object.keys(given).every((name) => !/[<>%&\\?/]/.test(name)));
        assert.deepEqual(tagsOf(given), tags);
      }),
    );
  });

  it('are readable where only a slash is in the way', () => {
    assert.deepEqual(azureTags({ 'tranship/plan': 'a/b' }), { 'tranship:plan': 'a/b' });
    assert.deepEqual(tagsOf({ 'kubernetes.io-created-for-pvc-name': 'data', 'a^b': '1' }), {
      'kubernetes.io-created-for-pvc-name': 'data',
      'a^b': '1',
    });
    assert.deepEqual(tagsOf(undefined), {});
  });

  it('are refused where Azure would refuse or mix them', () => {
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`${index}`, '']));
    const wrong = [
      many,
      { ['a'.repeat(513)]: '' },
      { a: 'b'.repeat(257) },
      { Team: '1', team: '2' },
      { '': '1' },
    ];
    for (const tags of wrong) {
      assert.throws(
        () => azureTags(tags),
        (error) => error instanceof DiskError && error.code === 'invalid-argument',
      );
    }
    assert.equal(Object.keys(azureTags({ ['a'.repeat(512)]: 'b'.repeat(256) })).length, 1);
  });

  it('are compared as Azure does: keys without regard to case, values with', () => {
    assert.ok(hasTags({ Team: 'blue', n: '1' }, { team: 'blue' }));
    assert.ok(!hasTags({ Team: 'blue' }, { team: 'Blue' }));
    assert.ok(!hasTags({}, { team: 'blue' }));
    assert.ok(hasTags({}, {}));
  });
});

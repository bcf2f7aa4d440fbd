/** Tags as labels and description: what is put there is found again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DiskError } from '../../../../src/base/errors.ts';
import { operationTag } from '../../../../src/providers/disks/driver.ts';
import { labelFilter, labelled, tagsOf } from '../../../../src/providers/disks/gce-disk/labels.ts';
import { parseFilter } from '../../../support/disks/compute-filter.ts';
import { checkProperty } from '../../../support/property.ts';

describe('labels of Google disks', () => {
  it('hold what fits their alphabet, and the description the rest', () => {
    const tags = {
      [operationTag]: 'op-1',
      team: 'blue',
      'Cost Centre': '4711',
      'tranship/volume': 'shop/Data',
    };
    const { labels, description } = labelled(tags, 'somewhere');
    assert.deepEqual(labels, { 'tranship-operation': 'op-1', team: 'blue' });
    assert.deepEqual(JSON.parse(description), { 'Cost Centre': '4711', 'tranship/volume': 'shop/Data' });
    assert.deepEqual(tagsOf({ labels, description }), tags);
    assert.equal(labelFilter(tags), '(labels.tranship-operation = "op-1") (labels.team = "blue")');
    assert.equal(labelFilter({ Name: 'X' }), undefined);
  });

  it('of others are tags as they are, and words in a description are none', () => {
    const found = { labels: { 'goog-gke-volume': '', under_score: 'x' }, description: 'my "best" disk' };
    assert.deepEqual(tagsOf(found), { 'goog-gke-volume': '', under_score: 'x' });
  });

  it('keep apart a key of ours and one that only looks like it', () => {
    const tags = { 'tranship/plan': 'a', 'tranship-plan': 'b' };
    assert.deepEqual(tagsOf(labelled(tags, 'somewhere')), tags);
  });

  it('and all other tags come back as they were', (t) => {
    const text = fc.oneof(fc.stringMatching(/^[a-z0-9_/-]{0,20}$/), fc.string({ maxLength: 20 }));
    const key = fc
      .oneof(
        text.map((name) => `tranship/${name}`),
        text,
      )
      .filter((name) => name !== '__proto__');
    checkProperty(
      t,
      fc.property(fc.dictionary(key, text, { maxKeys: 12 }), (tags) => {
        const found = labelled(tags, 'somewhere');
        assert.deepEqual(tagsOf(found), { ...tags });
        const filter = labelFilter(tags);
        if (filter !== undefined) assert.ok(parseFilter(filter)?.(found), filter);
      }),
    );
  });

  it('are at most 64, ours before others', () => {
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`label-${index}`, 'x']));
    const tags = { ...many, [operationTag]: 'op-1' };
    const found = labelled(tags, 'somewhere');
    assert.equal(Object.keys(found.labels).length, 64);
    assert.equal(found.labels['tranship-operation'], 'op-1');
    assert.deepEqual(tagsOf(found), tags);
  });

  it('that do not fit are refused with what to do', () => {
    assert.throws(
      () => labelled({ Note: 'x'.repeat(3000) }, 'disk-1'),
      (error) =>
        error instanceof DiskError &&
        error.code === 'invalid-argument' &&
        /leave some out/.test(error.message),
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { idOf, keyOf, namedFileKinds, prefixOf } from '../../../src/repository/format/file-kind.ts';

const id = `ab${'0'.repeat(62)}`;

describe('the key of a repository file', () => {
  it('is the folder of its kind and its id, packs sharded by two digits', () => {
    assert.equal(keyOf('data', id), `data/ab/${id}`);
    assert.equal(keyOf('snapshots', id), `snapshots/${id}`);
    for (const kind of namedFileKinds) {
      assert.ok(keyOf(kind, id).startsWith(prefixOf(kind)));
      assert.equal(idOf(kind, keyOf(kind, id)), id);
    }
  });

  const strangers = [
    'locks/',
    `locks/${id.toUpperCase()}`,
    `locks/${id.slice(1)}`,
    `locks/${id}0`,
    `locks/${id}-tmp-123`,
    `locks/sub/${id}`,
    `lock/${id}`,
    `keys/${id}`,
    id,
    '',
  ];
  for (const key of strangers) {
    it(`is not ${JSON.stringify(key)}`, () => assert.equal(idOf('locks', key), undefined));
  }

  it('is not a pack in the folder of another', () => {
    assert.equal(idOf('data', `data/ac/${id}`), undefined);
    assert.equal(idOf('data', `data/${id}`), undefined);
  });
});

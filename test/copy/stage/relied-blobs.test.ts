import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReliedBlobs } from '../../../src/copy/stage/relied-blobs.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { sha256 } from '../../repository/small-repository.ts';

describe('the blobs that a snapshot relies on', () => {
  it('are told once each, also from the thirty-second row on', () => {
    const blobs = BlobIndex.create();
    const ids = Array.from({ length: 100 }, (_, number) => sha256(Buffer.from(`blob ${number}`)));
    for (const id of ids) blobs.claim('data', id);
    const all = new ReliedBlobs(blobs);
    const some = new ReliedBlobs(blobs);
    for (const [number, id] of ids.entries()) {
      all.add('data', id);
      if (number % 31 === 0) some.add('data', id);
    }
    const rowsOf = (wanted: readonly string[]): number[] =>
      wanted.map((id) => blobs.rowOf('data', id)).toSorted((a, b) => a - b);
    // A generator that did not end would fill the memory: one row more than there are is enough to see it.
    assert.deepEqual([...all.rows().take(ids.length + 1)], rowsOf(ids));
    assert.deepEqual(
      [...some.rows().take(ids.length + 1)],
      rowsOf(ids.filter((_, number) => number % 31 === 0)),
    );
  });
});

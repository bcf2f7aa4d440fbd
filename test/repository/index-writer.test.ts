import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IndexedPack } from '../../src/repository/format/blob.ts';
import { IndexWriter } from '../../src/repository/index-writer.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import { repositoryInMemory } from './lock-fixtures.ts';
import { sha256 } from './small-repository.ts';

const minuteMs = 60_000;
let made = 0;

function pack(blobs: number): IndexedPack {
  const name = `pack ${made++}`;
  return {
    id: sha256(Buffer.from(name)),
    blobs: Array.from({ length: blobs }, (_, i) => ({
      id: sha256(Buffer.from(`${name}, blob ${i}`)),
      type: 'data' as const,
      offset: i * 40,
      length: 40,
      uncompressedLength: undefined,
    })),
  };
}

describe('an index writer', () => {
  it('writes a file when 50,000 blobs have come together', async () => {
    const { repository } = await repositoryInMemory();
    const writer = new IndexWriter(repository);
    for (let i = 0; i < 49; i++) await writer.add(pack(1000));
    await writer.add(pack(999));
    assert.deepEqual(writer.fileIds, []);
    const last = pack(1);
    await writer.add(last);
    assert.equal(writer.fileIds.length, 1);
    assert.deepEqual(await repository.listIds('index'), writer.fileIds);
    const index = await loadIndex(repository);
    assert.equal(index.blobs.size, 50_000);
    assert.equal(index.locate('data', last.blobs[0]?.id ?? '')?.packId, last.id);
    await writer.flush();
    assert.equal(writer.fileIds.length, 1, 'nothing was left to write');
  });

  it('writes a file when its oldest pack has waited two minutes', async () => {
    const { repository, clock } = await repositoryInMemory();
    const writer = new IndexWriter(repository);
    await clock.advance(20 * minuteMs);
    await writer.add(pack(3));
    await clock.advance(minuteMs);
    await writer.add(pack(3));
    await clock.advance(minuteMs - 1);
    await writer.add(pack(3));
    assert.deepEqual(writer.fileIds, []);
    await clock.advance(1);
    await writer.add(pack(3));
    assert.equal(writer.fileIds.length, 1);
    assert.equal((await loadIndex(repository)).blobs.size, 12);
    await clock.advance(1.5 * minuteMs);
    await writer.add(pack(3));
    await clock.advance(1.5 * minuteMs);
    await writer.add(pack(3));
    assert.equal(writer.fileIds.length, 1, 'the wait begins anew with the first pack after a file');
    await clock.advance(1 * minuteMs);
    await writer.add(pack(3));
    assert.equal(writer.fileIds.length, 2);
  });

  it('is not fooled by a wall clock that is set', async () => {
    const { repository, clock } = await repositoryInMemory();
    const writer = new IndexWriter(repository);
    await writer.add(pack(1));
    clock.jump(60 * minuteMs);
    await writer.add(pack(1));
    clock.jump(-120 * minuteMs);
    await writer.add(pack(1));
    assert.deepEqual(writer.fileIds, []);
    await writer.flush();
    assert.equal((await loadIndex(repository)).blobs.size, 3);
  });

  it('puts every pack into exactly one file when packs come while a file is being written', async () => {
    const { repository } = await repositoryInMemory();
    const writer = new IndexWriter(repository);
    const packs = Array.from({ length: 12 }, () => pack(10_000));
    await Promise.all(packs.map((added) => writer.add(added)));
    await writer.flush();
    assert.equal(writer.fileIds.length, 3);
    const index = await loadIndex(repository);
    assert.equal(index.blobs.size, 120_000);
    assert.equal(index.packs.size, 12);
  });

  it('writes no file when there is nothing to write', async () => {
    const { repository } = await repositoryInMemory();
    await new IndexWriter(repository).flush();
    assert.deepEqual(await repository.listIds('index'), []);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { CancelledError, RepositoryError } from '../../src/base/errors.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { readAhead } from '../../src/repository/blob-read-ahead.ts';
import type { ReadingItem } from '../../src/repository/blob-read-ahead.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import type { LoadedIndex } from '../../src/repository/loaded-index.ts';
import { PackBuilder } from '../../src/repository/pack-builder.ts';
import { Repository } from '../../src/repository/repository.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { createRandom } from '../support/seed.ts';
import { weakScrypt } from '../support/weak-key.ts';
import { putIndex, sha256, smallRepository } from './small-repository.ts';

const mebibyte = 2 ** 20;

async function collected(
  items: AsyncIterable<{ readonly data: Buffer } | { readonly mark: string }>,
): Promise<string[]> {
  const found: string[] = [];
  for await (const item of items) found.push('mark' in item ? item.mark : sha256(item.data));
  return found;
}

/** A repository with packs of random blobs of that size, and their ids in the order of the packs. */
async function packed(packs: number, blobsPerPack: number, blobBytes: number) {
  const store = new ObjectStore(new MemoryDriver());
  const repository = await Repository.init(store, { password: 'x', scryptCost: weakScrypt });
  const random = createRandom(1);
  const ids: string[] = [];
  const entries = [];
  for (let pack = 0; pack < packs; pack++) {
    const builder = new PackBuilder('data', new ArrayBuffer(blobsPerPack * (blobBytes + 100) + mebibyte));
    for (let i = 0; i < blobsPerPack; i++) {
      const bytes = random.bytes(blobBytes);
      const id = sha256(bytes);
      builder.add(repository.cipher, id, bytes, undefined);
      ids.push(id);
    }
    const { id, bytes, blobs } = builder.finish(repository.cipher);
    await store.put(keyOf('data', id), bytes);
    entries.push({ id, blobs });
  }
  await putIndex(repository, entries);
  return { repository, index: await loadIndex(repository), ids };
}

/** Watches what is asked of the store: how many requests are under way, and how many bytes were asked for. */
function watchGets(t: TestContext, repository: Repository) {
  const watched = { requests: 0, underWay: 0, mostUnderWay: 0, bytes: 0 };
  const get = repository.store.get.bind(repository.store);
  t.mock.method(repository.store, 'get', async (...args: Parameters<typeof get>) => {
    watched.requests++;
    watched.underWay++;
    watched.mostUnderWay = Math.max(watched.mostUnderWay, watched.underWay);
    const { range } = args[1] ?? {};
    if (range !== undefined) watched.bytes += range.end - range.start;
    try {
      await yieldToEvents();
      return await get(...args);
    } finally {
      watched.underWay--;
    }
  });
  return watched;
}

function blobsOf(ids: readonly string[]): ReadingItem<string>[] {
  return ids.map((blob) => ({ blob }));
}

describe('reading ahead', () => {
  it('keeps the order of blobs and marks, repeated ones too', async () => {
    const { repository, blobs } = await smallRepository();
    const index = await loadIndex(repository);
    const { a1, a2, b1, b2 } = blobs;
    const items: ReadingItem<string>[] = [
      { mark: 'first', sizeBytes: 5 },
      ...blobsOf([b2, a1, a1]),
      { mark: 'second', sizeBytes: 5 },
      { mark: 'third', sizeBytes: 5 },
      ...blobsOf([b1, a2, b2]),
    ];
    const found = await collected(readAhead(repository, index, items));
    assert.deepEqual(found, ['first', b2, a1, a1, 'second', 'third', b1, a2, b2]);
    assert.deepEqual(await collected(readAhead(repository, index, [])), []);
  });

  it('needs far fewer requests than blobs, several at once', async (t) => {
    const { repository, index, ids } = await packed(4, 500, 8 * 1024);
    const watched = watchGets(t, repository);
    // As several threads store files: neighbours in the order of reading stand in different packs.
    const order = ids.map((_, i) => ids[(i % 4) * 500 + Math.floor(i / 4)] ?? '');
    assert.deepEqual(await collected(readAhead(repository, index, blobsOf(order))), order);
    assert.ok(watched.requests <= 12, `${watched.requests} requests`);
    assert.ok(watched.mostUnderWay > 1);
  });

  it('never fetches more gaps than blobs', async (t) => {
    const { repository, index, ids } = await packed(1, 1000, 4096);
    for (const step of [2, 3, 10]) {
      const watched = watchGets(t, repository);
      const some = ids.filter((_, i) => i % step === 0);
      assert.deepEqual(await collected(readAhead(repository, index, blobsOf(some))), some);
      assert.ok(watched.bytes <= 2 * some.length * (4096 + 32), `${watched.bytes} bytes for ${some.length}`);
      t.mock.restoreAll();
    }
  });

  it('runs ahead of a slow reader by two windows and no more', async (t) => {
    const { repository, index, ids } = await packed(4, 16, mebibyte);
    const watched = watchGets(t, repository);
    let taken = 0;
    for await (const item of readAhead<string>(repository, index, blobsOf(ids))) {
      assert.ok('data' in item);
      taken++;
      for (let i = 0; i < 20; i++) await yieldToEvents();
      const ahead = watched.bytes - taken * mebibyte;
      assert.ok(ahead <= 34 * mebibyte, `${ahead} bytes ahead after ${taken} blobs`);
    }
    assert.equal(taken, ids.length);
  });

  it('takes its items no faster than they are read', async () => {
    const { repository, blobs } = await smallRepository();
    const index = await loadIndex(repository);
    let given = 0;
    const source = function* (): Generator<ReadingItem<string>> {
      for (; given < 100_000; given++)
        yield given % 2 === 0 ? { mark: 'm', sizeBytes: 1 } : { blob: blobs.a1 };
    };
    const reading = readAhead(repository, index, source());
    await reading.next();
    for (let i = 0; i < 50; i++) await yieldToEvents();
    assert.ok(given < 20_000, String(given));
    await reading.return();
  });

  it('holds no more of large marks than of blobs: headers with 64 KiB of attributes each took 600 MiB', async () => {
    const { repository } = await smallRepository();
    const index = await loadIndex(repository);
    const sizeBytes = 64 * 1024;
    let given = 0;
    const source = function* (): Generator<ReadingItem<string>> {
      for (; given < 20_000; given++) yield { mark: 'm', sizeBytes };
    };
    let taken = 0;
    for await (const item of readAhead(repository, index, source())) {
      assert.ok('mark' in item);
      taken++;
      assert.ok((given - taken) * sizeBytes <= 33 * mebibyte, `${given} given, ${taken} taken`);
    }
    assert.equal(taken, 20_000);
  });

  it('leaves nothing behind when its reader stops', async (t) => {
    const { repository, index, ids } = await packed(4, 16, mebibyte);
    const watched = watchGets(t, repository);
    let isClosed = false;
    const source = function* (): Generator<ReadingItem<string>> {
      try {
        yield* blobsOf(ids);
      } finally {
        isClosed = true;
      }
    };
    for await (const item of readAhead(repository, index, source())) {
      assert.ok('data' in item);
      break;
    }
    assert.equal(watched.underWay, 0);
    assert.ok(isClosed);
  });

  it('ends when the signal fires', async () => {
    const { repository, index, ids } = await packed(2, 16, mebibyte);
    const controller = new AbortController();
    const reading = readAhead<string>(repository, index, blobsOf(ids), controller.signal);
    await reading.next();
    controller.abort();
    await assert.rejects(reading.next(), CancelledError);
  });

  it('fetches a damaged answer once more', async (t) => {
    const { repository, index, ids } = await packed(1, 3, 1000);
    const get = repository.store.get.bind(repository.store);
    let isFirst = true;
    t.mock.method(repository.store, 'get', async (...args: Parameters<typeof get>) => {
      const bytes = await get(...args);
      if (isFirst) bytes.fill(0xff, 1000, 1100);
      isFirst = false;
      return bytes;
    });
    assert.deepEqual(await collected(readAhead(repository, index, blobsOf(ids))), ids);
  });

  it('names the blob that is damaged or missing', async () => {
    const { repository, index, ids } = await packed(1, 3, 1000);
    await assertCorrupt(repository, index, [...ids, '0'.repeat(64)], /no data blob of this id: 0000/);
    const [pack = ''] = await repository.listIds('data');
    await repository.store.delete(keyOf('data', pack));
    await assertCorrupt(repository, index, ids, /a pack is missing or too short for data blob/);
  });

  it('reads nothing before a source that fails is noticed', async () => {
    const { repository, blobs } = await smallRepository();
    const index = await loadIndex(repository);
    const source = function* (): Generator<ReadingItem<string>> {
      yield { blob: blobs.a1 };
      throw new RangeError('the source failed');
    };
    await assert.rejects(collected(readAhead(repository, index, source())), /the source failed/);
  });
});

async function assertCorrupt(
  repository: Repository,
  index: LoadedIndex,
  ids: readonly string[],
  message: RegExp,
): Promise<void> {
  await assert.rejects(collected(readAhead(repository, index, blobsOf(ids))), (error) => {
    assert.ok(error instanceof RepositoryError, String(error));
    assert.match(error.message, message);
    return error.code === 'corrupt';
  });
}

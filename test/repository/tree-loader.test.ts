import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { RepositoryError, StoreError } from '../../src/base/errors.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { encodeTree } from '../../src/repository/format/tree.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import { TreeLoader } from '../../src/repository/tree-loader.ts';
import { flipBit, node, putIndex, putPack, sha256, smallRepository } from './small-repository.ts';

async function rejectsCorrupt(work: Promise<unknown>, place: string | RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof RepositoryError, String(error));
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, new RegExp(place));
    return true;
  });
}

describe('a tree loader', () => {
  it('reads trees, and a pack of several once', async (t) => {
    const { repository, trees, treePack } = await smallRepository();
    const loader = new TreeLoader(repository, await loadIndex(repository));
    const get = t.mock.method(repository.store, 'get');
    const names = async (id: string): Promise<string[]> =>
      (await loader.load(id)).nodes.map(({ name }) => Buffer.from(name).toString());
    assert.deepEqual(await names(trees.first), ['a', 'dir']);
    assert.deepEqual(await names(trees.shared), ['b1', 'b2', 'empty']);
    assert.deepEqual(await names(trees.second), ['dir']);
    assert.deepEqual(
      get.mock.calls.map(({ arguments: [key] }) => key),
      [keyOf('data', treePack)],
    );
  });

  it('keeps the packs used last, and reads others again', async (t) => {
    const { repository } = await smallRepository();
    const ids: string[] = [];
    const packs = [];
    for (let i = 0; i < 6; i++) {
      const tree = encodeTree([node({ name: `file ${i}`, content: [], size: 0 })]);
      ids.push(sha256(tree));
      packs.push(await putPack(repository, 'tree', [tree]));
    }
    await putIndex(repository, packs);
    const loader = new TreeLoader(repository, await loadIndex(repository));
    const get = t.mock.method(repository.store, 'get');
    const [a = '', b = '', c = '', d = '', e = ''] = ids;
    for (const id of [a, b, c, d, a, e]) await loader.load(id);
    assert.equal(get.mock.callCount(), 5);
    await loader.load(a);
    assert.equal(get.mock.callCount(), 5, 'used again before the fifth came');
    await loader.load(b);
    assert.equal(get.mock.callCount(), 6);
  });

  it('fetches few packs at once, and each once, however many trees are asked for', async (t) => {
    const { repository } = await smallRepository();
    const ids: string[] = [];
    const packs = [];
    for (let i = 0; i < 40; i++) {
      const pair = ['left', 'right'].map((side) =>
        encodeTree([node({ name: `${side} ${i}`, content: [], size: 0 })]),
      );
      ids.push(...pair.map(sha256));
      packs.push(await putPack(repository, 'tree', pair));
    }
    await putIndex(repository, packs);
    const loader = new TreeLoader(repository, await loadIndex(repository));
    const get = repository.store.get.bind(repository.store);
    let atOnce = 0;
    let mostAtOnce = 0;
    const slowGet = t.mock.method(repository.store, 'get', async (...args: Parameters<typeof get>) => {
      mostAtOnce = Math.max(mostAtOnce, ++atOnce);
      await setImmediate();
      atOnce--;
      return get(...args);
    });
    const sealed = await Promise.all(ids.map((id) => loader.loadSealed(id)));
    assert.deepEqual(
      sealed.map(({ id }) => id),
      ids,
    );
    assert.equal(mostAtOnce, 4);
    assert.equal(slowGet.mock.callCount(), packs.length);
  });

  it('asks again for a pack that could not be fetched', async (t) => {
    const { repository, trees } = await smallRepository();
    const loader = new TreeLoader(repository, await loadIndex(repository));
    const failure = new StoreError('unavailable', 'the store is down');
    const broken = t.mock.method(repository.store, 'get', () => Promise.reject(failure));
    await assert.rejects(loader.loadSealed(trees.first), failure);
    broken.mock.restore();
    assert.equal((await loader.loadSealed(trees.first)).id, trees.first);
  });

  it('refuses what is no tree of the index', async () => {
    const { repository, blobs } = await smallRepository();
    const loader = new TreeLoader(repository, await loadIndex(repository));
    await rejectsCorrupt(loader.load('00'.repeat(32)), 'no tree blob.*0000');
    await rejectsCorrupt(loader.load(blobs.a1), 'no tree blob');
  });

  for (const [title, damage] of Object.entries({
    'a flipped bit': (bytes: Buffer) => {
      flipBit(bytes, 40);
      return bytes;
    },
    'a pack that ends early': (bytes: Buffer) => bytes.subarray(0, 20),
    'another pack’s bytes': (bytes: Buffer) => Buffer.alloc(bytes.length, 7),
  })) {
    it(`(${title}) asks once more, then names the blob and the pack`, async () => {
      const { repository, driver, trees, treePack } = await smallRepository();
      const index = await loadIndex(repository);
      const key = keyOf('data', treePack);
      const sound = Buffer.from(driver.contents().get(key) ?? []);
      const { store } = repository;
      const get = store.get.bind(store);
      let faults = 1;
      store.get = async (...args) => {
        const bytes = await get(...args);
        return faults-- > 0 ? damage(Buffer.from(bytes)) : bytes;
      };
      assert.equal((await new TreeLoader(repository, index).load(trees.shared)).nodes.length, 3);
      store.get = get;
      await store.put(key, damage(Buffer.from(sound)), {});
      await assert.rejects(new TreeLoader(repository, index).load(trees.shared), (error: Error) => {
        assert.match(error.message, new RegExp(treePack));
        return true;
      });
    });
  }

  it('refuses a tree whose text does not hash to its id', async () => {
    const { repository } = await smallRepository();
    const pack = await putPack(repository, 'tree', [encodeTree([])]);
    const claimed = 'ab'.repeat(32);
    await putIndex(repository, [
      { id: pack.id, blobs: pack.blobs.map((blob) => ({ ...blob, id: claimed })) },
    ]);
    const loader = new TreeLoader(repository, await loadIndex(repository));
    await rejectsCorrupt(loader.load(claimed), `does not hash to its id.*${claimed}`);
  });
});

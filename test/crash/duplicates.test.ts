import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { restore } from '../../src/copy/restore.ts';
import { stage } from '../../src/copy/stage.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { copyBody } from '../../src/providers/objects/object-body.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { checkRepository } from '../../src/repository/check.ts';
import { Repository } from '../../src/repository/repository.ts';
import { hastyClock } from '../support/hasty-clock.ts';
import { assertWriteOrder } from '../support/order-checker.ts';
import { Trace, replay, withTrace } from '../support/providers/trace.ts';
import { makeRandomTree, mutateTree } from '../support/random-tree.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import type { Random } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { weakScrypt } from '../support/weak-key.ts';

const password = 'test';

/** Delivers every put twice: before its answer, at the same moment, or a while after it. */
function withDuplicates(driver: ObjectDriver, random: Random) {
  const late: Promise<void>[] = [];
  const doubled: ObjectDriver = {
    url: driver.url,
    capabilities: driver.capabilities,
    put: async (key, body, options) => {
      const copy = copyBody(body);
      const again = (): Promise<void> => driver.put(key, copy, { ...options, signal: undefined });
      const when = random.pick(['before', 'together', 'late']);
      if (when === 'before') await again();
      if (when === 'late') late.push(delay(random.below(40)).then(again));
      await Promise.all([driver.put(key, body, options), when === 'together' ? again() : undefined]);
    },
    get: (key, options) => driver.get(key, options),
    head: (key, options) => driver.head(key, options),
    list: (prefix, options) => driver.list(prefix, options),
    delete: (key, options) => driver.delete(key, options),
    deleteMany: (keys, options) => driver.deleteMany(keys, options),
    createMultipart: (key, options) => driver.createMultipart(key, options),
    close: () => driver.close(),
  };
  return { doubled, settled: () => Promise.all(late) };
}

/** Without locks: one that is delivered once more after its release is stale, and removed as such. */
function contentsOf(driver: MemoryDriver): ReadonlyMap<string, Uint8Array> {
  return new Map([...driver.contents()].filter(([key]) => !key.startsWith('locks/')));
}

it('puts that are delivered twice leave the same contents', async (t) => {
  const folder = temporaryFolder(t);
  await forEachSeed(t, scaled(2, 20), async (seed) => {
    const random = createRandom(seed);
    const [source, target] = [join(folder, 'source'), join(folder, 'target')];
    makeRandomTree(source, seed, { entries: 20 });
    const inner = new MemoryDriver();
    const { doubled, settled } = withDuplicates(inner, random);
    const trace = new Trace();
    const store = new ObjectStore(withTrace(doubled, trace));
    const options = { password, scryptCost: weakScrypt, clock: hastyClock() };
    const initialised = await Repository.init(new ObjectStore(inner), options);
    const initial = inner.contents();
    const repository = await Repository.open(store, options);
    for (let pass = 0; pass < 3; pass++) {
      if (pass > 0) mutateTree(source, seed + pass);
      const { isPartial } = await stage(repository, { paths: [source], storeAs: '/v', workers: 1 });
      assert.equal(isPartial, false);
    }
    await settled();
    assertWriteOrder(trace, { masterKey: initialised.masterKey, initial });
    const once = replay(trace, trace.changes().length);
    for (const [key, bytes] of initial) await once.put(key, bytes, {});
    assert.deepEqual(contentsOf(inner), contentsOf(once));
    const report = await checkRepository(repository, { readData: 'all' });
    assert.deepEqual([report.errors, report.hints, report.counts.snapshots], [[], [], 3]);
    await restore(repository, { snapshot: 'latest:/v', target, workers: 1 });
    assert.deepEqual(compareTrees(source, target), []);
    for (const path of [source, target]) removeTree(path);
  });
});

it('puts that are delivered once more at any later time leave the same contents', async (t) => {
  const source = join(temporaryFolder(t), 'source');
  makeRandomTree(source, 1, { entries: 20 });
  const trace = new Trace();
  const store = new ObjectStore(withTrace(new MemoryDriver(), trace));
  const clock = hastyClock();
  const repository = await Repository.init(store, { password, scryptCost: weakScrypt, clock });
  for (let pass = 0; pass < 3; pass++) {
    await stage(repository, { paths: [source], storeAs: '/v', workers: 1 });
    mutateTree(source, pass);
  }
  const changes = trace.changes();
  const expected = contentsOf(replay(trace, changes.length));
  const puts = changes.filter(({ kind, key }) => kind === 'put' && !key.startsWith('locks/'));
  await forEachSeed(t, scaled(50, 1000), async (seed) => {
    const random = createRandom(seed);
    const repeated = new Trace();
    const again = new Map<number, typeof puts>();
    for (let left = 10; left > 0; left--) {
      const put = puts[random.below(puts.length)];
      if (put === undefined) continue;
      const position = random.between(changes.indexOf(put), changes.length - 1);
      again.set(position, [...(again.get(position) ?? []), put]);
    }
    for (const [position, change] of changes.entries()) {
      repeated.entries.push(change, ...(again.get(position) ?? []));
    }
    const left = contentsOf(replay(repeated, repeated.entries.length));
    assert.deepEqual([...left.keys()], [...expected.keys()]);
    for (const [key, bytes] of expected)
      assert.equal(Buffer.compare(bytes, left.get(key) ?? Buffer.alloc(0)), 0, key);
  });
});

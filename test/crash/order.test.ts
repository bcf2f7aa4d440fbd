import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { join } from 'node:path';
import { restore } from '../../src/copy/restore.ts';
import { stage } from '../../src/copy/stage.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { Repository } from '../../src/repository/repository.ts';
import { hastyClock } from '../support/hasty-clock.ts';
import { assertWriteOrder, orderBreaches } from '../support/order-checker.ts';
import type { OrderOptions } from '../support/order-checker.ts';
import { Trace, withTrace } from '../support/providers/trace.ts';
import type { TraceEntry } from '../support/providers/trace.ts';
import { makeRandomTree, mutateTree } from '../support/random-tree.ts';
import { forEachSeed, scaled } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { weakScrypt } from '../support/weak-key.ts';

const password = 'test';

interface Traced {
  readonly trace: Trace;
  readonly repository: Repository;
  readonly source: string;
}

async function tracedRepository(t: TestContext, seed: number): Promise<Traced> {
  const source = join(temporaryFolder(t), 'source');
  makeRandomTree(source, seed, { entries: 15 });
  const trace = new Trace();
  const store = new ObjectStore(withTrace(new MemoryDriver(), trace));
  const repository = await Repository.init(store, { password, scryptCost: weakScrypt, clock: hastyClock() });
  return { trace, repository, source };
}

it('stages and restores keep the write order', async (t) => {
  await forEachSeed(t, scaled(2, 20), async (seed) => {
    const { trace, repository, source } = await tracedRepository(t, seed);
    for (let pass = 0; pass < 3; pass++) {
      await stage(repository, { paths: [source], storeAs: '/v', workers: 1 });
      mutateTree(source, seed + pass);
    }
    const target = join(source, '..', 'target');
    await restore(repository, { snapshot: 'latest:/v', target, workers: 1 });
    removeTree(target);
    assertWriteOrder(trace, repository);
    const stored = (kind: string): number => trace.changes().filter(({ key }) => key.startsWith(kind)).length;
    assert.equal(stored('snapshots/'), 3);
    assert.ok(stored('data/') > 0 && stored('index/') > 0);
  });
});

/** A trace of one pass, and one in which an entry was changed. */
async function onePass(t: TestContext): Promise<{ entries: readonly TraceEntry[]; options: OrderOptions }> {
  const { trace, repository, source } = await tracedRepository(t, 1);
  await stage(repository, { paths: [source], storeAs: '/v', workers: 1 });
  return { entries: trace.entries, options: { masterKey: repository.masterKey } };
}

function changed(
  entries: readonly TraceEntry[],
  prefix: string,
  change: (entry: TraceEntry) => Partial<TraceEntry>,
): TraceEntry[] {
  return entries.map((entry) => {
    return entry.kind === 'put' && entry.key.startsWith(prefix) ? { ...entry, ...change(entry) } : entry;
  });
}

it('the order checker finds every kind of breach', async (t) => {
  const { entries, options } = await onePass(t);
  const breaches = (wrong: readonly TraceEntry[]): string => orderBreaches(wrong, options).join('\n');
  const end = entries.length * 2 + 1;
  const snapshot = entries.find(({ kind, key }) => kind === 'put' && key.startsWith('snapshots/'));
  assert.ok(snapshot !== undefined);
  assert.equal(breaches(entries), '');

  // A pack that ends after the index, or the snapshot, that needs it was begun.
  assert.match(
    breaches(changed(entries, 'data/', () => ({ ended: snapshot.began + 0.5 }))),
    /index\/\S+ was begun before pack/,
  );
  assert.match(
    breaches(changed(entries, 'data/', () => ({ ended: end }))),
    /snapshots\/\S+ was begun before/,
  );
  // One that failed, or never was.
  assert.match(breaches(changed(entries, 'data/', () => ({ outcome: 'failed' }))), /was begun before pack/);
  const withoutPacks = entries.filter(({ key }) => !key.startsWith('data/'));
  assert.match(breaches(withoutPacks), /was begun before pack/);
  // An index that ends while the snapshot is on its way, and one that failed.
  const late = changed(entries, 'index/', () => ({ ended: snapshot.began + 0.5 }));
  assert.match(breaches(late), /snapshots\/\S+ was begun before an index with tree blob/);
  const failed = changed(entries, 'index/', () => ({ outcome: 'failed' }));
  assert.match(breaches(failed), /snapshots\/\S+ was begun before an index with tree blob/);
});

it('the order checker finds a data blob that no index has', async (t) => {
  const { trace, repository, source } = await tracedRepository(t, 2);
  const options = { paths: [source], storeAs: '/v', workers: 1 };
  await stage(repository, options);
  const firstIndex = trace.changes().find(({ key }) => key.startsWith('index/'));
  mutateTree(source, 2, { changes: 1 });
  await stage(repository, options);
  // The second snapshot relies on the first pass's index, which now comes after it.
  const last = trace.entries.length * 2;
  const wrong = trace.entries.map((entry) => (entry === firstIndex ? { ...entry, ended: last } : entry));
  const found = orderBreaches(wrong, repository);
  const second = trace.changes().findLast(({ key }) => key.startsWith('snapshots/'))?.key ?? '';
  assert.ok(
    found.some((breach) => breach.startsWith(second) && breach.includes('data blob')),
    found.join('\n'),
  );
});

it('the order checker finds deletions, overwriting and wrong names', async (t) => {
  const { entries, options } = await onePass(t);
  const [end] = [entries.length * 2];
  const pack = entries.find(({ kind, key }) => kind === 'put' && key.startsWith('data/'));
  assert.ok(pack?.bytes !== undefined);
  const { bytes } = pack;
  const deletion = { ...pack, kind: 'delete', began: end, ended: end + 1 } as const;
  assert.deepEqual(orderBreaches([...entries, deletion], options), [`${pack.key} was deleted`]);
  const again = { ...pack, began: end, ended: end + 1 };
  assert.deepEqual(orderBreaches([...entries, again], options), []);
  const other = { ...again, bytes: Buffer.from(bytes).fill(0, 0, 1) };
  assert.deepEqual(orderBreaches([...entries, other], options), [
    `${pack.key} does not hash to its name`,
    `${pack.key} was overwritten with other bytes`,
  ]);
});

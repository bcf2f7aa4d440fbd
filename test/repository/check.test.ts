import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreError } from '../../src/base/errors.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import type { Operation } from '../../src/providers/objects/intercept.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { checkRepository } from '../../src/repository/check.ts';
import type { CheckProgress, CheckReport } from '../../src/repository/check.ts';
import { decodeIndexFile } from '../../src/repository/format/index-file.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { encodeTree } from '../../src/repository/format/tree.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import { Repository } from '../../src/repository/repository.ts';
import { saveSnapshot } from '../../src/repository/snapshots.ts';
import { faultRules, withFaults } from '../support/providers/fault.ts';
import { checkObjects } from './check-objects.ts';
import { password } from './lock-fixtures.ts';
import {
  copyOf,
  flipBit,
  node,
  objectOf,
  putIndex,
  putPack,
  sha256,
  smallRepository,
} from './small-repository.ts';
import type { Objects, SmallRepository } from './small-repository.ts';

function kinds(report: CheckReport): string[] {
  return [...new Set(report.errors.map(({ kind }) => kind))].sort();
}

const opened = await smallRepository();

function objectsOf(small: SmallRepository = opened): Objects {
  return copyOf(small.driver);
}

describe('checkRepository', () => {
  it('finds nothing wrong with a sound repository, and counts', async () => {
    const report = await checkObjects(objectsOf(), { readData: 'all' });
    assert.deepEqual(report.errors, []);
    assert.deepEqual(report.hints, []);
    assert.deepEqual(report.affectedSnapshots, []);
    const { bytesRead, ...counts } = report.counts;
    assert.deepEqual(counts, { snapshots: 2, indexFiles: 2, packs: 3, blobs: 7, trees: 3, packsRead: 3 });
    assert.ok(bytesRead > 500);
  });

  it('finds nothing wrong with an empty repository', async () => {
    const driver = new MemoryDriver();
    const repository = await Repository.init(new ObjectStore(driver), {
      password,
      scryptCost: { N: 2, r: 1, p: 1 },
    });
    const report = await checkRepository(repository, { readData: 'all' });
    assert.equal(report.errorCount + report.hintCount, 0);
  });

  it('lists the snapshots before the index', async () => {
    const order: string[] = [];
    const plan = faultRules();
    const choose = ({ kind, key }: { kind: string; key: string }) => {
      if (kind === 'list') order.push(key);
      return undefined;
    };
    const driver = withFaults(new MemoryDriver({ objects: objectsOf() }), { ...plan, choose });
    const repository = await Repository.open(new ObjectStore(driver), { password });
    await checkRepository(repository);
    assert.ok(order.indexOf('snapshots/') >= 0);
    assert.ok(order.indexOf('snapshots/') < order.indexOf('index/'));
    assert.equal(order.filter((prefix) => prefix.startsWith('data')).length, 1);
  });

  it('reports progress to the end of each phase', async () => {
    const last = new Map<string, CheckProgress>();
    await checkObjects(objectsOf(), {
      readData: 'all',
      onProgress: (progress) => last.set(progress.phase, progress),
    });
    assert.deepEqual([...last.keys()], ['index', 'packs', 'trees', 'data']);
    for (const { done, total } of last.values()) assert.equal(done, total);
  });

  it('stops when it is cancelled', async () => {
    const repository = await Repository.open(new ObjectStore(new MemoryDriver({ objects: objectsOf() })), {
      password,
    });
    const cancelling = new AbortController();
    const onProgress = ({ phase }: CheckProgress): void => {
      if (phase === 'trees') cancelling.abort();
    };
    const checking = checkRepository(repository, { signal: cancelling.signal, onProgress, readData: 'all' });
    await assert.rejects(checking, { code: 'cancelled' });
  });

  it('throws failures of the store instead of calling them damage', async () => {
    for (const key of [/^index/, /^data/, /^snapshots/, /^keys/]) {
      const denied = faultRules({
        on: ['get', 'list'],
        key,
        times: 1000,
        action: { kind: 'fail-before', error: new StoreError('permission-denied', 'not for you') },
      });
      let isOpen = false;
      const plan = {
        fired: 0,
        choose: (operation: Operation) => (isOpen ? denied.choose(operation) : undefined),
      };
      const driver = withFaults(new MemoryDriver({ objects: objectsOf() }), plan);
      const repository = await Repository.open(new ObjectStore(driver), { password });
      isOpen = true;
      await assert.rejects(checkRepository(repository, { readData: 'all' }), { code: 'permission-denied' });
    }
  });
});

describe('checkRepository without reading data finds', () => {
  const cases: Record<string, [damage: (objects: Objects) => void, kinds: string[], affected: number[]]> = {
    'a missing data pack': [
      (objects) => objects.delete(keyOf('data', opened.dataPacks[0])),
      ['pack-missing'],
      [0],
    ],
    'a missing data pack that both snapshots use': [
      (objects) => objects.delete(keyOf('data', opened.dataPacks[1])),
      ['pack-missing'],
      [0, 1],
    ],
    'a missing tree pack': [
      (objects) => objects.delete(keyOf('data', opened.treePack)),
      ['pack-missing', 'tree-damaged'],
      [0, 1],
    ],
    'a truncated data pack': [
      (objects) => truncate(objects, keyOf('data', opened.dataPacks[0]), 40),
      ['pack-size'],
      [0],
    ],
    'a data pack that is too long': [
      (objects) => objects.set(keyOf('data', opened.dataPacks[0]), Buffer.alloc(5000)),
      ['pack-size'],
      [],
    ],
    'a flipped bit in a tree': [
      (objects) => flipBit(objectOf(objects, keyOf('data', opened.treePack)), 60),
      ['tree-damaged'],
      [0, 1],
    ],
    'a flipped bit in an index': [
      (objects) => flipBit(objectOf(objects, keyOf('index', opened.indexFiles[0] ?? '')), 60),
      ['blob-missing', 'index-damaged'],
      [0],
    ],
    'a truncated index': [
      (objects) => truncate(objects, keyOf('index', opened.indexFiles[1] ?? ''), 20),
      ['index-damaged', 'tree-missing'],
      [0, 1],
    ],
    'a missing index': [
      (objects) => objects.delete(keyOf('index', opened.indexFiles[1] ?? '')),
      ['tree-missing'],
      [0, 1],
    ],
    'swapped index files': [
      (objects) =>
        swap(objects, keyOf('index', opened.indexFiles[0] ?? ''), keyOf('index', opened.indexFiles[1] ?? '')),
      ['index-damaged', 'tree-missing'],
      [0, 1],
    ],
    'a flipped bit in a snapshot': [
      (objects) => flipBit(objectOf(objects, keyOf('snapshots', opened.snapshots[0])), 3),
      ['snapshot-damaged'],
      [],
    ],
    'an empty snapshot': [
      (objects) => objects.set(keyOf('snapshots', opened.snapshots[0]), Buffer.alloc(0)),
      ['snapshot-damaged'],
      [],
    ],
    'swapped snapshots': [
      (objects) =>
        swap(objects, keyOf('snapshots', opened.snapshots[0]), keyOf('snapshots', opened.snapshots[1])),
      ['snapshot-damaged'],
      [],
    ],
    'a damaged second key': [
      (objects) => objects.set(`keys/${'ff'.repeat(32)}`, Buffer.from('{"kdf":"scrypt"}')),
      ['key-damaged'],
      [],
    ],
  };
  for (const [title, [damage, expected, affected]] of Object.entries(cases)) {
    it(title, async () => {
      const objects = objectsOf();
      damage(objects);
      const report = await checkObjects(objects);
      assert.deepEqual(kinds(report), expected);
      assert.deepEqual(
        report.affectedSnapshots,
        affected.map((index) => opened.snapshots[index]),
      );
      for (const error of report.errors) assert.ok(error.where !== '' && error.message !== '');
    });
  }

  it('and names the first file that a lost blob belongs to', async () => {
    const objects = objectsOf();
    objects.delete(keyOf('index', opened.indexFiles[0] ?? ''));
    const report = await checkObjects(objects);
    assert.deepEqual(
      report.errors.map(({ kind, where, affects }) => ({ kind, where, affects })),
      [opened.blobs.a1, opened.blobs.a2].map((where) => ({
        kind: 'blob-missing',
        where,
        affects: { snapshotId: opened.snapshots[0], path: '/a' },
      })),
    );
    assert.deepEqual(
      report.hints.map(({ kind, where }) => [kind, where]),
      [['orphan-pack', keyOf('data', opened.dataPacks[0])]],
    );
  });

  it('a lost blob deeper down by its whole path', async () => {
    const small = await smallRepository();
    const tree = encodeTree([node({ name: 'x', content: ['ab'.repeat(32)], size: 1 })]);
    const parent = encodeTree([node({ name: 'sub', type: 'dir', content: null, subtree: sha256(tree) })]);
    const root = encodeTree([node({ name: 'dir', type: 'dir', content: null, subtree: sha256(parent) })]);
    await putIndex(small.repository, [await putPack(small.repository, 'tree', [tree, parent, root])]);
    const time = '2026-01-03T00:00:00Z';
    const id = await saveSnapshot(small.repository, {
      time,
      tree: sha256(root),
      paths: ['/'],
      uid: 0,
      gid: 0,
    });
    const report = await checkRepository(small.repository);
    assert.deepEqual(report.errors[0]?.affects, { snapshotId: id, path: '/dir/sub/x' });
    assert.deepEqual(report.affectedSnapshots, [id]);
  });
});

describe('checkRepository of a subset', () => {
  it('reads only that', async () => {
    const report = await checkObjects(objectsOf(), { readData: { percent: 34 } });
    assert.equal(report.counts.packsRead, 1);
  });
});

describe('checkRepository reading all data finds', () => {
  const regions = { 'the first blob': 20, 'the header': -30, 'the length of the header': -3 };
  for (const [title, position] of Object.entries(regions)) {
    it(`a flipped bit in ${title} of a data pack`, async () => {
      const objects = objectsOf();
      const key = keyOf('data', opened.dataPacks[0]);
      const pack = objectOf(objects, key);
      flipBit(pack, position < 0 ? pack.length + position : position, 4);
      assert.equal((await checkObjects(objects)).errorCount, 0, 'only reading tells');
      const report = await checkObjects(objects, { readData: 'all' });
      assert.ok(kinds(report).includes('pack-damaged'));
      assert.ok(report.errors.every(({ where }) => where.startsWith(key)));
      const isBlob = position > 0;
      assert.equal(kinds(report).includes('blob-damaged'), isBlob);
      assert.deepEqual(report.affectedSnapshots, isBlob ? [opened.snapshots[0]] : []);
    });
  }

  it('swapped packs', async () => {
    const objects = objectsOf();
    swap(objects, keyOf('data', opened.dataPacks[0]), keyOf('data', opened.dataPacks[1]));
    const report = await checkObjects(objects, { readData: 'all' });
    assert.ok(kinds(report).includes('pack-damaged'));
    assert.deepEqual(report.affectedSnapshots, [...opened.snapshots]);
  });

  it('a truncated pack, blob by blob', async () => {
    const objects = objectsOf();
    truncate(objects, keyOf('data', opened.dataPacks[0]), 100);
    const report = await checkObjects(objects, { readData: 'all' });
    assert.deepEqual(kinds(report), ['blob-damaged', 'pack-damaged', 'pack-size']);
    assert.ok(report.errors.some(({ message }) => message.includes('ends before the blob')));
  });

  it('nothing when a download was damaged once', async () => {
    const objects = objectsOf();
    const plan = faultRules({ on: 'get', key: /^data/, nth: 3, action: { kind: 'flip', offset: 25 } });
    const driver = withFaults(new MemoryDriver({ objects }), plan);
    const repository = await Repository.open(new ObjectStore(driver), { password });
    const report = await checkRepository(repository, { readData: 'all' });
    assert.equal(plan.fired, 1);
    assert.equal(report.errorCount, 0);
  });

  it('an index that lists another blob than the pack holds', async () => {
    const small = await smallRepository();
    const [indexFile = ''] = small.indexFiles;
    const { packs } = decodeIndexFile(await small.repository.loadDocument('index', indexFile), 'index');
    await small.repository.removeDocument('index', indexFile);
    const [pack] = packs;
    assert.ok(pack !== undefined);
    const blobs = pack.blobs.map((blob, at) => (at === 1 ? { ...blob, id: 'cd'.repeat(32) } : blob));
    await putIndex(small.repository, [{ id: pack.id, blobs }]);
    const report = await checkRepository(small.repository, { readData: 'all' });
    assert.deepEqual(kinds(report), ['blob-damaged', 'blob-missing', 'pack-damaged']);
    assert.deepEqual(report.affectedSnapshots, [small.snapshots[0]]);
  });

  it('a damaged copy of a blob, which affects the snapshots only if it is the one that is used', async () => {
    const small = await smallRepository();
    const copy = await putPack(small.repository, 'data', [Buffer.from('the first file, second half')]);
    await putIndex(small.repository, [copy]);
    const key = keyOf('data', copy.id);
    const bytes = Buffer.from(small.driver.contents().get(key) ?? []);
    flipBit(bytes, 20);
    await small.driver.put(key, bytes, {});
    const report = await checkRepository(small.repository, { readData: 'all' });
    assert.deepEqual(kinds(report), ['blob-damaged', 'pack-damaged']);
    const index = await loadIndex(small.repository);
    const isUsed = index.locate('data', small.blobs.a2)?.packId === copy.id;
    assert.deepEqual(report.affectedSnapshots, isUsed ? [small.snapshots[0]] : []);
  });
});

describe('checkRepository hints at', () => {
  it('orphan packs, duplicate entries of packs, mixed and marked packs', async () => {
    const small = await smallRepository();
    const { repository } = small;
    const orphan = await putPack(repository, 'data', [Buffer.from('never indexed')]);
    const marked = await putPack(repository, 'data', [Buffer.from('not needed any more')]);
    await putIndex(repository, [], [marked]);
    const [indexFile = ''] = small.indexFiles;
    const { packs } = decodeIndexFile(await repository.loadDocument('index', indexFile), 'index');
    await putIndex(
      repository,
      packs.map((pack) => ({ ...pack })),
    );
    const mixed = await putPack(repository, 'data', [Buffer.from('data'), Buffer.from('{"nodes":[]}\n')]);
    const mixedBlobs = mixed.blobs.map((blob, at) => ({
      ...blob,
      type: at === 0 ? ('data' as const) : ('tree' as const),
    }));
    await putIndex(repository, [{ id: mixed.id, blobs: mixedBlobs }]);
    const report = await checkRepository(repository);
    assert.deepEqual(report.errors, []);
    assert.deepEqual(
      report.hints.map(({ kind, where }) => `${kind} ${where}`).sort(),
      [
        `duplicate-pack ${keyOf('data', small.dataPacks[0])}`,
        `marked-pack ${keyOf('data', marked.id)}`,
        `mixed-pack ${keyOf('data', mixed.id)}`,
        `orphan-pack ${keyOf('data', orphan.id)}`,
      ].sort(),
    );
  });

  it('a listing that leaves out a pack which exists', async () => {
    const omitted = keyOf('data', opened.dataPacks[0]);
    const plan = faultRules({
      on: 'list',
      key: /^data/,
      action: { kind: 'omit', omits: (key) => key === omitted },
    });
    const driver = withFaults(new MemoryDriver({ objects: objectsOf() }), plan);
    const repository = await Repository.open(new ObjectStore(driver), { password });
    const report = await checkRepository(repository);
    assert.equal(report.errorCount, 0);
    assert.deepEqual(
      report.hints.map(({ kind }) => kind),
      ['incomplete-listing'],
    );
  });

  it('files whose size is not that of their contents', async () => {
    const small = await smallRepository();
    const tree = encodeTree([node({ name: 'odd', content: [small.blobs.b2], size: 5 })]);
    await putIndex(small.repository, [await putPack(small.repository, 'tree', [tree])]);
    const time = '2026-01-03T00:00:00Z';
    await saveSnapshot(small.repository, { time, tree: sha256(tree), paths: ['/'], uid: 0, gid: 0 });
    const report = await checkRepository(small.repository);
    assert.deepEqual(
      report.hints.map(({ kind, where }) => [kind, where]),
      [['file-size', '/odd']],
    );
  });

  it('says of a blob in a marked pack that prune can bring it back', async () => {
    const small = await smallRepository();
    const [indexFile = ''] = small.indexFiles;
    const { packs } = decodeIndexFile(await small.repository.loadDocument('index', indexFile), 'index');
    await small.repository.removeDocument('index', indexFile);
    await putIndex(small.repository, [], packs);
    const report = await checkRepository(small.repository);
    assert.match(report.errors[0]?.message ?? '', /marked for deletion/);
    assert.equal(report.errors[0]?.kind, 'blob-missing');
  });

  it('conflicting entries of one pack as an error', async () => {
    const small = await smallRepository();
    const [indexFile = ''] = small.indexFiles;
    const { packs } = decodeIndexFile(await small.repository.loadDocument('index', indexFile), 'index');
    await putIndex(
      small.repository,
      packs.map(({ id, blobs }) => ({ id, blobs: blobs.slice(1) })),
    );
    assert.ok(kinds(await checkRepository(small.repository)).includes('index-conflict'));
  });
});

function truncate(objects: Objects, key: string, lengthBytes: number): void {
  objects.set(key, objectOf(objects, key).subarray(0, lengthBytes));
}

function swap(objects: Objects, first: string, second: string): void {
  const bytes = objectOf(objects, first);
  objects.set(first, objectOf(objects, second));
  objects.set(second, bytes);
}

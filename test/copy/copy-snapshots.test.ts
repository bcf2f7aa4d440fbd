import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import {
  CancelledError,
  RepositoryError,
  StoreError,
  UsageError,
  describeError,
} from '../../src/base/errors.ts';
import { copyInBatches, copySnapshots } from '../../src/copy/copy-snapshots.ts';
import type { CopyOptions, CopyResult } from '../../src/copy/copy-snapshots.ts';
import type { CopyEvent } from '../../src/copy/copy-snapshots/copy-events.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { listEntries } from '../../src/repository/list-entries.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import { acquireLock } from '../../src/repository/locks.ts';
import { Repository } from '../../src/repository/repository.ts';
import { listSnapshots } from '../../src/repository/snapshots.ts';
import { tagSnapshots } from '../../src/repository/tag-snapshots.ts';
import { assertRestores, checkWell, stageWell } from '../interop/own-pass.ts';
import { crashStates } from '../support/crash-states.ts';
import { faultRules, withFaults } from '../support/providers/fault.ts';
import { Trace, withTrace } from '../support/providers/trace.ts';
import { hastyClock, initQuickly, openQuickly } from '../support/quick-repository.ts';
import { PEER_PASSWORD } from '../support/restic.ts';
import { createRandom } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { weakScrypt } from '../support/weak-key.ts';
import { indexOf, renameBlobs, timesStored } from './indexed-blobs.ts';

interface Bench {
  readonly folder: string;
  readonly tree: string;
  readonly source: Repository;
  /** Snapshots of the source: of two states of the tree. */
  readonly ids: readonly [string, string];
}

const random = createRandom(7);

let model: string;
let modelIds: readonly [string, string];

/** A source with two snapshots; the second one has another file, and one that is only its own. */
before(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tranship-test-'));
  model = folder;
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'a/b'), { recursive: true });
  writeFileSync(join(tree, 'a/text'), 'line\n'.repeat(50_000));
  writeFileSync(join(tree, 'a/b/noise'), random.bytes(3_000_000));
  for (let file = 0; file < 30; file++) writeFileSync(join(tree, `a/b/${file}`), random.bytes(file * 100));
  const source = await initQuickly(join(folder, 'source'));
  const first = await stageWell(source, { paths: [tree], storeAs: '/v', tags: ['one'] });
  spawnSync('cp', ['-a', tree, join(folder, 'first')]);
  writeFileSync(join(tree, 'a/text'), 'other\n'.repeat(50_000));
  writeFileSync(join(tree, 'late'), random.bytes(2_000_000));
  const second = await stageWell(source, { paths: [tree], storeAs: '/v', tags: ['two'] });
  await source.store.close();
  modelIds = [first.snapshotId, second.snapshotId];
});

after(() => removeTree(model));

/** A copy of it, for a test to work on. */
async function bench(t: TestContext): Promise<Bench> {
  const folder = join(temporaryFolder(t), 'work');
  spawnSync('cp', ['-a', model, folder]);
  const source = await openQuickly(join(folder, 'source'));
  t.after(() => source.store.close());
  return { folder, tree: join(folder, 'tree'), source, ids: modelIds };
}

async function targetOf(t: TestContext, { folder }: Bench, chunkerOf?: Repository): Promise<Repository> {
  const store = await openStore(join(folder, 'target'));
  t.after(() => store.close());
  const keys = { password: 'other', scryptCost: weakScrypt, clock: hastyClock };
  return Repository.init(store, { ...keys, chunkerOf });
}

/** An empty repository of the source's key. */
async function twinOf({ folder }: Bench): Promise<Repository> {
  const twin = join(folder, 'target');
  cpSync(join(folder, 'source'), twin, { recursive: true });
  for (const kind of ['data', 'index', 'snapshots']) rmSync(join(twin, kind), { recursive: true });
  return openQuickly(twin);
}

function copy(source: Repository, target: Repository, options: CopyOptions = {}): Promise<CopyResult> {
  return copySnapshots(source, target, { workers: 1, ...options });
}

async function documents(repository: Repository): Promise<readonly string[]> {
  const { snapshots } = await listSnapshots(repository);
  const texts = snapshots.map(({ id }) => repository.loadDocument('snapshots', id));
  return (await Promise.all(texts)).map((json) => Buffer.from(json).toString());
}

/** The id of a file's first data blob. */
async function firstBlobOf({ source, ids }: Bench, file: string, snapshot: 0 | 1): Promise<string> {
  for await (const { path, node } of listEntries(source, { snapshot: ids[snapshot], recursive: true })) {
    if (path.toString() === file && node.content?.[0] !== undefined) return node.content[0];
  }
  throw new Error(`no contents of ${file}`);
}

/** The key of the pack that holds it. */
async function packOf(work: Bench, file: string, snapshot: 0 | 1): Promise<string> {
  const slice = (await loadIndex(work.source)).locate('data', await firstBlobOf(work, file, snapshot));
  assert.ok(slice !== undefined);
  return keyOf('data', slice.packId);
}

describe('copySnapshots', () => {
  it('copies snapshots with all they need, and a second time nothing', async (t) => {
    const work = await bench(t);
    const target = await targetOf(t, work);
    const result = await copy(work.source, target);
    assert.deepEqual(
      result.copied.map(({ sourceId }) => sourceId),
      work.ids,
    );
    assert.deepEqual([result.skipped, result.failed, result.damaged], [[], [], []]);
    assert.equal(result.counts.bytesCopied, result.counts.bytesFound);
    await checkWell(target);
    const [first = '', second = ''] = result.copied.map(({ targetId }) => targetId ?? '');
    await assertRestores(target, `${first}:/v`, join(work.folder, 'first'), join(work.folder, 'out'));
    await assertRestores(target, `${second}:/v`, work.tree, join(work.folder, 'out'));
    const stored = await target.listIds('data');
    const again = await copy(work.source, target);
    assert.deepEqual(again.copied, []);
    assert.deepEqual(again.skipped, result.copied);
    assert.deepEqual(await target.listIds('data'), stored);
    assert.ok((await timesStored(target)).every((times) => times === 1));
    for (const repository of [work.source, target]) assert.deepEqual(await repository.listIds('locks'), []);
  });

  it('keeps a snapshot’s document but for its parent, and names the first version', async (t) => {
    const work = await bench(t);
    const target = await targetOf(t, work);
    await copy(work.source, target);
    const originals = await documents(work.source);
    assert.match(originals[1] ?? '', /"parent":/);
    const expected = originals.map((text, index) =>
      text
        .replace(/"parent":"[0-9a-f]+",/, '')
        .replace(/("tags":\[[^\]]*\]),/, `$1,"original":"${work.ids[index === 0 ? 0 : 1]}",`),
    );
    assert.deepEqual(await documents(target), expected);
    const back = await copy(target, work.source);
    assert.deepEqual(back.copied, [], 'a copy was copied back');
  });

  it('copies a snapshot again whose tags were changed since, and no blob', async (t) => {
    const work = await bench(t);
    const target = await targetOf(t, work);
    await copy(work.source, target);
    await tagSnapshots(work.source, { snapshots: ['latest'], add: ['more'] });
    const result = await copy(work.source, target);
    assert.equal(result.copied.length, 1);
    assert.equal(result.counts.bytesAdded, 0);
  });

  it('copies what is named or matches, and takes only what that needs', async (t) => {
    const work = await bench(t);
    const target = await targetOf(t, work);
    const named = await copy(work.source, target, { snapshots: [work.ids[0].slice(0, 10)] });
    assert.deepEqual(
      named.copied.map(({ sourceId }) => sourceId),
      [work.ids[0]],
    );
    const filtered = await copy(work.source, target, { filter: { tags: [['two']] } });
    assert.deepEqual(
      filtered.copied.map(({ sourceId }) => sourceId),
      [work.ids[1]],
    );
    assert.ok(filtered.counts.bytesFound < named.counts.bytesFound);
    await checkWell(target);
    await assert.rejects(copy(work.source, target, { snapshots: ['ffff'] }), RepositoryError);
  });

  it('tells in a dry run what a copy then does, and writes nothing', async (t) => {
    const work = await bench(t);
    const target = await targetOf(t, work);
    const { copied, counts } = await copy(work.source, target, { dryRun: true });
    assert.deepEqual(
      copied.map(({ targetId }) => targetId),
      [undefined, undefined],
    );
    for (const kind of ['data', 'index', 'snapshots'] as const)
      assert.deepEqual(await target.listIds(kind), []);
    const real = await copy(work.source, target);
    const { dataBlobs, treeBlobs, bytesFound } = real.counts;
    assert.deepEqual(
      [counts.dataBlobs, counts.treeBlobs, counts.bytesFound],
      [dataBlobs, treeBlobs, bytesFound],
    );
  });

  it('hands blobs over as they are sealed where both repositories have one key', async (t) => {
    const work = await bench(t);
    const twin = await twinOf(work);
    await copy(work.source, twin);
    await checkWell(twin);
    const [there, here] = await Promise.all([loadIndex(twin), loadIndex(work.source)]);
    let compared = 0;
    for (let row = 0; row < here.blobs.size; row++) {
      if (here.blobs.typeAt(row) === 'tree') continue;
      const id = here.blobs.idAt(row);
      const envelopes = [work.source, twin].map(async (repository, index) => {
        const slice = (index === 0 ? here : there).locate('data', id);
        assert.ok(slice !== undefined);
        const range = { start: slice.offset, end: slice.offset + slice.length };
        return repository.store.get(keyOf('data', slice.packId), { range });
      });
      const [original, copied] = await Promise.all(envelopes);
      assert.deepEqual(copied, original);
      compared++;
    }
    assert.ok(compared > 20);
  });

  for (const isSameKey of [false, true]) {
    it(`a damaged blob fails its snapshot and no other${isSameKey ? ', also under one key' : ''}`, async (t) => {
      const work = await bench(t);
      const { folder, source, ids } = work;
      const target = isSameKey ? await twinOf(work) : await targetOf(t, work);
      const key = await packOf(work, '/v/late', 1);
      flipByte(join(folder, 'source', key));
      const events: CopyEvent[] = [];
      const result = await copy(source, target, { onEvent: (event) => void events.push(event) });
      assert.deepEqual(
        result.copied.map(({ sourceId }) => sourceId),
        [ids[0]],
      );
      const [failed] = result.failed;
      assert.equal(failed?.sourceId, ids[1]);
      assert.match(describeError(failed.error), new RegExp(`cannot be decrypted.*${key}, blob [0-9a-f]{64}`));
      assert.equal(events.filter(({ type }) => type === 'failed').length, 1);
      await checkWell(target);
      assert.equal((await listSnapshots(target)).snapshots.length, 1);
    });
  }

  it('does not stand still after its first batch', async (t) => {
    const work = await bench(t);
    const { source } = work;
    for (const name of ['third', 'fourth', 'fifth']) {
      writeFileSync(join(work.tree, name), random.bytes(6_000_000));
      await stageWell(source, { paths: [work.tree], storeAs: '/v' });
    }
    const trace = new Trace();
    const options = { password: 'other', scryptCost: weakScrypt, clock: hastyClock };
    const target = await Repository.init(new ObjectStore(withTrace(new MemoryDriver(), trace)), options);
    const small = { workers: 1, packSizeBytes: 4 * 2 ** 20 };
    const { copied } = await copyInBatches(source, target, small, { packs: 1, foundBytes: 1 });
    assert.equal(copied.length, 5);
    const indexes = trace.entries.filter(({ kind, key }) => kind === 'put' && key.startsWith('index/'));
    assert.ok(indexes.length >= 3, `${indexes.length} batches`);
    await checkWell(target);
    assert.ok((await timesStored(target)).every((times) => times === 1));
  });

  for (const isSameKey of [false, true]) {
    it(`a blob under another’s id is not copied${isSameKey ? ', also under one key' : ''}`, async (t) => {
      const work = await bench(t);
      const target = isSameKey ? await twinOf(work) : await targetOf(t, work);
      const [one, other] = [
        await firstBlobOf(work, '/v/a/b/noise', 0),
        await firstBlobOf(work, '/v/a/b/29', 0),
      ];
      await renameBlobs(work.source, (id) => (id === one ? other : id === other ? one : id));
      const { copied, failed } = await copy(work.source, target);
      assert.deepEqual([copied.length, failed.length], [0, 2]);
      assert.match(describeError(failed[0]?.error), /does not hash to its id: data.*, blob [0-9a-f]{64}/);
      await checkWell(target);
    });
  }

  it('a lost lock ends the copy, and is not told as damage of what was left', async (t) => {
    const work = await bench(t);
    const target = await targetOf(t, work);
    const noise = await packOf(work, '/v/a/b/noise', 0);
    flipByte(join(work.folder, 'source', noise));
    await stageWell(work.source, { paths: [work.tree], storeAs: '/v', tags: ['three'] });
    const lost = new RepositoryError('locked', 'the lock was lost');
    const controller = new AbortController();
    const told: string[] = [];
    const copying = copy(work.source, target, {
      signal: controller.signal,
      onEvent: (event) => {
        told.push(event.type);
        if (event.type === 'failed') controller.abort(lost);
      },
    });
    await assert.rejects(copying, lost);
    assert.equal(told.filter((type) => type === 'failed').length, 1);
  });

  it('a target that refuses packs ends the copy, and no snapshot is told to be damaged', async (t) => {
    const work = await bench(t);
    // Fills a pack, whose refusal the walk then meets in the folders.
    writeFileSync(join(work.tree, 'large'), random.bytes(6_000_000));
    const { snapshotId } = await stageWell(work.source, { paths: [work.tree], storeAs: '/v' });
    const memory = new MemoryDriver();
    const options = { password: 'other', scryptCost: weakScrypt, clock: hastyClock };
    await Repository.init(new ObjectStore(memory), options);
    for (const code of ['corrupt', 'not-found'] as const) {
      const refused = new StoreError(code, 'refused');
      const action = { kind: 'fail-before', error: refused } as const;
      const rules = faultRules({ on: 'put', key: /^data/, times: Infinity, action });
      const store = new ObjectStore(withFaults(memory, rules));
      const told: string[] = [];
      const copying = copyInBatches(
        work.source,
        await Repository.open(store, options),
        {
          snapshots: [snapshotId],
          workers: 1,
          packSizeBytes: 4 * 2 ** 20,
          onEvent: ({ type }) => void told.push(type),
        },
        { packs: 1, foundBytes: 1 },
      );
      await assert.rejects(copying, refused);
      assert.ok(!told.includes('failed'));
    }
  });

  it('a dry run fails every snapshot that needs what neither side has', async (t) => {
    const work = await bench(t);
    const target = await targetOf(t, work);
    const forgotten = await firstBlobOf(work, '/v/a/b/noise', 0);
    writeFileSync(join(work.tree, 'a/b/beside'), 'another folder with the same file');
    await stageWell(work.source, { paths: [work.tree], storeAs: '/v' });
    await renameBlobs(work.source, (id) => (id === forgotten ? undefined : id));
    for (const dryRun of [true, false]) {
      const { copied, failed } = await copy(work.source, target, { dryRun });
      assert.deepEqual([copied.length, failed.length], [0, 3]);
      for (const { error } of failed)
        assert.match(describeError(error), new RegExp(`knows no.*${forgotten}`));
    }
  });

  it('a pack that is missing or cut off is named, and the snapshots without it are copied', async (t) => {
    for (const damage of [(path: string) => rmSync(path), (path: string) => truncateSync(path, 100)]) {
      const work = await bench(t);
      const target = await targetOf(t, work);
      const key = await packOf(work, '/v/late', 1);
      damage(join(work.folder, 'source', key));
      const { copied, failed } = await copy(work.source, target);
      assert.equal(copied.length, 1);
      assert.match(describeError(failed[0]?.error), new RegExp(`the pack is missing or too short: ${key}`));
      await checkWell(target);
      rmSync(join(work.folder, 'target'), { recursive: true });
    }
  });

  it('a missing tree, and a blob that no index knows, fail the snapshots that need them', async (t) => {
    const work = await bench(t);
    const target = await targetOf(t, work);
    const [index = ''] = await indexOf(work.source, await packOf(work, '/v/late', 1));
    await work.source.store.delete(keyOf('index', index));
    const { copied, failed } = await copy(work.source, target);
    assert.equal(copied.length + failed.length, 2);
    assert.ok(failed.length > 0);
    assert.match(describeError(failed[0]?.error), /the index knows no (data|tree) blob/);
    await checkWell(target);
  });

  it('goes on where a cancelled copy ended, and stores no blob twice', async (t) => {
    const work = await bench(t);
    const target = await targetOf(t, work);
    const controller = new AbortController();
    const stopped = copy(work.source, target, {
      packSizeBytes: 4 * 2 ** 20,
      signal: controller.signal,
      onEvent: ({ type }) => {
        if (type === 'copied') controller.abort();
      },
    });
    await assert.rejects(stopped, CancelledError);
    assert.equal((await listSnapshots(target)).snapshots.length, 1);
    assert.deepEqual(await target.listIds('locks'), []);
    const result = await copy(work.source, target);
    assert.equal(result.counts.bytesAdded, 0);
    assert.equal(result.copied.length, 1);
    assert.ok((await timesStored(target)).every((times) => times === 1));
    await checkWell(target);
  });

  it('wherever a copy ends, the target is whole, and copying again completes it', async (t) => {
    const work = await bench(t);
    const trace = new Trace();
    const memory = new MemoryDriver();
    const options = { password: PEER_PASSWORD, scryptCost: weakScrypt, clock: hastyClock };
    const empty = await Repository.init(new ObjectStore(memory), options);
    const initial = memory.contents();
    assert.deepEqual(await empty.listIds('snapshots'), []);
    const traced = new ObjectStore(withTrace(memory, trace));
    await copy(work.source, await Repository.open(traced, options));
    let states = 0;
    for (const { objects, label, snapshots } of crashStates(trace.entries, initial, random)) {
      const store = new ObjectStore(new MemoryDriver({ objects }));
      const state = await Repository.open(store, options);
      await checkWell(state);
      const { snapshots: there } = await listSnapshots(state);
      assert.ok(there.length >= snapshots.length, label);
      if (states++ % 4 === 0) {
        const { copied, skipped } = await copy(work.source, state);
        assert.equal(copied.length + skipped.length, 2, label);
        await checkWell(state);
      }
    }
    assert.ok(states > 5);
  });

  it('respects exclusive locks on either side, and reads without one where told to', async (t) => {
    const work = await bench(t);
    const target = await targetOf(t, work);
    for (const held of [work.source, target]) {
      const lock = await acquireLock(held, { exclusive: true });
      await assert.rejects(copy(work.source, target), (error) => {
        return error instanceof RepositoryError && error.code === 'locked';
      });
      await lock.release();
    }
    const lock = await acquireLock(work.source, { exclusive: true });
    const { copied } = await copy(work.source, target, { noSourceLock: true });
    assert.equal(copied.length, 2);
    await lock.release();
    await assert.rejects(copy(target, target), UsageError);
    await assert.rejects(copy(work.source, target, { packSizeBytes: 1 }), UsageError);
  });

  it('a target that was made to cut alike deduplicates later passes against what was copied', async (t) => {
    const work = await bench(t);
    const warnings: string[] = [];
    const warn = (event: CopyEvent): void => {
      if (event.type === 'warning') warnings.push(event.message);
    };
    const target = await targetOf(t, work, work.source);
    assert.ok(target.cutsLike(work.source) && work.source.cutsLike(target));
    await copy(work.source, target, { onEvent: warn });
    assert.deepEqual(warnings, []);
    const reopened = await Repository.open(target.store, { password: 'other', clock: hastyClock });
    const { counts } = await stageWell(reopened, { paths: [work.tree], storeAs: '/v', force: true });
    assert.equal(counts.dataBlobs, 0);
    const other = await initQuickly(join(work.folder, 'other'));
    await copy(work.source, other, { onEvent: warn });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /copy-chunker-params/);
    await other.store.close();
  });
});

function flipByte(path: string): void {
  const bytes = readFileSync(path);
  bytes[1000] = (bytes[1000] ?? 0) ^ 1;
  rmSync(path);
  writeFileSync(path, bytes);
}

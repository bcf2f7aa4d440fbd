import assert from 'node:assert/strict';
import {
  chmodSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import {
  close,
  listExtendedAttributes,
  openRoot,
  setExtendedAttribute,
  setOwner,
} from '../../src/base/file-system.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import { nodeAt } from '../../src/repository/snapshot-path.ts';
import { findSnapshot, loadSnapshot } from '../../src/repository/snapshots.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { TreeLoader } from '../../src/repository/tree-loader.ts';
import type { TreeNode } from '../../src/repository/format/tree-node.ts';
import { makeRandomTree } from '../support/random-tree.ts';
import { rootTest } from '../support/root-test.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { restoreAll, stageAll, stateOf, workplace } from './copying.ts';
import type { Workplace } from './copying.ts';

async function withSource(
  t: Parameters<typeof workplace>[0],
): Promise<Workplace & { readonly source: string }> {
  const place = await workplace(t);
  const source = join(place.folder, 'source');
  mkdirSync(join(source, 'folder'), { recursive: true });
  for (const name of ['a', 'b', 'folder/c']) writeFileSync(join(source, name), `contents of ${name}`);
  return { ...place, source };
}

async function nodeOf(repository: Repository, path: string): Promise<TreeNode | undefined> {
  const snapshot = await findSnapshot(repository, 'latest');
  const trees = new TreeLoader(repository, await loadIndex(repository));
  return nodeAt(
    trees,
    snapshot,
    path.split('/').filter((name) => name !== ''),
  );
}

describe('an unchanged file', () => {
  it('is not read again, by size, times and inode', async (t) => {
    const { source, repository, folder } = await withSource(t);
    const path = join(source, 'a');
    utimesSync(path, 5, 5);
    await stageAll(repository, source);
    const same = await stageAll(repository, source);
    assert.deepEqual(
      [same.counts.filesUnmodified, same.counts.filesChanged, same.counts.dataBlobs],
      [3, 0, 0],
    );
    // Other bytes under the same size and modification time: only the change time tells.
    writeFileSync(path, 'Contents of a');
    utimesSync(path, 5, 5);
    const blind = await stageAll(repository, source, { ignoreCtime: true });
    assert.equal(blind.counts.filesUnmodified, 3);
    await restoreAll(repository, join(folder, 'blind'));
    assert.equal(
      readFileSync(join(folder, 'blind', 'a'), 'utf8'),
      'contents of a',
      'its bytes were not read',
    );
  });

  it('is read when its modification time, change time, size or inode is another', async (t) => {
    const { source, repository } = await withSource(t);
    const changes: Readonly<Record<string, () => void>> = {
      mtime: () => utimesSync(join(source, 'a'), 5, 5),
      ctime: () => chmodSync(join(source, 'a'), 0o640),
      size: () => writeFileSync(join(source, 'a'), 'longer contents of a'),
      inode: () => {
        writeFileSync(join(source, 'new'), readFileSync(join(source, 'a')));
        renameSync(join(source, 'new'), join(source, 'a'));
      },
    };
    await stageAll(repository, source);
    for (const [what, change] of Object.entries(changes)) {
      change();
      const staged = await stageAll(repository, source);
      assert.ok(staged.items.includes('changed v/a'), what);
      assert.equal(staged.counts.filesUnmodified, 2, what);
    }
    chmodSync(join(source, 'a'), 0o600);
    const ignoring = await stageAll(repository, source, { ignoreCtime: true });
    assert.equal(ignoring.counts.filesUnmodified, 3);
    assert.equal((await nodeOf(repository, 'v/a'))?.mode, 0o600, 'its mode is taken afresh');
    const forced = await stageAll(repository, source, { force: true });
    assert.deepEqual([forced.parentId, forced.counts.filesNew, forced.counts.dataBlobs], [undefined, 3, 0]);
  });

  it('of a moved volume is found when inodes are ignored', async (t) => {
    const { folder, source, repository } = await withSource(t);
    await stageAll(repository, source);
    const moved = join(folder, 'moved');
    await restoreAll(repository, moved);
    const read = await stageAll(repository, moved);
    assert.equal(read.counts.filesChanged, 3);
    await restoreAll(repository, join(folder, 'again'));
    const unread = await stageAll(repository, join(folder, 'again'), { ignoreInode: true });
    assert.equal(unread.counts.filesUnmodified, 3);
  });

  it('whose blob is gone from the index is read again', async (t) => {
    const { source, location, repository } = await withSource(t);
    await stageAll(repository, source);
    for (const id of await repository.listIds('index')) await repository.removeDocument('index', id);
    const staged = await stageAll(repository, source);
    assert.equal(staged.counts.filesUnmodified, 0);
    assert.equal(staged.counts.dataBlobs, 3);
    assert.ok(readdirSync(join(location, 'index')).length > 0);
  });
});

describe('the parent', () => {
  it('is the newest of the same host, paths and volume that is not in the future', async (t) => {
    const { source, repository } = await withSource(t);
    const day = (number: number): number => Date.UTC(2026, 0, number);
    const volume = (name: string): { readonly tags: readonly string[] } => ({ tags: [`volume=${name}`] });
    const first = await stageAll(repository, source, { timeMs: day(1), hostname: 'h', ...volume('one') });
    const second = await stageAll(repository, source, { timeMs: day(2), hostname: 'h', ...volume('one') });
    await stageAll(repository, source, { timeMs: day(3), hostname: 'other', ...volume('one') });
    await stageAll(repository, source, { timeMs: day(3), hostname: 'h', ...volume('two') });
    await stageAll(repository, source, { timeMs: day(3), hostname: 'h', storeAs: '/w', ...volume('one') });
    await stageAll(repository, source, { timeMs: day(9), hostname: 'h', ...volume('one') });
    const parentOf = async (options: Parameters<typeof stageAll>[2]): Promise<string | undefined> =>
      (await stageAll(repository, source, { timeMs: day(4), dryRun: true, hostname: 'h', ...options }))
        .parentId;
    assert.equal(first.parentId, undefined);
    assert.equal(second.parentId, first.snapshotId);
    assert.equal(await parentOf(volume('one')), second.snapshotId);
    assert.equal(
      await parentOf({ ...volume('one'), parent: first.snapshotId?.slice(0, 12) }),
      first.snapshotId,
    );
    assert.equal(await parentOf({ ...volume('one'), force: true }), undefined);
    assert.equal(await parentOf({ ...volume('three') }), undefined);
    assert.equal(await parentOf({ ...volume('one'), hostname: 'nobody' }), undefined);
  });

  it('that is named and not there is an error', async (t) => {
    const { source, repository } = await withSource(t);
    await assert.rejects(stageAll(repository, source, { parent: 'abcdef' }), { code: 'not-found' });
    await assert.rejects(stageAll(repository, source, { parent: 'not hex' }), UsageError);
    assert.equal((await stateOf(repository)).locks, 0);
  });
});

describe('a pass', () => {
  it('that finds nothing new writes no snapshot when asked to', async (t) => {
    const { source, repository } = await withSource(t);
    const first = await stageAll(repository, source, { skipIfUnchanged: true });
    assert.ok(first.snapshotId !== undefined);
    const second = await stageAll(repository, source, { skipIfUnchanged: true });
    assert.deepEqual(
      [second.snapshotId, second.parentId, second.tree],
      [undefined, first.snapshotId, first.tree],
    );
    chmodSync(join(source, 'folder'), 0o700);
    const third = await stageAll(repository, source, { skipIfUnchanged: true });
    assert.ok(third.snapshotId !== undefined);
    assert.equal((await stateOf(repository)).snapshots.length, 2);
  });

  it('that is dry stores nothing and tells the same', async (t) => {
    const { source, repository } = await withSource(t);
    makeRandomTree(join(source, 'random'), 3);
    const dry = await stageAll(repository, source, { dryRun: true });
    assert.equal(dry.snapshotId, undefined);
    for (const kind of ['data', 'index', 'snapshots', 'locks'] as const) {
      assert.deepEqual(await repository.listIds(kind), [], kind);
    }
    const real = await stageAll(repository, source);
    assert.equal(dry.tree, real.tree);
    assert.deepEqual(dry.counts, real.counts);
  });

  it('writes the summary that it reports', async (t) => {
    const { source, repository } = await withSource(t);
    const options = {
      tags: ['one', 'two'],
      hostname: 'h',
      excludes: ['*.tmp'],
      timeMs: Date.UTC(2026, 1, 3),
    };
    const staged = await stageAll(repository, source, options);
    const snapshot = await loadSnapshot(repository, staged.snapshotId ?? '');
    assert.deepEqual(
      [snapshot.tags, snapshot.hostname, snapshot.excludes, snapshot.paths],
      [['one', 'two'], 'h', ['*.tmp'], ['/v']],
    );
    assert.equal(snapshot.time, '2026-02-03T00:00:00Z');
    const { summary } = snapshot;
    assert.equal(summary?.filesNew, 3);
    assert.equal(summary?.dirsNew, 2);
    assert.equal(summary?.dataBlobs, 3);
    assert.equal(summary?.totalBytesProcessed, 46);
    assert.equal(summary?.dataAddedPacked, staged.counts.dataAddedPacked);
  });

  it('refuses options that make no sense', async (t) => {
    const { source, repository } = await withSource(t);
    for (const options of [
      { packSizeBytes: 2 ** 20 },
      { packSizeBytes: 2 ** 30 },
      { paths: [source, '/'] },
      { paths: [] },
      { tags: [''] },
      { storeAs: 'relative' },
      { storeAs: '/' },
      { storeAs: '/a/../b' },
    ]) {
      await assert.rejects(stageAll(repository, source, options), UsageError, JSON.stringify(options));
    }
    assert.deepEqual(await stateOf(repository), { snapshots: [], locks: 0 });
  });
});

describe('a volume', () => {
  it('that is stored as a path has its own mode and times there, below folders of 1970', async (t) => {
    const { folder, source, repository } = await withSource(t);
    chmodSync(source, 0o3751);
    utimesSync(source, 123, 456.5);
    symlinkSync('source', join(folder, 'link'));
    await stageAll(repository, join(folder, 'link'), { storeAs: '/pvc/data' });
    const root = await nodeOf(repository, '/pvc/data');
    assert.equal(root?.type, 'dir');
    assert.equal(root?.mtime, '1970-01-01T00:07:36.5Z');
    const above = await nodeOf(repository, '/pvc');
    assert.deepEqual([above?.mtime, above?.uid], ['1970-01-01T00:00:00Z', 0]);
    const target = join(folder, 'target');
    await restoreAll(repository, target, { snapshot: 'latest:/pvc/data' });
    assert.deepEqual(compareTrees(source, target), []);
    assert.equal(statSync(target).mode & 0o7777, 0o3751);
  });

  rootTest('brings the owner, attributes and ACL of its root', async (t) => {
    const { folder, source, repository } = await withSource(t);
    const acl = Buffer.from(
      [
        '02000000',
        '01000700ffffffff',
        '02000500d2040000',
        '04000500ffffffff',
        '10000500ffffffff',
        '20000000ffffffff',
      ].join(''),
      'hex',
    );
    const fd = openRoot(source);
    setOwner(fd, 1234, 4321);
    setExtendedAttribute(fd, 'user.comment', Buffer.from('a volume'));
    setExtendedAttribute(fd, 'system.posix_acl_access', acl);
    setExtendedAttribute(fd, 'system.posix_acl_default', acl);
    const attributes = listExtendedAttributes(fd).length;
    close(fd);
    lutimesSync(source, 7, 7);
    await stageAll(repository, source);
    const target = join(folder, 'target');
    await restoreAll(repository, target);
    assert.deepEqual(compareTrees(source, target), []);
    assert.deepEqual([statSync(target).uid, statSync(target).gid, attributes], [1234, 4321, 3]);
    const root = await nodeOf(repository, '/v');
    assert.equal(root?.extendedAttributes?.length, 3);
  });

  it('that is one file is stored and restored under its new name', async (t) => {
    const { folder, source, repository } = await withSource(t);
    await stageAll(repository, join(source, 'a'), { storeAs: '/images/disk' });
    const target = join(folder, 'target');
    await restoreAll(repository, target, { snapshot: 'latest' });
    assert.equal(readFileSync(join(target, 'images', 'disk'), 'utf8'), 'contents of a');
    const again = await stageAll(repository, join(source, 'a'), { storeAs: '/images/disk' });
    assert.equal(again.isPartial, false);
  });
});

describe('a source that is one file', () => {
  for (const storeAs of [undefined, '/images/disk']) {
    it(`is not read again by the second pass (${storeAs ?? 'as its own path'})`, async (t) => {
      const { source, repository } = await withSource(t);
      const options = { storeAs };
      const first = await stageAll(repository, join(source, 'a'), options);
      const second = await stageAll(repository, join(source, 'a'), options);
      assert.equal(second.parentId, first.snapshotId);
      // Under its own path the folders above it are stored too, and others change those meanwhile.
      if (storeAs !== undefined) assert.equal(second.tree, first.tree);
      const { filesNew, filesChanged, filesUnmodified, dataBlobs } = second.counts;
      assert.deepEqual([filesNew, filesChanged, filesUnmodified, dataBlobs], [0, 0, 1, 0]);
      writeFileSync(join(source, 'a'), 'other contents of a');
      const third = await stageAll(repository, join(source, 'a'), options);
      assert.deepEqual([third.counts.filesNew, third.counts.filesChanged], [0, 1]);
    });
  }
});

describe('several paths', () => {
  it('stand in the snapshot at their own places', async (t) => {
    const { folder, source, repository } = await withSource(t);
    const target = join(folder, 'target');
    const options = {
      storeAs: undefined,
      paths: ['source/folder', join(source, 'a'), 'source/folder/c'],
      workingFolder: folder,
    };
    const staged = await stageAll(repository, source, options);
    assert.deepEqual((await loadSnapshot(repository, staged.snapshotId ?? '')).paths, [
      join(source, 'a'),
      join(source, 'folder'),
      join(source, 'folder', 'c'),
    ]);
    await restoreAll(repository, target, { snapshot: 'latest' });
    const restored = join(target, source);
    assert.deepEqual(readdirSync(restored).toSorted(), ['a', 'folder']);
    assert.deepEqual(compareTrees(join(source, 'folder'), join(restored, 'folder')), []);
  });
});

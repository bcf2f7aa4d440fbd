import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { CancelledError, RepositoryError } from '../../src/base/errors.ts';
import { readArchive, readFile } from '../../src/copy/dump.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import { rootTest } from '../support/root-test.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import { makeRandomTree } from '../support/random-tree.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { extractTar } from './archive/gnu-tar.ts';
import { pathText, stageAll, stateOf, workplace } from './copying.ts';
import { HandMade, fileNode, folderNode, rawNode } from './hand-made.ts';

rootTest('random trees are the same when GNU tar extracts their archive', async (t) => {
  const folder = temporaryFolder(t);
  await forEachSeed(t, scaled(3, 40), async (seed) => {
    const [source, target, location] = ['source', 'target', 'repository'].map((name) => join(folder, name));
    if (source === undefined || target === undefined || location === undefined) return;
    const repository = await initQuickly(location);
    try {
      mkdirSync(source);
      makeRandomTree(join(source, 'tree'), seed, { devices: true });
      await stageAll(repository, source);
      await extractTar(readArchive(repository, { snapshot: 'latest:/v' }), target);
      // An archive has no holes, and the folder that is archived no entry.
      assert.deepEqual(compareTrees(source, target, { ignore: ['allocation', 'root'] }), []);
    } finally {
      await repository.store.close();
      for (const path of [source, target, location]) removeTree(path);
    }
  });
});

describe('a file of a snapshot', () => {
  it('comes whole, however it is cut', async (t) => {
    const { folder, repository } = await workplace(t, { chunker: 'rabin' });
    const source = join(folder, 'source');
    mkdirSync(join(source, 'sub'), { recursive: true });
    const contents = createRandom(1).bytes(6 * 2 ** 20);
    contents.fill(0, 2 ** 20, 4 * 2 ** 20);
    writeFileSync(join(source, 'sub', 'large'), contents);
    writeFileSync(join(source, 'empty'), '');
    await stageAll(repository, source);
    const large = await buffer(readFile(repository, { snapshot: 'latest:/v/sub/large' }));
    assert.ok(large.equals(contents));
    assert.equal((await buffer(readFile(repository, { snapshot: 'latest:/v/empty' }))).length, 0);
    assert.equal((await stateOf(repository)).locks, 0);
  });

  it('is refused by name where it is none', async (t) => {
    const { folder, repository } = await workplace(t);
    const source = join(folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'x');
    await stageAll(repository, source);
    const refused = async (work: AsyncIterable<Uint8Array>, code: string, text: RegExp): Promise<void> => {
      await assert.rejects(buffer(work), (error) => {
        assert.ok(error instanceof RepositoryError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, text);
        return true;
      });
    };
    await refused(
      readFile(repository, { snapshot: 'latest:/v' }),
      'unsupported',
      /not a file.*dir: \w+:\/v$/,
    );
    await refused(readFile(repository, { snapshot: 'latest' }), 'unsupported', /not a file.*dir/);
    await refused(readFile(repository, { snapshot: 'latest:/v/no' }), 'not-found', /no such path/);
    await refused(readArchive(repository, { snapshot: 'latest:/v/file' }), 'unsupported', /not a folder/);
    assert.equal((await stateOf(repository)).locks, 0);
  });

  it('may be left half-way, or cancelled, and leaves no lock', async (t) => {
    const { folder, repository } = await workplace(t, { chunker: 'rabin' });
    const source = join(folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), createRandom(2).bytes(5 * 2 ** 20));
    await stageAll(repository, source);
    const options = { snapshot: 'latest:/v/file' };
    for await (const piece of readFile(repository, options)) {
      assert.ok(piece.length > 0);
      assert.equal((await stateOf(repository)).locks, 1);
      break;
    }
    assert.equal((await stateOf(repository)).locks, 0);
    const controller = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const piece of readFile(repository, { ...options, signal: controller.signal })) {
        assert.ok(piece.length > 0);
        controller.abort();
      }
    };
    await assert.rejects(reading(), CancelledError);
    assert.equal((await stateOf(repository)).locks, 0);
  });
});

test('an archive names the file whose blob is damaged', async (t) => {
  const { folder, location, repository } = await workplace(t);
  const source = join(folder, 'source');
  mkdirSync(join(source, 'folder'), { recursive: true });
  writeFileSync(join(source, 'a'), 'sound');
  writeFileSync(join(source, 'folder', 'b\n'), 'damaged');
  await stageAll(repository, source);
  const index = await loadIndex(repository);
  const [packId = ''] = await packsOf(index);
  const path = join(location, keyOf('data', packId));
  const bytes = readFileSync(path);
  bytes[(bytes.length >> 4) + 60] = (bytes[(bytes.length >> 4) + 60] ?? 0) ^ 1;
  removeTree(path);
  writeFileSync(path, bytes);
  await assert.rejects(buffer(readArchive(repository, { snapshot: 'latest:/v' })), (error) => {
    assert.ok(error instanceof RepositoryError);
    assert.match(error.message, /: \/(a|folder\/b\\x0a), data\/../);
    return error.code === 'corrupt';
  });
});

async function packsOf(index: Awaited<ReturnType<typeof loadIndex>>): Promise<string[]> {
  const rows = Array.from({ length: index.blobs.size }, (_, row) => row);
  const data = rows.filter((row) => index.blobs.typeAt(row) === 'data');
  return [...new Set(data.map((row) => index.packs.idOf(index.blobs.locationAt(row)?.packNumber ?? 0)))];
}

test('a hostile tree makes no link between different files', async (t) => {
  const { folder, repository } = await workplace(t);
  const made = new HandMade(repository);
  const shared = { links: 2, inode: 7, device_id: 1 };
  const [one, two] = [made.data('one'), made.data('two')];
  const below = made.tree([fileNode('c', [one], 3, shared)]);
  await made.save(
    made.tree([
      fileNode('a', [one], 3, shared),
      fileNode('b', [two], 3, shared),
      folderNode('f', below),
      rawNode('lost', 'dir', { mode: 0x800001ed }),
      rawNode('socket', 'socket'),
    ]),
  );
  const target = join(folder, 'target');
  const warnings: string[] = [];
  const onWarning = (path: Uint8Array, message: string): void =>
    void warnings.push(`${pathText(path)}: ${message}`);
  await extractTar(readArchive(repository, { snapshot: 'latest', onWarning }), target);
  assert.deepEqual(
    ['a', 'b', 'f/c'].map((name) => readFileSync(join(target, name), 'utf8')),
    ['one', 'two', 'one'],
  );
  assert.deepEqual(warnings, [
    'lost: the folder has no tree',
    'socket: a node of type socket is left out: an archive cannot hold it',
  ]);
});

test('a file that claims another size than its blobs have ends the archive before its header', async (t) => {
  const { repository } = await workplace(t);
  const made = new HandMade(repository);
  await made.save(made.tree([fileNode('a', [made.data('one')], 4)]));
  for (const work of [
    readArchive(repository, { snapshot: 'latest' }),
    readFile(repository, { snapshot: 'latest:/a' }),
  ]) {
    await assert.rejects(buffer(work), /the file claims 4 bytes, its blobs hold 3/);
  }
});

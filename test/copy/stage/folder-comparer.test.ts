import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { statAt } from '../../../src/base/file-system.ts';
import type { FolderToCompare } from '../../../src/copy/pipeline/folder-comparison.ts';
import { fileNodeText, statusHead } from '../../../src/copy/source/source-node.ts';
import { FolderComparer } from '../../../src/copy/stage/folder-comparer.ts';
import { ReliedBlobs } from '../../../src/copy/stage/relied-blobs.ts';
import { sliceTree } from '../../../src/copy/stage/tree-slices.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { BlobOpener } from '../../../src/repository/blob-opener.ts';
import { treeOfTexts } from '../../../src/repository/format/tree.ts';
import { loadIndex } from '../../../src/repository/loaded-index.ts';
import { TreeLoader } from '../../../src/repository/tree-loader.ts';
import { putIndex, putPack, sha256, smallRepository } from '../../repository/small-repository.ts';
import { openFolder } from '../../support/open-folder.ts';
import type { OpenFolder } from '../../support/open-folder.ts';
import { createRandom, forEachSeed, scaled } from '../../support/seed.ts';

const content = [sha256(Buffer.from('a blob'))];

/** The text that a file is stored as. */
function nodeOf({ fd }: OpenFolder, name: string, ids: readonly string[] = content): string {
  const latin1 = Buffer.from(name).toString('latin1');
  return fileNodeText(statusHead(latin1, statAt(fd, latin1)), [], ids);
}

function folderOf(t: Pick<TestContext, 'after'>, names: readonly string[]): OpenFolder {
  const folder = openFolder(t);
  for (const name of names) writeFileSync(join(folder.path, name), `contents of ${name}`);
  return folder;
}

function sortedNames({ path }: OpenFolder): string[] {
  return readdirSync(path, { encoding: 'latin1' }).toSorted();
}

/** The folder beside a tree of these texts, uncut. */
function besideTree(folder: OpenFolder, texts: readonly string[]): FolderToCompare {
  const names = sortedNames(folder);
  const [slice, ...others] = sliceTree('tree', treeOfTexts(texts), names, 1);
  assert.ok(slice !== undefined && others.length === 0);
  return { fd: folder.fd, ...slice };
}

async function comparer(
  t: Pick<TestContext, 'after'>,
): Promise<{ comparer: FolderComparer; blobs: BlobIndex }> {
  const { repository } = await smallRepository();
  const blobs = BlobIndex.create();
  for (const id of content) blobs.claim('data', id);
  const opener = new BlobOpener(repository.secrets.masterKey);
  t.after(() => opener.close());
  return { comparer: new FolderComparer(blobs, opener), blobs };
}

describe('a comparer of folders', () => {
  it('keeps the files that the parent has just so, notes their blobs, and hands back the other nodes', async (t) => {
    const { comparer: subject, blobs } = await comparer(t);
    const folder = folderOf(t, ['a', 'b', 'c', 'd', 'e']);
    const texts = ['a', 'b', 'c', 'd', 'e'].map((name) => nodeOf(folder, name));
    const [a, b, c, d, e] = texts;
    chmodSync(join(folder.path, 'c'), 0o640);
    rmSync(join(folder.path, 'd'));
    writeFileSync(join(folder.path, 'bb'), 'new');
    mkdirSync(join(folder.path, 'f'));
    symlinkSync('target', join(folder.path, 'g'));
    const relied = new ReliedBlobs(blobs);
    const [compared] = subject.compare({ folders: [besideTree(folder, texts)], relied: relied.memory });
    assert.deepEqual([...(compared?.sizes ?? [])], [13, 13, -1, -1, 13, -1, -1]);
    assert.deepEqual(compared?.kept, [
      { place: 0, text: `${a},${b}` },
      { place: 4, text: e },
    ]);
    assert.equal(compared?.rest, `${c},${d}`);
    assert.deepEqual([...relied.rows()], [blobs.rowOf('data', content[0] ?? '')]);
  });

  it('hands back no node where the folder is as it was', async (t) => {
    const { comparer: subject, blobs } = await comparer(t);
    const folder = folderOf(t, ['a', 'b']);
    const whole = besideTree(
      folder,
      ['a', 'b'].map((name) => nodeOf(folder, name)),
    );
    const empty = besideTree(folder, []);
    const relied = new ReliedBlobs(blobs).memory;
    const [first, second] = subject.compare({ folders: [whole, empty], relied });
    assert.deepEqual([first?.kept, first?.rest], [[], '']);
    assert.deepEqual([second?.kept, second?.rest, [...(second?.sizes ?? [])]], [[], '', [-1, -1]]);
  });

  it('parts the nodes of neighbours between which a new file stands', async (t) => {
    const { comparer: subject, blobs } = await comparer(t);
    const folder = folderOf(t, ['a', 'c']);
    const texts = ['a', 'c'].map((name) => nodeOf(folder, name));
    writeFileSync(join(folder.path, 'b'), 'new');
    const relied = new ReliedBlobs(blobs).memory;
    const [compared] = subject.compare({ folders: [besideTree(folder, texts)], relied });
    assert.deepEqual(compared?.kept, [
      { place: 0, text: texts[0] },
      { place: 2, text: texts[1] },
    ]);
  });

  it('keeps no file of which a blob is not indexed', async (t) => {
    const { comparer: subject, blobs } = await comparer(t);
    const folder = folderOf(t, ['a']);
    const text = nodeOf(folder, 'a', [...content, sha256(Buffer.from('gone'))]);
    const relied = new ReliedBlobs(blobs);
    const [compared] = subject.compare({ folders: [besideTree(folder, [text])], relied: relied.memory });
    assert.deepEqual([[...(compared?.sizes ?? [])], compared?.rest], [[-1], text]);
    assert.deepEqual([...relied.rows()], []);
  });

  it('opens a sealed tree, and answers nothing of one that is damaged or has another form', async (t) => {
    const { repository } = await smallRepository();
    const folder = folderOf(t, ['a']);
    const plaintexts = [
      treeOfTexts([nodeOf(folder, 'a')]),
      Buffer.from(JSON.stringify(JSON.parse(treeOfTexts([nodeOf(folder, 'a')]).toString()), undefined, 1)),
    ];
    await putIndex(repository, [await putPack(repository, 'tree', plaintexts)]);
    const index = await loadIndex(repository);
    for (const id of content) index.blobs.claim('data', id);
    const trees = new TreeLoader(repository, index);
    const [ours, other] = await Promise.all(
      plaintexts.map((plaintext) => trees.loadSealed(sha256(plaintext))),
    );
    assert.ok(ours !== undefined && other !== undefined);
    const damaged = { ...ours, sealed: ours.sealed.map((byte, place) => (place === 20 ? byte ^ 1 : byte)) };
    const opener = new BlobOpener(repository.secrets.masterKey);
    t.after(() => opener.close());
    const folders = [ours, other, damaged].map((tree) => ({ fd: folder.fd, names: 'a', tree }));
    const relied = new ReliedBlobs(index.blobs).memory;
    const compared = new FolderComparer(index.blobs, opener).compare({ folders, relied });
    assert.deepEqual(
      compared.map((answer) => answer?.sizes.length),
      [1, undefined, undefined],
    );
  });
});

describe('the slices of a tree', () => {
  it('hold each node and each name once, a node beside its name', async (t) => {
    await forEachSeed(t, scaled(20, 500), (seed) => {
      const random = createRandom(seed);
      const kinds = ['', '"', '\n', 'ü', '<', '},{"name":"x","type":"file'] as const;
      const all = Array.from({ length: random.between(1, 60) }, (_, i) =>
        Buffer.from(`${String(i).padStart(3, '0')}${random.pick(kinds)}`).toString('latin1'),
      );
      const inTree = all.filter(() => random.chance(0.8));
      const inFolder = all.filter(() => random.chance(0.8));
      const folder = openFolder(t);
      writeFileSync(join(folder.path, 'any'), '');
      const status = statAt(folder.fd, 'any');
      const texts = inTree.map((name) => fileNodeText(statusHead(name, status), [], content));
      const slices = sliceTree('tree', treeOfTexts(texts), inFolder, random.between(1, 8));
      const textOf = ({ tree }: (typeof slices)[number]): string =>
        Buffer.from(tree.text, tree.start, tree.end - tree.start).toString();
      const nodes = slices.map(textOf);
      assert.equal(nodes.filter((text) => text !== '').join(','), texts.join(','));
      const names = slices.map((slice) => slice.names);
      assert.equal(names.filter((text) => text !== '').join('/'), inFolder.join('/'));
      for (const [number, slice] of slices.entries()) {
        for (const name of slice.names.split('/')) {
          const text = texts[inTree.indexOf(name)];
          if (text !== undefined) assert.ok(nodes[number]?.includes(text));
        }
      }
    });
  });
});

import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { RepositoryError, TranshipError } from '../../src/base/errors.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { deepest, restoreAll, stageAll, verifyAll, workplace } from './copying.ts';
import type { Workplace } from './copying.ts';
import { HandMade, fileNode, folderNode, linkNode, rawNode } from './hand-made.ts';
import { readTree } from '../support/tree-entry.ts';
import { scaled } from '../support/seed.ts';

interface Scene extends Workplace {
  /** Below it stand `outside`, the target, and what a hostile tree would like to reach. */
  readonly target: string;
  readonly outside: string;
}

/** A target that holds links to the outside and an entry that the snapshot does not have. */
async function scene(t: Parameters<typeof workplace>[0]): Promise<Scene> {
  const place = await workplace(t);
  const arena = join(place.folder, 'arena');
  const [target, outside] = [join(arena, 'target'), join(arena, 'outside')];
  mkdirSync(join(target, 'bad'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, 'canary'), 'canary');
  writeFileSync(join(arena, 'canary'), 'canary');
  symlinkSync(outside, join(target, 'bad', 'link'));
  symlinkSync(join(outside, 'canary'), join(target, 'bad', 'file'));
  writeFileSync(join(target, 'bad', 'extra'), 'extra');
  return { ...place, target, outside };
}

/** Everything about what stands outside of the target, as text. */
function outsideOf({ target, outside }: Scene): string {
  const arena = join(target, '..');
  const seen = [...readTree(outside)].map(({ path, status }) => {
    const { inode, mode, uid, gid, mtimeNs, ctimeNs, links } = status;
    return [path.join('/'), inode, mode, uid, gid, mtimeNs, ctimeNs, links].join(' ');
  });
  return JSON.stringify([readdirSync(arena).toSorted(), seen, readFileSync(join(arena, 'canary'), 'utf8')]);
}

/** The snapshot's root: a good file, a good folder, and the folder `bad`. */
function rootWith(made: HandMade, bad: string): string {
  const fine = made.tree([made.file('inner', 'inner contents')]);
  return made.tree([bad, folderNode('fine', fine), made.file('good', 'good contents')]);
}

function assertGoodRestored(target: string): void {
  assert.equal(readFileSync(join(target, 'good'), 'utf8'), 'good contents');
  assert.equal(readFileSync(join(target, 'fine', 'inner'), 'utf8'), 'inner contents');
}

const escaped = (code: number): string => `\\\\x${code.toString(16).padStart(2, '0')}`;
const dotDot = escaped(0x2e) + escaped(0x2e);
const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

/** Trees that are refused as a whole. `file` makes a file with good contents under a name. */
const refusedTrees: Readonly<Record<string, (made: HandMade) => readonly string[] | string>> = {
  'a name that is ..': (made) => [made.file('..', 'evil')],
  'a folder that is ..': (made) => [folderNode('..', made.tree([made.file('canary', 'evil')]))],
  'a name that is .': (made) => [made.file('.', 'evil')],
  'a name that is .. in escapes': (made) => [made.file(dotDot, 'evil')],
  'a name with a slash': (made) => [made.file('link/canary', 'evil')],
  'a name with an escaped slash': (made) => [made.file(`link${escaped(0x2f)}canary`, 'evil')],
  'a name that climbs': (made) => [made.file('../../outside/canary', 'evil')],
  'an absolute name': (made) => [made.file('/etc/evil', 'evil')],
  'an empty name': (made) => [made.file('', 'evil')],
  'a name with NUL': (made) => [made.file('a\\u0000b', 'evil')],
  'a name with an escaped NUL': (made) => [made.file(`a${escaped(0)}b`, 'evil')],
  'two files of one name': (made) => [made.file('twice', 'one'), made.file('twice', 'two')],
  'a link and a folder of one name': (made) => [
    linkNode('x', '../../outside'),
    folderNode('x', made.tree([made.file('canary', 'evil')])),
  ],
  'a link and a file of one name': (made) => [linkNode('x', '../../outside/canary'), made.file('x', 'evil')],
  'names out of order': (made) => [made.file('b', 'one'), made.file('a', 'two')],
  'a node without a name': () => ['{"type":"file","mode":420}'],
  'a node of no type': () => [rawNode('x', 'door')],
  'a node whose type is inherited': () => [rawNode('x', 'constructor')],
  'a link with contents': (made) => [
    rawNode('x', 'symlink', { linktarget: 'y', content: [made.data('evil')] }),
  ],
  'a file with children': (made) => [fileNode('x', [], 0, { subtree: made.tree([]) })],
  'contents that are no ids': () => [fileNode('x', ['../../config'], 4)],
  'a negative size': () => [fileNode('x', [], -1)],
  'a size beyond all numbers': () => ['{"name":"x","type":"file","mode":420,"size":1e999}'],
  'a mode of 40 bits': () => [fileNode('x', [], 0, { mode: 2 ** 40 })],
  'a time that is none': () => [fileNode('x', [], 0, { mtime: 'yesterday' })],
  'an inode beyond 64 bits': () => ['{"name":"x","type":"file","mode":420,"inode":18446744073709551616}'],
  'text that is no JSON': () => '{"nodes":[{"name":"x"',
  'JSON that is no tree': () => '[]',
  'nodes that are none': () => '{"nodes":[null,1,"x",[]]}',
  'JSON of great depth': () =>
    `{"nodes":[{"name":"x","type":"file","mode":420,"generic_attributes":{"a":${deep}}}]}`,
  'nothing but a line': () => '\n',
};

describe('a restore refuses a tree with', () => {
  for (const [title, make] of Object.entries(refusedTrees)) {
    it(`${title}, names its folder, and restores all others`, async (t) => {
      const place = await scene(t);
      const made = new HandMade(place.repository);
      const id = made.tree(make(made));
      await made.save(rootWith(made, folderNode('bad', id)));
      const before = outsideOf(place);
      const restored = await restoreAll(place.repository, place.target, { snapshot: 'latest', delete: true });
      assert.deepEqual([...restored.errors.keys()], ['bad']);
      const error = restored.errors.get('bad');
      assert.ok(error instanceof RepositoryError, String(error));
      assert.equal(error.code, 'corrupt');
      assert.match(error.message, new RegExp(id));
      assert.equal(restored.isPartial, true);
      assertGoodRestored(place.target);
      assert.deepEqual(readdirSync(join(place.target, 'bad')).toSorted(), ['extra', 'file', 'link']);
      assert.equal(restored.counts.deleted, 0);
      assert.equal(outsideOf(place), before);
      await assert.rejects(
        verifyAll(place.repository, place.target, { snapshot: 'latest' }),
        RepositoryError,
      );
    });
  }

  it('a bad root before it changes anything', async (t) => {
    const place = await scene(t);
    const made = new HandMade(place.repository);
    await made.save(made.tree([made.file('..', 'evil')]));
    const before = readTree(place.target).length;
    await assert.rejects(
      restoreAll(place.repository, place.target, { snapshot: 'latest', delete: true }),
      (error) => error instanceof RepositoryError && error.code === 'corrupt',
    );
    assert.equal(readTree(place.target).length, before);
  });
});

interface BadNode {
  readonly nodes: (made: HandMade) => readonly string[];
  /** What is reported of which path. */
  readonly reported: Readonly<Record<string, RegExp>>;
}

const badNodes: Readonly<Record<string, BadNode>> = {
  'a size that its contents do not have': {
    nodes: (made) => [fileNode('x', [made.data('four')], 2 ** 40)],
    reported: { 'bad/x': /claims 1099511627776 bytes/ },
  },
  'the contents of a tree': {
    nodes: (made) => [fileNode('x', [made.tree([made.file('a', 'a')])], 4)],
    reported: { 'bad/x': /no data blob/ },
  },
  'contents that nobody knows': {
    nodes: () => [fileNode('x', ['00'.repeat(32)], 4)],
    reported: { 'bad/x': /no data blob/ },
  },
  'a folder whose tree is contents': {
    nodes: (made) => [folderNode('x', made.data('{"nodes":[]}\n'))],
    reported: { 'bad/x': /no tree blob/ },
  },
  'a folder without a tree': {
    nodes: () => [rawNode('x', 'dir', { mode: 0x800001ed })],
    reported: { 'bad/x': /tree/ },
  },
  'a name longer than any file system takes': {
    nodes: (made) => [made.file('n'.repeat(3000), 'evil')],
    reported: { [`bad/${'n'.repeat(3000)}`]: /too long/ },
  },
  'a link to nothing': {
    nodes: () => [rawNode('x', 'symlink', { mode: 0x080001ff })],
    reported: { 'bad/x': /./ },
  },
  'a link with NUL in its target': {
    nodes: () => [linkNode('x', 'a\0b')],
    reported: { 'bad/x': /NUL/ },
  },
};

describe('a restore names a node with', () => {
  for (const [title, { nodes, reported }] of Object.entries(badNodes)) {
    it(`${title}, and restores all others`, async (t) => {
      const place = await scene(t);
      const made = new HandMade(place.repository);
      const tree = made.tree([...nodes(made), made.file('z', 'beside')].toSorted());
      await made.save(rootWith(made, folderNode('bad', tree)));
      const before = outsideOf(place);
      const restored = await restoreAll(place.repository, place.target, { snapshot: 'latest' });
      assert.deepEqual([...restored.errors.keys()], Object.keys(reported));
      for (const [path, message] of Object.entries(reported)) {
        const error = restored.errors.get(path);
        assert.ok(error instanceof TranshipError);
        assert.match(error.message, message);
      }
      assert.equal(restored.isPartial, true);
      assertGoodRestored(place.target);
      assert.equal(readFileSync(join(place.target, 'bad', 'z'), 'utf8'), 'beside');
      assert.equal(outsideOf(place), before);
    });
  }
});

describe('a restore of', () => {
  it('names that stand as links to the outside writes into the target only', async (t) => {
    const place = await scene(t);
    const made = new HandMade(place.repository);
    const inner = made.tree([made.file('canary', 'evil')]);
    await made.save(
      rootWith(made, folderNode('bad', made.tree([made.file('file', 'new'), folderNode('link', inner)]))),
    );
    const before = outsideOf(place);
    const restored = await restoreAll(place.repository, place.target, { snapshot: 'latest' });
    assert.deepEqual([...restored.errors.values()], []);
    assert.equal(readFileSync(join(place.target, 'bad', 'file'), 'utf8'), 'new');
    assert.equal(lstatSync(join(place.target, 'bad', 'link')).isDirectory(), true);
    assert.equal(readFileSync(join(place.target, 'bad', 'link', 'canary'), 'utf8'), 'evil');
    assert.equal(outsideOf(place), before);
  });

  it('one inode claimed for different contents gives each name its own', async (t) => {
    const place = await scene(t);
    const made = new HandMade(place.repository);
    const linked = { links: 3, inode: 7, device_id: 9 };
    const tree = made.tree([
      made.file('a', 'one', linked),
      made.file('b', 'two', linked),
      made.file('c', 'two', linked),
    ]);
    await made.save(rootWith(made, folderNode('bad', tree)));
    const restored = await restoreAll(place.repository, place.target, { snapshot: 'latest' });
    assert.deepEqual([...restored.errors.values()], []);
    const contents = ['a', 'b', 'c'].map((name) => readFileSync(join(place.target, 'bad', name), 'utf8'));
    assert.deepEqual(contents, ['one', 'two', 'two']);
    const { ino: a } = statSync(join(place.target, 'bad', 'a'));
    const { ino: b } = statSync(join(place.target, 'bad', 'b'));
    const { ino: c } = statSync(join(place.target, 'bad', 'c'));
    assert.ok(a !== b && b === c);
  });

  it('devices and sockets leaves them out with a warning', async (t) => {
    const place = await scene(t);
    const made = new HandMade(place.repository);
    const device = { mode: 0x04000180, device: 1280 };
    const nodes = [
      rawNode('disk', 'dev', device),
      rawNode('listener', 'socket'),
      rawNode('tty', 'chardev', device),
    ];
    await made.save(rootWith(made, folderNode('bad', made.tree(nodes))));
    const restored = await restoreAll(place.repository, place.target, { snapshot: 'latest' });
    assert.deepEqual([...restored.warned.keys()], ['bad/disk', 'bad/listener', 'bad/tty']);
    assert.equal(restored.isPartial, false);
    assert.equal(existsSync(join(place.target, 'bad', 'disk')), false);
  });

  it('owners and attributes that cannot exist warns and restores the rest', async (t) => {
    const place = await scene(t);
    const made = new HandMade(place.repository);
    const attributes = [
      { name: 'user.a\0b', value: 'AAAA' },
      { name: '../../evil', value: 'AAAA' },
    ];
    const nodes = [
      made.file('owner', 'contents', { uid: 2 ** 32 - 1 }),
      made.file('xattr', 'contents', { extended_attributes: attributes }),
      made.file('year', 'contents', { mtime: '9999-12-31T23:59:59.999999999Z' }),
    ];
    await made.save(rootWith(made, folderNode('bad', made.tree(nodes))));
    const restored = await restoreAll(place.repository, place.target, { snapshot: 'latest' });
    assert.deepEqual([...restored.errors.values()], []);
    assert.deepEqual([...restored.warned.keys()].toSorted(), ['bad/owner', 'bad/xattr', 'bad/year']);
    for (const name of ['owner', 'xattr', 'year']) {
      assert.equal(readFileSync(join(place.target, 'bad', name), 'utf8'), 'contents');
    }
  });

  it('thousands of levels ends', async (t) => {
    const place = await scene(t);
    const made = new HandMade(place.repository);
    const levels = deepest(scaled(1500, 10_000));
    let tree = made.tree([made.file('bottom', 'bottom')]);
    for (let level = 0; level < levels; level++) tree = made.tree([folderNode('d', tree)]);
    await made.save(tree);
    const target = join(place.folder, 'deep');
    const restored = await restoreAll(place.repository, target, { snapshot: 'latest' });
    assert.deepEqual([...restored.errors.values()], []);
    assert.equal(restored.counts.filesRestored, 1);
    assert.equal(restored.counts.directories, levels);
    const verified = await verifyAll(place.repository, target, { snapshot: 'latest' });
    assert.deepEqual(verified.differences, []);
  });
});

describe('a stage whose parent has a hostile tree', () => {
  it('reads everything afresh', async (t) => {
    const place = await scene(t);
    const made = new HandMade(place.repository);
    const parent = await made.save(made.tree([folderNode('v', made.tree([made.file('..', 'evil')]))]));
    const source = join(place.folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'a'), 'a');
    const staged = await stageAll(place.repository, source, { parent });
    assert.equal(staged.parentId, parent);
    assert.equal(staged.counts.filesNew, 1);
    const target = join(place.folder, 'other');
    await restoreAll(place.repository, target);
    assert.deepEqual(compareTrees(source, target), []);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RepositoryError } from '../../../src/base/errors.ts';
import { nameText } from '../../../src/copy/source/source-node.ts';
import { PreviousTree } from '../../../src/copy/stage/previous-tree.ts';
import { encodeTree } from '../../../src/repository/format/tree.ts';
import { nodeText } from '../../../src/repository/format/tree-node-text.ts';
import type { TreeNode } from '../../../src/repository/format/tree-node.ts';
import { sha256 } from '../../repository/small-repository.ts';

const ids = ['a', 'b'].map((text) => sha256(Buffer.from(text)));

function file(name: string, changes: Partial<TreeNode> = {}): TreeNode {
  const time = '2026-01-02T03:04:05.6Z';
  const times = { mtime: time, atime: time, ctime: time };
  const node = { name: Buffer.from(name), type: 'file', mode: 0o644, ...times, uid: 0, gid: 0 } as const;
  return { ...node, inode: 7n, links: 1, size: 3, content: ids.slice(0, 1), ...changes };
}

function folder(name: string, subtree: string): TreeNode {
  return file(name, { type: 'dir', mode: 0o20000000755, content: null, subtree, size: undefined });
}

function previousTree(nodes: readonly TreeNode[]): PreviousTree {
  return PreviousTree.read('tree', encodeTree(nodes));
}

/** A node's text in front of its content. */
function headOf(node: TreeNode): string {
  return nodeText({ ...node, content: node.content === null ? null : [] }).split(',"content"')[0] ?? '';
}

const names = ['a', 'b "quoted"', 'b\\', 'c<&>', 'd\n', 'ünï'].toSorted((x, y) =>
  Buffer.compare(Buffer.from(x), Buffer.from(y)),
);
const latin1 = (name: string): string => Buffer.from(name).toString('latin1');
const find = (tree: PreviousTree, name: string): boolean => tree.find(latin1(name), nameText(latin1(name)));

describe('a folder of the parent', () => {
  it('is whole when every entry was kept, whatever its name', () => {
    const nodes = names.map((name) => file(name, { content: ids }));
    const tree = previousTree(nodes);
    for (const [place, node] of nodes.entries()) {
      assert.equal(tree.isWhole, false);
      assert.equal(find(tree, names[place] ?? ''), true);
      assert.deepEqual(Buffer.from(tree.contentBehind(headOf(node)) ?? []).toString('hex'), ids.join(''));
      assert.equal(tree.keep(), nodeText(node));
    }
    assert.equal(tree.isWhole, true);
  });

  it('is whole from the start when it is empty', () => {
    assert.equal(previousTree([]).isWhole, true);
  });

  it('gives up its nodes parsed, those in between too, and is not whole any more', () => {
    const nodes = names.map((name) => file(name));
    for (const [place, node] of nodes.entries()) {
      const tree = previousTree(nodes);
      const name = names[place] ?? '';
      assert.equal(find(tree, name), true);
      assert.deepEqual(nodeText(tree.parse(latin1(name))), nodeText(node));
      for (const rest of nodes.slice(place + 1)) {
        assert.equal(find(tree, Buffer.from(rest.name).toString()), true);
        assert.equal(tree.equals(nodeText(rest)), true);
        tree.keep();
      }
      assert.equal(tree.isWhole, false);
    }
  });

  it('is not whole when it holds an entry that the source lost', () => {
    const [a, b] = [file('a'), file('b')];
    for (const lost of ['first', 'last']) {
      const tree = previousTree([a, b]);
      const kept = lost === 'first' ? b : a;
      assert.equal(find(tree, lost === 'first' ? 'b' : 'a'), true);
      assert.equal(tree.equals(nodeText(kept)), true);
      tree.keep();
      assert.equal(tree.isWhole, false, lost);
    }
  });

  it('is not whole when the source has an entry more', () => {
    for (const name of ['0', 'aa', 'z']) {
      const tree = previousTree([file('a')]);
      const order = name < 'a' ? [name, 'a'] : ['a', name];
      for (const entry of order) {
        assert.equal(find(tree, entry), entry === 'a');
        if (entry === 'a') {
          assert.equal(tree.equals(nodeText(file('a'))), true);
          tree.keep();
        }
      }
      assert.equal(tree.isWhole, false, name);
    }
  });

  it('tells a folder whose head is the same from one whose metadata changed', () => {
    const [subtree = ''] = ids;
    const node = folder('f', subtree);
    const head = nodeText(node).split(',"subtree"')[0] ?? '';
    const tree = previousTree([node]);
    assert.equal(find(tree, 'f'), true);
    assert.equal(tree.subtreeBehind(head), subtree);
    assert.equal(tree.subtreeBehind(head.replace('05.6Z', '05.7Z')), undefined);
    assert.equal(tree.parse('f').subtree, subtree);
  });

  it('takes no node for the same that has a member more', () => {
    const value = Buffer.from('1');
    const attributes = [
      { name: 'user.a', value },
      { name: 'user.b","type":"', value },
    ];
    const nodes = [file('a', { extendedAttributes: attributes }), file('b', { error: 'unreadable' })];
    const tree = previousTree(nodes);
    assert.equal(find(tree, 'a'), true);
    assert.equal(tree.contentBehind(headOf(file('a'))), undefined);
    assert.deepEqual(tree.parse('a').extendedAttributes, attributes);
    assert.equal(find(tree, 'b'), true);
    assert.equal(tree.contentBehind(headOf(file('b'))), undefined);
    assert.equal(tree.parse('b').error, 'unreadable');
  });

  it('keeps inodes that a double would round', () => {
    const wide = { inode: 2n ** 64n - 1n };
    const tree = previousTree([file('a', wide), file('b', wide)]);
    assert.equal(find(tree, 'b'), true);
    assert.equal(tree.parse('b').inode, wide.inode);
  });

  it('is parsed as a whole when its JSON is another than restic writes', () => {
    const text = encodeTree([file('a'), file('b')]).toString();
    const tree = PreviousTree.read('tree', Buffer.from(JSON.stringify(JSON.parse(text), undefined, 1)));
    assert.equal(find(tree, 'b'), true);
    assert.equal(tree.startsWith(headOf(file('b'))), false);
    assert.deepEqual(nodeText(tree.parse('b')), nodeText(file('b')));
    assert.equal(find(tree, 'c'), false);
    assert.equal(tree.isWhole, false);
  });

  it('hands out content of any length, and none with a digit that an id cannot have', () => {
    for (const count of [0, 1, 64, 65, 1000]) {
      const content = Array.from({ length: count }, (_, i) => sha256(Buffer.from(`${i}`)));
      const tree = previousTree([file('a', { content })]);
      assert.equal(find(tree, 'a'), true);
      const found = Buffer.from(tree.contentBehind(headOf(file('a'))) ?? [1]);
      assert.equal(found.toString('hex'), content.join(''));
    }
    for (const wrong of ['A', 'g', 'é', '"']) {
      const text = encodeTree([file('a')])
        .toString()
        .replace(ids[0] ?? '', `${wrong}${ids[0]?.slice(1)}`);
      const tree = PreviousTree.read('tree', Buffer.from(text));
      assert.equal(find(tree, 'a'), true);
      assert.equal(tree.contentBehind(headOf(file('a'))), undefined, wrong);
    }
  });

  it('finds names that are written with other escapes than ours, as rustic writes them', () => {
    const text = encodeTree([file('R&D'), file('z')])
      .toString()
      .replace('\\u0026', '&');
    const tree = PreviousTree.read('tree', Buffer.from(text));
    assert.equal(find(tree, 'R&D'), true);
    assert.equal(tree.contentBehind(headOf(file('R&D'))), undefined);
    assert.equal(tree.parse('R&D').size, 3);
    assert.equal(find(tree, 'z'), true);
    tree.equals(nodeText(file('z')));
    tree.keep();
    assert.equal(tree.isWhole, false);
  });

  it('does not take JSON that nobody can read for the same', () => {
    const text = encodeTree([file('a')]).toString();
    const trailing = PreviousTree.read('tree', Buffer.from(text.replace('}]}', '},]}')));
    assert.equal(find(trailing, 'a'), true);
    assert.equal(trailing.equals(nodeText(file('a'))), true);
    trailing.keep();
    assert.equal(trailing.isWhole, false);
    const inside = PreviousTree.read('tree', Buffer.from(text.replace('"]}', '",]}')));
    assert.equal(find(inside, 'a'), true);
    assert.equal(inside.contentBehind(headOf(file('a'))), undefined);
    const twice = PreviousTree.read(
      'tree',
      Buffer.from(text.replace('"type"', '"type":"file","name":"b","type"')),
    );
    assert.equal(find(twice, 'a'), true);
    assert.throws(() => twice.parse('a'), RepositoryError);
  });

  it('is refused when it is damaged, and names no entry that it does not have', () => {
    assert.throws(() => PreviousTree.read('tree', Buffer.from('{"nodes":[{}')), RepositoryError);
    const tree = PreviousTree.read('tree', Buffer.from('{"nodes":[{"name":"\\u00zz","type":"file"}]}\n'));
    assert.throws(() => find(tree, 'a'), RepositoryError);
  });
});

// Encoding and decoding of folder listings of 10, 1,000 and 100,000 files.
import { randomBytes } from 'node:crypto';
import { decodeTree, encodeTree } from '../../src/repository/format/tree.ts';
import type { TreeNode } from '../../src/repository/format/tree-node.ts';
import { runCases } from './suite.ts';

function nodesOf(count: number): TreeNode[] {
  return Array.from({ length: count }, (_, index) => ({
    name: Buffer.from(`file-${String(index).padStart(6, '0')}.txt`),
    type: 'file' as const,
    mode: 0o644,
    mtime: '2024-05-06T07:08:09.123456789Z',
    atime: '2024-05-06T07:08:09.123456789Z',
    ctime: '2024-05-06T07:08:09.123456789Z',
    uid: 1000,
    gid: 1000,
    user: 'user',
    group: 'group',
    inode: BigInt(1_000_000 + index),
    deviceId: 2049n,
    size: 4096,
    links: 1,
    content: [randomBytes(32).toString('hex')],
  }));
}

runCases(
  'trees',
  [10, 1000, 100_000].flatMap((items) => {
    const nodes = nodesOf(items);
    const text = encodeTree(nodes);
    const count = items.toLocaleString('en');
    return [
      { name: `encode ${count} nodes`, items, work: () => void encodeTree(nodes) },
      { name: `decode ${count} nodes`, items, work: () => void decodeTree(text, 'the bench') },
    ];
  }),
);

import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { goModeOf } from '../../../src/repository/format/file-mode.ts';
import { formatTimestamp } from '../../../src/repository/format/timestamp.ts';
import type { NodeType, TreeNode } from '../../../src/repository/format/tree-node.ts';
import { compareNames } from '../../../src/repository/format/tree.ts';

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** An empty file with nothing odd about it. */
export function fileNode(name: string): TreeNode {
  const time = '2023-11-14T22:13:20Z';
  return {
    name: Buffer.from(name),
    type: 'file',
    mode: 0o644,
    mtime: time,
    atime: time,
    ctime: time,
    uid: 0,
    gid: 0,
    links: 1,
    content: [],
  };
}

const types: readonly NodeType[] = [
  'file',
  'dir',
  'symlink',
  'dev',
  'chardev',
  'fifo',
  'socket',
  'irregular',
];

const nameBytes = fc
  .oneof(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.string({ unit: 'binary', minLength: 1 }))
  .map((name) => Buffer.from(name))
  .filter(
    (name) => !name.includes(0) && !name.includes('/') && !['.', '..'].includes(name.toString('latin1')),
  );

const time = fc.oneof(
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }).map(formatTimestamp),
  fc.constantFrom('2023-11-14T22:13:20.120-05:00', '0000-01-01T00:00:00Z'),
);
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const uint64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const text = fc.string({ unit: 'binary', maxLength: 12 });
const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const bytes = fc.uint8Array({ minLength: 1, maxLength: 20 });

const nodeOfType = (type: NodeType): fc.Arbitrary<TreeNode> =>
  fc.record(
    {
      name: nameBytes,
      type: fc.constant(type),
      mode: fc.integer({ min: 0, max: 0o7777 }).map((mode) => goModeOf(type, mode)),
      mtime: time,
      atime: time,
      ctime: time,
      uid: uint32,
      gid: uint32,
      user: text,
      group: text,
      inode: uint64,
      deviceId: uint64,
      device: uint64,
      size: type === 'file' ? fc.maxSafeNat() : fc.constant(undefined),
      links: fc.integer({ min: 1, max: 1e6 }),
      linkTarget: type === 'symlink' ? bytes : fc.constant(undefined),
      extendedAttributes: fc.array(fc.record({ name: text, value: fc.uint8Array({ maxLength: 9 }) }), {
        minLength: 1,
      }),
      genericAttributes: fc.dictionary(text, fc.constantFrom(1, 'x', null, [true]), { minKeys: 1 }),
      content: type === 'file' ? fc.array(id, { maxLength: 4 }) : fc.constant(null),
      subtree: type === 'dir' ? id : fc.constant(undefined),
      error: text,
    },
    { requiredKeys: ['name', 'type', 'mode', 'mtime', 'atime', 'ctime', 'uid', 'gid', 'content'] },
  );

/** Nodes of every type in the order of a tree, with names of any bytes. */
export const arbitraryTree: fc.Arbitrary<readonly TreeNode[]> = fc
  .uniqueArray(fc.oneof(...types.map(nodeOfType)), {
    selector: (node) => Buffer.from(node.name).toString('hex'),
    maxLength: 12,
  })
  .map((nodes) => nodes.toSorted((a, b) => compareNames(a.name, b.name)));

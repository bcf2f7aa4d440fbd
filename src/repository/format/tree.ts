import { RepositoryError } from '../../base/errors.ts';
import { quoteName } from './go-quote.ts';
import { compareNames } from './node-name.ts';
import { corrupt } from './strict-json.ts';
import { nodeText } from './tree-node-text.ts';
import { decodeNode } from './tree-node-reader.ts';
import type { Tree, TreeNode } from './tree-node.ts';
import { visitTreeText } from './tree-text.ts';

export { compareNames };

/** What stands before and behind the nodes of a tree. */
export const treeOpening = '{"nodes":[';
export const treeClosing = ']}\n';

const comma = 0x2c;

/**
 * The plaintext of a tree blob, byte for byte what restic makes of the same nodes. Their names must ascend strictly
 * ({@link compareNames}). The whole is limited by memory, not by V8's longest string. Throws RepositoryError
 * `invalid-argument` on nodes that cannot be stored, `unsupported` when one node alone is too large.
 */
export function encodeTree(nodes: readonly TreeNode[]): Buffer {
  return treeOfTexts([...nodeTexts(nodes)]);
}

/**
 * The plaintext of the tree whose nodes have these texts, in ascending order of their names, in a buffer of its own,
 * which may be transferred. A vast directory is held once more by this, and never as one text.
 */
export function treeOfTexts(texts: readonly string[]): Buffer<ArrayBuffer> {
  let lengthBytes = treeOpening.length + Math.max(0, texts.length - 1) + treeClosing.length;
  for (const text of texts) lengthBytes += Buffer.byteLength(text);
  const tree = Buffer.from(new ArrayBuffer(lengthBytes));
  let end = tree.write(treeOpening, 'latin1');
  for (const text of texts) {
    if (end > treeOpening.length) tree[end++] = comma;
    end += tree.write(text, end);
  }
  tree.write(treeClosing, end, 'latin1');
  return tree;
}

function* nodeTexts(nodes: readonly TreeNode[]): Generator<string> {
  let previous: TreeNode | undefined;
  for (const node of nodes) {
    if (previous !== undefined) assertAscending(previous.name, node.name);
    yield nodeTextWithinLimit(node);
    previous = node;
  }
}

function assertAscending(previous: Uint8Array, next: Uint8Array): void {
  if (compareNames(previous, next) < 0) return;
  throw new RepositoryError('invalid-argument', 'tree nodes are not in ascending order of names', {
    where: quoteName(next),
  });
}

function nodeTextWithinLimit(node: TreeNode): string {
  try {
    return nodeText(node);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RepositoryError('unsupported', 'tree node is too large', {
      where: quoteName(node.name),
      cause: error,
    });
  }
}

/**
 * The nodes of a tree blob's plaintext. Guaranteed: names are single path components and ascend strictly, ids are ids,
 * 64-bit numbers are exact. `encodeTree(decodeTree(x).nodes)` gives x back for every x that restic wrote, except where
 * restic itself lost bytes (names of users or xattrs, and link targets before 0.16, that are not UTF-8).
 * Throws RepositoryError `corrupt` otherwise.
 */
export function decodeTree(bytes: Uint8Array, where: string): Tree {
  const nodes: TreeNode[] = [];
  visitTreeText(bytes, where, {
    reset: () => {
      nodes.length = 0;
    },
    visit: (value) => {
      const node = decodeNode(value, where);
      const previous = nodes.at(-1);
      if (previous !== undefined) assertOrdered(previous.name, node.name, where);
      nodes.push(node);
    },
  });
  return { nodes };
}

function assertOrdered(previous: Uint8Array, next: Uint8Array, where: string): void {
  const order = compareNames(previous, next);
  if (order === 0) throw corrupt(`tree names ${quoteName(next)} twice`, where);
  if (order > 0) throw corrupt('tree is not in ascending order of names', where);
}

import { RepositoryError } from '../base/errors.ts';
import type { TreeNode } from './format/tree-node.ts';
import type { StoredSnapshot } from './snapshots.ts';
import type { TreeLoader } from './tree-loader.ts';

/** `ID`, `latest`, or either with `:/path` behind it. */
export interface SnapshotPath {
  readonly snapshot: string;
  /** Names from the snapshot's root down; empty for the root itself. */
  readonly names: readonly string[];
}

export function parseSnapshotPath(text: string): SnapshotPath {
  const colon = text.indexOf(':');
  if (colon === -1) return { snapshot: text, names: [] };
  const names = text
    .slice(colon + 1)
    .split('/')
    .filter((name) => name !== '');
  return { snapshot: text.slice(0, colon), names };
}

/** The node that the names lead to; undefined for the snapshot's root, which has none. Throws `not-found`. */
export async function nodeAt(
  trees: TreeLoader,
  snapshot: StoredSnapshot,
  names: readonly string[],
): Promise<TreeNode | undefined> {
  let node: TreeNode | undefined;
  let subtree: string | undefined = snapshot.tree;
  for (const [depth, name] of names.entries()) {
    if (subtree === undefined) throw noSuchPath(snapshot, names.slice(0, depth + 1));
    const { nodes } = await trees.load(subtree);
    const wanted = Buffer.from(name);
    node = nodes.find((candidate) => wanted.equals(candidate.name));
    if (node === undefined) throw noSuchPath(snapshot, names.slice(0, depth + 1));
    subtree = node.subtree;
  }
  return node;
}

function noSuchPath(snapshot: StoredSnapshot, names: readonly string[]): RepositoryError {
  return new RepositoryError('not-found', 'the snapshot holds no such path', {
    where: `${snapshot.id.slice(0, 8)}:/${names.join('/')}`,
    advice: 'list its contents with `tranship ls`',
  });
}

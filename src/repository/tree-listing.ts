import type { TimeSlice } from '../base/time-slice.ts';
import type { Tree, TreeNode } from './format/tree-node.ts';

/** What loads a tree by its id. */
export interface TreeSource {
  load(id: string): Promise<Tree>;
}

/** An entry of a snapshot. */
export interface ListedNode {
  /** Absolute within the snapshot. */
  readonly path: Buffer;
  readonly node: TreeNode;
}

const slash = Buffer.from('/');

/**
 * The nodes in the tree, which stands at `path` (empty for the root): folders before what they hold, in the order of
 * names. Only the trees on the way down are in memory. Other work is let in whenever the slice is over, which rejects
 * when its signal has fired: trees that are in memory come without a wait.
 */
export async function* listTree(
  trees: TreeSource,
  tree: string,
  path: Buffer,
  recursive: boolean,
  slice: TimeSlice,
): AsyncGenerator<ListedNode> {
  const stack = [{ path, nodes: (await trees.load(tree)).nodes, next: 0 }];
  for (let folder = stack.at(-1); folder !== undefined; folder = stack.at(-1)) {
    if (slice.isOver) await slice.pause();
    const node = folder.nodes[folder.next++];
    if (node === undefined) {
      stack.pop();
      continue;
    }
    const child = Buffer.concat([folder.path, slash, node.name]);
    yield { path: child, node };
    if (!recursive || node.subtree === undefined) continue;
    stack.push({ path: child, nodes: (await trees.load(node.subtree)).nodes, next: 0 });
  }
}

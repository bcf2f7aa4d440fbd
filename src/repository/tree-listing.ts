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
 * names. Only the trees on the way down are in memory.
 */
export async function* listTree(
  trees: TreeSource,
  tree: string,
  path: Buffer,
  recursive: boolean,
): AsyncGenerator<ListedNode> {
  const stack = [{ path, nodes: (await trees.load(tree)).nodes, next: 0 }];
  for (let folder = stack.at(-1); folder !== undefined; folder = stack.at(-1)) {
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

import type { BlobType } from './format/blob.ts';
import type { TreeNode } from './format/tree-node.ts';
import type { IdSelection } from './id-selection.ts';
import type { SearchHit, SearchQuery } from './snapshot-search.ts';

/** Looks for the files and folders to which blobs belong. */
export class ObjectQuery implements SearchQuery {
  readonly #wanted: Readonly<Record<BlobType, IdSelection>>;

  constructor(wanted: Readonly<Record<BlobType, IdSelection>>) {
    this.#wanted = wanted;
  }

  hitsOfRoot(tree: string): readonly SearchHit[] {
    return this.#hitsOfTree(tree, Buffer.from('/'));
  }

  /** A blob that a file repeats is one hit. */
  hitsOf(node: TreeNode, path: Buffer, parentTree: string): readonly SearchHit[] {
    if (node.subtree !== undefined) return this.#hitsOfTree(node.subtree, path);
    const found = new Set<string>();
    const { data } = this.#wanted;
    if (!data.isEmpty) for (const id of node.content ?? []) if (data.has(id)) found.add(id);
    return [...found].map((id) => ({ type: 'object', kind: 'data', id, path, parentTree }));
  }

  mayHitBelow(): boolean {
    return true;
  }

  isSameEverywhere(): boolean {
    return true;
  }

  #hitsOfTree(id: string, path: Buffer): readonly SearchHit[] {
    return this.#wanted.tree.has(id) ? [{ type: 'object', kind: 'tree', id, path }] : [];
  }
}

import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { throwIfAborted } from '../base/errors.ts';
import type { CheckedIndex } from './check-index.ts';
import { damageOf } from './check-report.ts';
import type { CheckFindings } from './check-report.ts';
import { envelopeOverheadBytes } from './crypto/cipher.ts';
import type { Tree, TreeNode } from './format/tree-node.ts';
import type { Repository } from './repository.ts';
import { TreeLoader } from './tree-loader.ts';

/** A deeper tree is hostile: Linux cannot even name its files. */
const depthLimit = 10_000;
const treesBetweenYields = 64;

const sound = 1;
const damaged = 2;

interface Frame {
  readonly row: number;
  readonly name: Uint8Array;
  readonly children: readonly { readonly name: Uint8Array; readonly id: string }[];
  next: number;
  isDamaged: boolean;
}

export interface TreeWalkOptions {
  /** Undefined: only find out which snapshots are damaged, since everything was reported before. */
  readonly findings?: CheckFindings | undefined;
  /** True for blobs that are known to be lost although the index has them. */
  readonly isLost: (row: number) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Walks the trees of snapshots, each tree once however many snapshots share it, without recursion. It holds one byte a
 * blob, and the subfolders' names along one path.
 */
export class TreeWalk {
  readonly #index: CheckedIndex;
  readonly #loader: TreeLoader;
  readonly #options: TreeWalkOptions;
  readonly #states: Uint8Array;
  #stack: Frame[] = [];
  #snapshotId = '';
  #treesOpened = 0;

  constructor(repository: Repository, index: CheckedIndex, options: TreeWalkOptions) {
    this.#index = index;
    this.#loader = new TreeLoader(repository, index.loaded, options.signal);
    this.#options = options;
    this.#states = new Uint8Array(index.loaded.blobs.size);
  }

  /** True when all that the snapshot holds can be read, as far as the index and the trees tell. */
  async isSound(snapshotId: string, rootTree: string): Promise<boolean> {
    this.#snapshotId = snapshotId;
    this.#stack = [];
    const root: Frame = {
      row: -1,
      name: new Uint8Array(0),
      children: [{ name: new Uint8Array(0), id: rootTree }],
      next: 0,
      isDamaged: false,
    };
    this.#stack.push(root);
    for (let frame = this.#stack.at(-1); frame !== undefined; frame = this.#stack.at(-1)) {
      const child = frame.children[frame.next++];
      if (child === undefined) this.#leave(frame);
      else if (!(await this.#enter(child.id, child.name))) frame.isDamaged = true;
    }
    return !root.isDamaged;
  }

  #leave(frame: Frame): void {
    this.#stack.pop();
    if (frame.row >= 0) this.#states[frame.row] = frame.isDamaged ? damaged : sound;
    const parent = this.#stack.at(-1);
    if (frame.isDamaged && parent !== undefined) parent.isDamaged = true;
  }

  /** False when the tree is known to be damaged. One that is new is put on the stack. */
  async #enter(id: string, name: Uint8Array): Promise<boolean> {
    const row = this.#index.loaded.blobs.rowOf('tree', id);
    if (row < 0)
      return this.#report(
        'tree-missing',
        id,
        `the index has no such tree${this.#inMarked('tree', id)}`,
        name,
      );
    const state = this.#states[row];
    if (state === sound || state === damaged) return state === sound;
    const tree = await this.#load(row, id, name);
    if (tree === undefined) {
      this.#states[row] = damaged;
      return false;
    }
    const frame: Frame = { row, name, children: subtreesOf(tree), next: 0, isDamaged: false };
    this.#stack.push(frame);
    for (const node of tree.nodes) if (!this.#checkNode(node)) frame.isDamaged = true;
    return true;
  }

  async #load(row: number, id: string, name: Uint8Array): Promise<Tree | undefined> {
    const { signal, findings, isLost } = this.#options;
    throwIfAborted(signal);
    if (++this.#treesOpened % treesBetweenYields === 0) await yieldToEvents();
    if (findings !== undefined) findings.counts.trees++;
    if (this.#stack.length > depthLimit) {
      this.#report('tree-damaged', id, `the tree is nested deeper than ${depthLimit} folders`, name);
      return undefined;
    }
    if (findings === undefined && isLost(row)) return undefined;
    try {
      return await this.#loader.load(id);
    } catch (error) {
      this.#report('tree-damaged', id, damageOf(error), name);
      return undefined;
    }
  }

  #checkNode(node: TreeNode): boolean {
    const { blobs } = this.#index.loaded;
    if (node.type === 'dir' && node.subtree === undefined) {
      return this.#report('tree-damaged', this.#idOfTop(), 'a folder has no tree', node.name);
    }
    if (node.type !== 'file') return true;
    let sizeBytes = 0;
    let isSound = true;
    for (const id of node.content ?? []) {
      const row = blobs.rowOf('data', id);
      const location = row < 0 ? undefined : blobs.locationAt(row);
      if (location === undefined) {
        const message = `the index has no such blob${this.#inMarked('data', id)}`;
        isSound = this.#report('blob-missing', id, message, node.name);
        continue;
      }
      if (this.#options.isLost(row)) isSound = false;
      sizeBytes += location.uncompressedLength || location.length - envelopeOverheadBytes;
    }
    if (isSound && sizeBytes !== (node.size ?? 0)) {
      const message = `the size is ${node.size ?? 0} bytes, the contents ${sizeBytes}`;
      this.#options.findings?.hint('file-size', this.#pathOf(node.name), message);
    }
    return isSound;
  }

  #report(
    kind: 'tree-missing' | 'tree-damaged' | 'blob-missing',
    id: string,
    message: string,
    name: Uint8Array,
  ): false {
    const affects = { snapshotId: this.#snapshotId, path: this.#pathOf(name) };
    this.#options.findings?.error(kind, id, message, affects);
    return false;
  }

  #inMarked(type: 'data' | 'tree', id: string): string {
    return this.#index.marked.has(type, id)
      ? '; a pack that is marked for deletion holds it, which prune can undo'
      : '';
  }

  #idOfTop(): string {
    const row = this.#stack.at(-1)?.row ?? -1;
    return row < 0 ? '' : this.#index.loaded.blobs.idAt(row).toString('hex');
  }

  /** The path of an entry of the folder on top of the stack, whose first frames stand for the root. */
  #pathOf(name: Uint8Array): string {
    const names = [...this.#stack.slice(2).map((frame) => frame.name), name].filter(
      ({ length }) => length > 0,
    );
    return `/${names.map((bytes) => Buffer.from(bytes).toString('utf8')).join('/')}`;
  }
}

function subtreesOf(tree: Tree): Frame['children'] {
  const children: { name: Uint8Array; id: string }[] = [];
  for (const { type, name, subtree } of tree.nodes) {
    // A copy: the name may be a view of the whole tree's text.
    if (type === 'dir' && subtree !== undefined) children.push({ name: Uint8Array.from(name), id: subtree });
  }
  return children;
}

import { createHash } from 'node:crypto';
import { encodeTree } from '../../repository/format/tree.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { ReliedBlobs } from './relied-blobs.ts';

/** Trees that wait for a worker; beyond, whoever makes them waits. */
const queuedTrees = 256;

export interface TreeWriterOptions {
  readonly index: LoadedIndex;
  readonly pool: WorkerPool;
  readonly relied: ReliedBlobs;
}

/** Encodes directories and hands to the workers the trees that the repository does not have. */
export class TreeWriter {
  readonly #options: TreeWriterOptions;
  readonly #onFailure: (error: unknown) => void;
  readonly #storing = new Set<Promise<void>>();

  constructor(options: TreeWriterOptions, onFailure: (error: unknown) => void) {
    this.#options = options;
    this.#onFailure = onFailure;
  }

  /** Returns the id at once; the tree is stored when `done` has resolved. */
  save(nodes: readonly TreeNode[]): string {
    const { index, pool, relied } = this.#options;
    const plaintext = encodeTree(nodes);
    const id = createHash('sha256').update(plaintext).digest('hex');
    if (index.blobs.claim('tree', id)) {
      // A copy of its own: what encodeTree returns may be a slice of Node's buffer pool, which must not be transferred.
      const bytes = new Uint8Array(plaintext);
      const stored = pool
        .run('store-tree', { id, plaintext: bytes }, [bytes.buffer])
        .then(() => {}, this.#onFailure);
      this.#storing.add(stored);
      void stored.then(() => this.#storing.delete(stored));
    }
    relied.add('tree', id);
    return id;
  }

  /** Waits until there is room for another tree. */
  async room(): Promise<void> {
    while (this.#storing.size >= queuedTrees) await Promise.race(this.#storing);
  }

  async done(): Promise<void> {
    while (this.#storing.size > 0) await Promise.all(this.#storing);
  }
}

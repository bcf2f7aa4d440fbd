import { hash } from 'node:crypto';
import { fingerprintFunction } from '../../repository/fingerprint.ts';
import { treeOfTexts } from '../../repository/format/tree.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { ReliedBlobs } from './relied-blobs.ts';

/** Trees that wait for a worker; beyond, whoever makes them waits. */
const queuedTrees = 64;

export interface TreeWriterOptions {
  readonly index: LoadedIndex;
  readonly pool: WorkerPool;
  readonly relied: ReliedBlobs;
}

/** Encodes directories and hands to the workers the trees that the repository does not have. */
export class TreeWriter {
  readonly #options: TreeWriterOptions;
  readonly #onFailure: (error: unknown) => void;
  readonly #fingerprint = fingerprintFunction();
  readonly #storing = new Set<Promise<void>>();

  constructor(options: TreeWriterOptions, onFailure: (error: unknown) => void) {
    this.#options = options;
    this.#onFailure = onFailure;
  }

  /** Takes the nodes' texts, in order. Returns the id at once; the tree is stored when `done` has resolved. */
  save(nodes: readonly string[]): string {
    const { index, pool, relied } = this.#options;
    const plaintext = treeOfTexts(nodes);
    const fingerprint = this.#fingerprint(plaintext);
    const id = hash('sha256', plaintext, 'hex');
    if (index.blobs.claim('tree', id)) {
      const stored = pool
        .run('store-tree', { id, plaintext, fingerprint }, [plaintext.buffer])
        .then(() => {}, this.#onFailure);
      this.#storing.add(stored);
      void stored.then(() => this.#storing.delete(stored));
    }
    relied.add('tree', id);
    return id;
  }

  /** A tree of the parent that is the new snapshot's too. */
  keep(id: string): void {
    this.#options.relied.add('tree', id);
  }

  /** Waits until there is room for another tree. */
  async room(): Promise<void> {
    while (this.#storing.size >= queuedTrees) await Promise.race(this.#storing);
  }

  async done(): Promise<void> {
    while (this.#storing.size > 0) await Promise.all(this.#storing);
  }
}

import { fingerprintFunction } from '../../repository/fingerprint.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { MetTree } from './tree-walk.ts';

/** Trees that wait for a worker; beyond, whoever finds more waits. */
const queuedTrees = 64;

/** Has workers store trees that were read anyway, as they are: a tree's bytes are its id. */
export class TreeCopier {
  readonly #pool: WorkerPool;
  readonly #fingerprint = fingerprintFunction();
  readonly #storing = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(pool: WorkerPool) {
    this.#pool = pool;
  }

  /** Takes a tree that the caller has claimed; resolves when there is room for another. */
  async copy({ id, plaintext }: MetTree): Promise<void> {
    // A copy: what was read may be a part of the memory of a whole pack.
    const bytes = new Uint8Array(plaintext);
    const fingerprint = this.#fingerprint(bytes);
    const stored = this.#pool.run('store-tree', { id, plaintext: bytes, fingerprint }, [bytes.buffer]).then(
      () => {},
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    this.#storing.add(stored);
    void stored.then(() => this.#storing.delete(stored));
    while (this.#storing.size >= queuedTrees) await Promise.race(this.#storing);
    this.#throwFailure();
  }

  /** Resolves when all are stored. */
  async done(): Promise<void> {
    while (this.#storing.size > 0) await Promise.all(this.#storing);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

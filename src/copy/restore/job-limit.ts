import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import { asError } from '../../base/errors.ts';

/** Jobs under way, a worker: one at work, one waiting. */
const jobsPerWorker = 2;

/** Bounds the jobs that are prepared, and so the descriptors they hold; after a failure none is begun any more. */
export class JobLimit {
  readonly #limit: LimitFunction;
  #failure: Error | undefined;

  constructor(workers: number) {
    this.#limit = pLimit(workers * jobsPerWorker);
  }

  run<T>(job: () => Promise<T>): Promise<T> {
    return this.#limit(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        return await job();
      } catch (error) {
        this.#failure ??= asError(error);
        throw error;
      }
    });
  }
}

import type { LoadedIndex } from '../../repository/loaded-index.ts';
import { packSizeBytes } from '../../repository/pack-builder.ts';
import type { Repository } from '../../repository/repository.ts';
import { WorkerPool } from './worker-pool.ts';

export interface ReadingPoolOptions {
  /** Default: one a processor. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A pool for jobs that open blobs or compare files: its workers fill no packs. */
export function openReadingPool(
  repository: Repository,
  index: LoadedIndex,
  options: ReadingPoolOptions,
): WorkerPool {
  return new WorkerPool({
    setup: {
      secrets: repository.secrets,
      index: index.blobs.memory,
      compression: 'auto',
      packSizeBytes: packSizeBytes.default,
      verifySealed: true,
    },
    workers: options.workers,
    onPack: () => Promise.resolve(),
    signal: options.signal,
  });
}

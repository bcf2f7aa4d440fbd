import { close, openRoot } from '../base/file-system.ts';
import { loadIndex } from '../repository/loaded-index.ts';
import type { Repository } from '../repository/repository.ts';
import { nodeAt, parseSnapshotPath } from '../repository/snapshot-path.ts';
import { findSnapshot } from '../repository/snapshots.ts';
import type { SnapshotFilter } from '../repository/snapshots.ts';
import { TreeLoader } from '../repository/tree-loader.ts';
import { openReadingPool } from './pipeline/reading-pool.ts';
import { imageNode, imageTarget } from './image-target.ts';
import { underSharedLock } from './shared-lock.ts';
import { PathSelection } from './source/path-selection.ts';
import type { PatternList } from './source/patterns.ts';
import { TreeVerifier } from './verify/tree-verifier.ts';
import type { VerifyCounts, VerifyEvent } from './verify/verify-events.ts';

/** `metadata` compares type, size, mode, owner, times, links and attributes; `data` also every byte of every file. */
export type VerifyDepth = 'metadata' | 'data';

export interface VerifyOptions {
  /** As for restore: `latest`, an id, with `:/path`. */
  readonly snapshot: string;
  readonly filter?: SnapshotFilter | undefined;
  readonly target: string;
  /** The snapshot's path is one file, and `target` a file or a block device, which may be longer. Default false. */
  readonly image?: boolean | undefined;
  readonly include?: PatternList | undefined;
  readonly exclude?: PatternList | undefined;
  /** Default `data`. */
  readonly depth?: VerifyDepth | undefined;
  /** Counts what the target has and the snapshot does not as a difference. Default true. */
  readonly extras?: boolean | undefined;
  readonly workers?: number | undefined;
  readonly retryLockMs?: number | undefined;
  readonly noLock?: boolean | undefined;
  readonly onEvent?: ((event: VerifyEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface VerifyResult {
  readonly snapshotId: string;
  readonly counts: Readonly<VerifyCounts>;
  readonly isEqual: boolean;
}

/**
 * Compares a folder with a snapshot and reports every difference by name; neither is changed. File contents are
 * compared by hashing the target's chunks: only the snapshot's trees are fetched. Throws as `restore` does; a folder
 * of the snapshot that cannot be read throws RepositoryError, since nothing could be said of what is below it.
 */
export async function verify(repository: Repository, options: VerifyOptions): Promise<VerifyResult> {
  return underSharedLock(repository, options, (signal) => compare(repository, { ...options, signal }));
}

async function compare(repository: Repository, options: VerifyOptions): Promise<VerifyResult> {
  const { signal, filter = {} } = options;
  const path = parseSnapshotPath(options.snapshot);
  const snapshot = await findSnapshot(repository, path.snapshot, filter, signal);
  const index = await loadIndex(repository, signal);
  const trees = new TreeLoader(repository, index, signal);
  const found = await nodeAt(trees, snapshot, path.names);
  const image = options.image === true ? imageTarget(options.target) : undefined;
  const node = image === undefined ? found : imageNode(found, options.snapshot, image);
  // Before the pool: threads that nobody ends would keep the process alive when there is no target.
  const targetFd = openRoot(image?.folder ?? options.target);
  const workers = options.depth === 'metadata' ? 0 : options.workers;
  const pool = openReadingPool(repository, index, { workers, signal });
  const verifier = new TreeVerifier({
    index,
    trees,
    pool,
    targetFd,
    selection: new PathSelection(options.include, options.exclude),
    depth: options.depth ?? 'data',
    extras: options.extras ?? true,
    image: image !== undefined,
    report: (event) => options.onEvent?.(event),
    monotonicMs: () => repository.clock.monotonicMs(),
    signal,
  });
  try {
    const counts = await verifier.verify(snapshot.tree, node);
    return { snapshotId: snapshot.id, counts, isEqual: counts.differences === 0 };
  } finally {
    await pool.close();
    verifier.close();
    close(targetFd);
  }
}

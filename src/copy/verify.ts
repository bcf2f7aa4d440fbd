import { close, openRoot } from '../base/file-system.ts';
import type { Repository } from '../repository/repository.ts';
import { nodeAt } from '../repository/snapshot-path.ts';
import type { SnapshotFilter } from '../repository/snapshots.ts';
import { TreeLoader } from '../repository/tree-loader.ts';
import { openReadingPool } from './pipeline/reading-pool.ts';
import { withSnapshot } from './open-snapshot.ts';
import type { OpenSnapshot } from './open-snapshot.ts';
import { nodeInTarget, targetOf } from './target.ts';
import type { Target } from './target.ts';
import { PathSelection } from './source/path-selection.ts';
import type { PatternList } from './source/patterns.ts';
import { TreeVerifier } from './verify/tree-verifier.ts';
import type { VerifyCounts, VerifyEvent } from './verify/verify-events.ts';

/** `metadata` compares type, size, mode, owner, times, links and attributes; `data` also every byte of every file. */
export type VerifyDepth = 'metadata' | 'data';

/** What is compared with what. Times are milliseconds. */
export interface VerifyOptions {
  /** As for restore: `latest`, an id, with `:/path`. */
  readonly snapshot: string;
  /** Narrows `latest`. */
  readonly filter?: SnapshotFilter | undefined;
  /** The folder that is compared. */
  readonly target: string;
  /** The snapshot's path is one file, and `target` a file or a block device, which may be longer. Default false. */
  readonly image?: boolean | undefined;
  /** Paths below the folder, `/a/b`. Default: everything. */
  readonly include?: PatternList | undefined;
  /** Paths that are left out, in the same form. Default: none. */
  readonly exclude?: PatternList | undefined;
  /** Default `data`. */
  readonly depth?: VerifyDepth | undefined;
  /** Counts what the target has and the snapshot does not as a difference. Default true. */
  readonly extras?: boolean | undefined;
  /** Threads. Default: one a processor. */
  readonly workers?: number | undefined;
  /** How long to wait for another's exclusive lock. Default 0: fail at once with `locked`. */
  readonly retryLockMs?: number | undefined;
  /** Takes no lock, for a repository that cannot be written. Default false. */
  readonly noLock?: boolean | undefined;
  /** Called in order, while the comparison waits; must be quick and must not throw. */
  readonly onEvent?: ((event: VerifyEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What came of a comparison. */
export interface VerifyResult {
  readonly snapshotId: string;
  readonly counts: Readonly<VerifyCounts>;
  readonly isEqual: boolean;
}

/**
 * Compares a folder with a snapshot and reports every difference by name; neither is changed. File contents are
 * compared by hashing the target's chunks: only the snapshot's trees are fetched. Throws as `restore` does; a folder
 * of the snapshot that cannot be read throws RepositoryError, since nothing could be said of what is below it.
 *
 * @example
 * const { isEqual, counts } = await verify(repository, { snapshot: 'latest:/data', target: 'volume' });
 */
export async function verify(repository: Repository, options: VerifyOptions): Promise<VerifyResult> {
  const target = targetOf(options);
  return withSnapshot(repository, options, (snapshot, signal) =>
    compare(repository, target, snapshot, { ...options, signal }),
  );
}

async function compare(
  repository: Repository,
  target: Target,
  { snapshot, path, index }: OpenSnapshot,
  options: VerifyOptions,
): Promise<VerifyResult> {
  const { signal } = options;
  const trees = new TreeLoader(repository, index, signal);
  const node = nodeInTarget(await nodeAt(trees, snapshot, path.names), options.snapshot, target);
  // Before the pool: threads that nobody ends would keep the process alive when there is no target.
  const targetFd = openRoot(target.folder);
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
    image: target.imageName !== undefined,
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

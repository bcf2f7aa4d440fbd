import { existsSync } from 'node:fs';
import { UsageError } from '../base/errors.ts';
import type { TranshipError } from '../base/errors.ts';
import { close, openRoot } from '../base/file-system.ts';
import { TimeSlice } from '../base/time-slice.ts';
import { makeFolders } from '../base/make-folders.ts';
import { systemError } from '../base/system-error.ts';
import type { TreeNode } from '../repository/format/tree-node.ts';
import type { LoadedIndex } from '../repository/loaded-index.ts';
import type { Repository } from '../repository/repository.ts';
import { nodeAt } from '../repository/snapshot-path.ts';
import { isPartialSnapshot } from '../repository/snapshots.ts';
import type { SnapshotFilter, StoredSnapshot } from '../repository/snapshots.ts';
import { TreeLoader } from '../repository/tree-loader.ts';
import { openReadingPool } from './pipeline/reading-pool.ts';
import type { WorkerPool } from './pipeline/worker-pool.ts';
import { withSnapshot } from './open-snapshot.ts';
import type { OpenSnapshot } from './open-snapshot.ts';
import { nodeInTarget, targetOf } from './target.ts';
import type { Target } from './target.ts';
import { PathSelection } from './source/path-selection.ts';
import { newRestoreCounts } from './restore/restore-events.ts';
import type { RestoreCounts, RestoreEvent } from './restore/restore-events.ts';
import { chooseChunks } from './restore/file-comparison.ts';
import { RestoredFiles } from './restore/restored-files.ts';
import { TargetFolders } from './restore/target-folders.ts';
import { RestoreReport } from './restore/restore-report.ts';
import { plannedPath } from './restore/restore-plan.ts';
import type { RestorePlan } from './restore/restore-plan.ts';
import { RestorePlanner } from './restore/restore-planner.ts';
import { RestoreRun } from './restore/restore-run.ts';
import type { PatternList } from './source/patterns.ts';

const statusIntervalMs = 100;

/**
 * What to do with a file that is in the target already. `always` compares every byte. `if-changed` trusts equal size
 * and modification time, which is faster and misses a change that left both as they were. Both write only the chunks
 * that differ. `if-newer` does that to files that are older than the snapshot's; `never` leaves every existing file
 * alone.
 */
export type Overwrite = 'if-changed' | 'always' | 'if-newer' | 'never';

/** What is restored where, and how. Times are milliseconds. */
export interface RestoreOptions {
  /** A snapshot: `latest`, an id or a prefix of one; with `:/path`, only that folder's contents (or that file). */
  readonly snapshot: string;
  /** Narrows `latest`. */
  readonly filter?: SnapshotFilter | undefined;
  /** The folder to restore into; made when it is not there. */
  readonly target: string;
  /**
   * The snapshot's path is one file, and `target` the file or block device that it is written to, or nothing yet; what
   * a link in its path leads to is meant. A device, which must be large enough and not in use, is written in place and
   * keeps its metadata; `overwrite` is then `always` or `if-changed`, which compare every byte. An image that cannot be
   * restored is no partial result: its error is thrown, FileSystemError `unsupported` for a target of another type.
   * Default false.
   */
  readonly image?: boolean | undefined;
  /** Paths below the folder that is restored, `/a/b`. Default: everything. */
  readonly include?: PatternList | undefined;
  /** Paths that are left out, in the same form. Default: none. */
  readonly exclude?: PatternList | undefined;
  /** Default `always`. */
  readonly overwrite?: Overwrite | undefined;
  /** Removes from the target what the snapshot does not have. Never when a tree could not be read. Default false. */
  readonly delete?: boolean | undefined;
  /** Leaves whole blocks of zeros as holes. Default true. */
  readonly sparse?: boolean | undefined;
  /** Makes block and character devices. Default false: they are reported and left out. */
  readonly devices?: boolean | undefined;
  /** Waits at the end until the target's file system has written everything to its disk. Default true. */
  readonly synchronise?: boolean | undefined;
  /** Plans and reports, changes nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Threads. Default: one a processor. */
  readonly workers?: number | undefined;
  /** How long to wait for another's exclusive lock. Default 0: fail at once with `locked`. */
  readonly retryLockMs?: number | undefined;
  /** Takes no lock, for a repository that cannot be written. Default false. */
  readonly noLock?: boolean | undefined;
  /** Called in order, while the restore waits; must be quick and must not throw. */
  readonly onEvent?: ((event: RestoreEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What came of a restore. */
export interface RestoreResult {
  readonly snapshotId: string;
  readonly counts: Readonly<RestoreCounts>;
  /** True when something of the snapshot is missing or incomplete in the target. */
  readonly isPartial: boolean;
  /** Items whose metadata the target did not take. */
  readonly warnings: number;
}

/**
 * Brings a folder into the state of a snapshot. Reads the snapshot and the target first and only then changes anything;
 * what cannot be restored is reported by name and makes the result partial. A run that was ended half-way is simply
 * repeated: complete files are found and kept.
 *
 * Nothing is written outside the target: names are single components, and no link in the target is followed.
 * Throws RepositoryError `not-found` for the snapshot or path, `locked`, FileSystemError `no-space` when the target is
 * full, StoreError, UsageError, CancelledError.
 *
 * @example
 * const { counts, isPartial } = await restore(repository, { snapshot: 'latest:/data', target: 'restored' });
 */
export async function restore(repository: Repository, options: RestoreOptions): Promise<RestoreResult> {
  if (options.image === true && options.delete === true) {
    throw new UsageError('beside an image nothing can be deleted', { where: options.target });
  }
  const target = targetOf(options);
  return withSnapshot(repository, options, (snapshot, signal) =>
    new RestorePass(repository, target, { ...options, signal }).run(snapshot),
  );
}

/** One run; holds what its steps share. */
class RestorePass {
  readonly #repository: Repository;
  readonly #target: Target;
  readonly #options: RestoreOptions;
  readonly #counts = newRestoreCounts();
  readonly #selection: PathSelection;
  readonly #startedMs: number;
  #warnings = 0;
  #imageFailure: TranshipError | undefined;
  #lastStatusMs = 0;

  constructor(repository: Repository, target: Target, options: RestoreOptions) {
    this.#repository = repository;
    this.#target = target;
    this.#options = options;
    this.#startedMs = repository.clock.monotonicMs();
    this.#selection = new PathSelection(options.include, options.exclude);
  }

  async run({ snapshot, path, index }: OpenSnapshot): Promise<RestoreResult> {
    const { signal } = this.#options;
    const trees = new TreeLoader(this.#repository, index, signal);
    const found = await nodeAt(trees, snapshot, path.names);
    const node = nodeInTarget(found, this.#options.snapshot, this.#target);
    const { folder } = this.#target;
    if (this.#options.dryRun !== true) await makeTarget(folder);
    const targetFd = existsSync(folder) ? openRoot(folder) : undefined;
    let pool: WorkerPool | undefined;
    try {
      // Threads take their time to start: they do so while the plan is made.
      if (targetFd !== undefined) pool = openReadingPool(this.#repository, index, this.#options);
      pool?.startThreads();
      const plan = await this.#plan(index, trees, targetFd, node ?? snapshot);
      this.#throwImageFailure();
      if (isPartialSnapshot(snapshot)) this.#keepExtras(plan);
      this.#countTotals(plan);
      if (targetFd === undefined || pool === undefined) this.#reportPlan(plan);
      else if (this.#options.dryRun === true) await this.#preview(plan, index, targetFd, pool);
      else await this.#execute(plan, index, targetFd, pool);
    } finally {
      await pool?.close();
      if (targetFd !== undefined) close(targetFd);
    }
    this.#throwImageFailure();
    const counts = this.#counts;
    return { snapshotId: snapshot.id, counts, isPartial: counts.errors > 0, warnings: this.#warnings };
  }

  #plan(
    index: LoadedIndex,
    trees: TreeLoader,
    targetFd: number | undefined,
    from: TreeNode | StoredSnapshot,
  ): Promise<RestorePlan> {
    const planner = new RestorePlanner({
      index,
      trees,
      selection: this.#selection,
      overwrite: this.#options.overwrite ?? 'always',
      delete: this.#options.delete ?? false,
      devices: this.#options.devices ?? false,
      imagePath: this.#options.image === true ? this.#options.target : undefined,
      targetFd,
      reportError: (path, error) => {
        this.#counts.errors++;
        this.#report({ type: 'error', path, error });
      },
      reportWarning: (path, message) => this.#report({ type: 'warning', path, message }),
      signal: this.#options.signal,
    });
    if ('tree' in from) return planner.planTree(from.tree, undefined);
    return from.subtree === undefined ? planner.planNode(from) : planner.planTree(from.subtree, from);
  }

  async #execute(plan: RestorePlan, index: LoadedIndex, targetFd: number, pool: WorkerPool): Promise<void> {
    const { signal } = this.#options;
    const run = new RestoreRun({
      repository: this.#repository,
      index,
      pool,
      plan,
      targetFd,
      selection: this.#selection,
      report: new RestoreReport(plan, this.#counts, (event) => this.#report(event)),
      sparse: this.#options.sparse ?? true,
      mayDelete: this.#options.delete ?? false,
      synchronise: this.#options.synchronise ?? true,
      tick: () => this.#reportStatus(),
      signal,
    });
    try {
      await run.execute();
    } finally {
      await pool.close();
      run.close();
    }
  }

  /** A dry run over an existing target: compares its files, as the real run would. */
  async #preview(plan: RestorePlan, index: LoadedIndex, targetFd: number, pool: WorkerPool): Promise<void> {
    const { clock } = this.#repository;
    const { signal } = this.#options;
    const folders = new TargetFolders(plan, targetFd);
    const report = new RestoreReport(plan, this.#counts, (event) => this.#report(event));
    const files = new RestoredFiles({ plan, index, folders, report, mayDelete: false });
    const slice = new TimeSlice(() => clock.monotonicMs(), signal);
    try {
      await chooseChunks({ plan, index, pool, folders, files, finishes: false, slice, signal });
      this.#reportPlan(plan);
    } finally {
      await pool.close();
      files.close();
      folders.close();
    }
  }

  /** What a partial pass could not read is not in its snapshot, and must not be taken for deleted. */
  #keepExtras(plan: RestorePlan): void {
    if (plan.deletions.length === 0) return;
    plan.deletions.length = 0;
    const message =
      'nothing is deleted: the snapshot is partial, so that what it lacks may exist in the source';
    this.#report({ type: 'warning', path: Buffer.from('/'), message });
  }

  #countTotals(plan: RestorePlan): void {
    this.#counts.filesTotal = plan.files.length;
    for (const file of plan.files) this.#counts.bytesTotal += file.sizeBytes;
  }

  /** A dry run: says of every file what would become of it. */
  #reportPlan(plan: RestorePlan): void {
    const actions = { create: 'restored', compare: 'updated', update: 'updated', keep: 'unchanged' } as const;
    for (const { directory, name } of plan.hasTreeErrors ? [] : plan.deletions) {
      this.#counts.deleted++;
      this.#report({
        type: 'item',
        action: 'deleted',
        path: plannedPath(plan, directory, name),
        sizeBytes: 0,
      });
    }
    for (const { directory, name, action, sizeBytes } of plan.files) {
      this.#counts[action === 'keep' ? 'filesSkipped' : 'filesRestored']++;
      this.#counts[action === 'keep' ? 'bytesSkipped' : 'bytesRestored'] += sizeBytes;
      this.#report({
        type: 'item',
        action: actions[action],
        path: plannedPath(plan, directory, name),
        sizeBytes,
      });
    }
    this.#counts.directories = plan.directories.filter(
      (entry) => entry.isWanted && entry.node !== undefined,
    ).length;
    this.#counts.othersRestored = plan.others.length + plan.links.length;
  }

  #report(event: RestoreEvent): void {
    if (event.type === 'warning') this.#warnings++;
    if (event.type === 'error' && this.#options.image === true) this.#imageFailure ??= event.error;
    else this.#options.onEvent?.(event);
  }

  /** Where nothing else is restored, the failure of one item is that of all. */
  #throwImageFailure(): void {
    if (this.#imageFailure !== undefined) throw this.#imageFailure;
  }

  #reportStatus(): void {
    const nowMs = this.#repository.clock.monotonicMs();
    if (nowMs - this.#lastStatusMs < statusIntervalMs) return;
    this.#lastStatusMs = nowMs;
    this.#report({ type: 'status', counts: this.#counts, elapsedMs: nowMs - this.#startedMs });
  }
}

async function makeTarget(path: string): Promise<void> {
  try {
    await makeFolders(path, 0o700);
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? error.errno : undefined;
    throw typeof errno === 'number' ? systemError(-errno, 'make the target folder', path) : error;
  }
}

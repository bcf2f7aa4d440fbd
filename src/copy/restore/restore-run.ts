import { FileSystemError } from '../../base/errors.ts';
import { makeDirectoryAt, setPermissions, statFd, synchroniseFileSystem } from '../../base/file-system.ts';
import { TimeSlice } from '../../base/time-slice.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { Repository } from '../../repository/repository.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { PathSelection } from '../source/path-selection.ts';
import { chooseChunks } from './file-comparison.ts';
import { applyMetadata } from './metadata.ts';
import { removeEntry, removeSelected } from './removal.ts';
import { plannedPath } from './restore-plan.ts';
import type { PlannedDirectory, PlannedLink, RestorePlan } from './restore-plan.ts';
import type { RestoreReport } from './restore-report.ts';
import { RestoredFiles } from './restored-files.ts';
import { SpanWriter } from './span-writer.ts';
import { makeFurtherName, makeSpecialEntry } from './special-entry.ts';
import { TargetFolders } from './target-folders.ts';

export interface RestoreRunOptions {
  readonly repository: Repository;
  readonly index: LoadedIndex;
  readonly pool: WorkerPool;
  readonly plan: RestorePlan;
  readonly selection: PathSelection;
  readonly targetFd: number;
  readonly report: RestoreReport;
  readonly sparse: boolean;
  readonly mayDelete: boolean;
  /** Waits at the end until the target's file system has everything on its disk. */
  readonly synchronise: boolean;
  readonly tick: () => void;
  readonly signal: AbortSignal | undefined;
}

/** Carries out a plan. What fails is reported by name and the rest goes on; a full target ends the run. */
export class RestoreRun {
  readonly #options: RestoreRunOptions;
  readonly #plan: RestorePlan;
  readonly #report: RestoreReport;
  readonly #folders: TargetFolders;
  readonly #files: RestoredFiles;
  readonly #slice: TimeSlice;

  constructor(options: RestoreRunOptions) {
    const { plan, index, report, mayDelete, repository, signal } = options;
    this.#options = options;
    this.#plan = plan;
    this.#report = report;
    this.#folders = new TargetFolders(plan, options.targetFd);
    this.#files = new RestoredFiles({ plan, index, folders: this.#folders, report, mayDelete });
    this.#slice = new TimeSlice(() => repository.clock.monotonicMs(), signal);
  }

  /** Must be followed by `close`, after the pool was closed: a worker may still write to a descriptor. */
  async execute(): Promise<void> {
    const { repository, index, pool, sparse, mayDelete, synchronise, tick, signal } = this.#options;
    const files = this.#files;
    await this.#openDirectories();
    await this.#removeExtras();
    await this.#makeDirectories();
    await chooseChunks({
      plan: this.#plan,
      index,
      pool,
      folders: this.#folders,
      files,
      finishes: true,
      slice: this.#slice,
      signal,
    });
    const writer = new SpanWriter({
      repository,
      index,
      pool,
      files,
      folders: this.#folders,
      sparse,
      mayDelete,
      synchronise,
      tick,
      signal,
    });
    const empty: number[] = [];
    await this.#each(this.#plan.files, (_, number) => {
      if (files.isWhole(number, 0)) empty.push(number);
      else files.finishIfComplete(number);
    });
    await writer.makeEmpty(empty);
    await writer.writeAll();
    await this.#makeOthers();
    await this.#each(this.#plan.links, (link) => {
      this.#report.guard(link.directory, link.name, () => this.#makeLink(link));
    });
    await this.#finishDirectories();
    if (synchronise) synchroniseFileSystem(this.#options.targetFd);
  }

  close(): void {
    this.#files.close();
    this.#folders.close();
  }

  /** A loop of synchronous calls that lets other work in. */
  async #each<T>(entries: readonly T[], handle: (entry: T, number: number) => void): Promise<void> {
    for (const [number, entry] of entries.entries()) {
      handle(entry, number);
      if (!this.#slice.isOver) continue;
      this.#options.tick();
      await this.#slice.pause();
    }
  }

  /** Without root's rights nothing can be changed in a folder that is read-only; its own mode is set at the end. */
  async #openDirectories(): Promise<void> {
    const ownUid = process.geteuid?.();
    if (ownUid === 0) return;
    await this.#each(this.#plan.directories, (directory, number) => {
      if (directory.node === undefined || !directory.isWanted || directory.present !== 'directory') return;
      this.#report.guard(directory.parent, directory.name, () => {
        const fd = this.#folders.fdOf(number);
        const { mode, uid } = statFd(fd);
        if (uid === ownUid && (mode & 0o700) !== 0o700) setPermissions(fd, mode | 0o700);
      });
    });
  }

  async #removeExtras(): Promise<void> {
    // An entry below a tree that could not be read would look as if the snapshot did not have it (promise P20).
    if (this.#plan.hasTreeErrors) return;
    await this.#each(this.#plan.deletions, ({ directory, name }) => {
      this.#report.guard(directory, name, () => {
        const path = Buffer.concat([slash, plannedPath(this.#plan, directory, name)]);
        const { selection } = this.#options;
        if (!removeSelected(this.#folders.fdOf(directory), name, path, (below) => selection.selects(below)))
          return;
        this.#report.counts.deleted++;
        this.#report.item('deleted', directory, name, 0);
      });
    });
  }

  async #makeDirectories(): Promise<void> {
    await this.#each(this.#plan.directories, (directory, number) => {
      if (number === 0 || !directory.isWanted || directory.present === 'directory') return;
      this.#report.guard(directory.parent, directory.name, () => {
        const parentFd = this.#folders.fdOf(directory.parent);
        if (directory.present === 'other') removeEntry(parentFd, directory.name, false);
        makeDirectoryAt(parentFd, directory.name, 0o700);
      });
    });
  }

  async #makeOthers(): Promise<void> {
    const { mayDelete } = this.#options;
    await this.#each(this.#plan.others, (other) => {
      const { directory, name } = other;
      const isMade = this.#report.guard(directory, name, () => {
        this.#report.warn(directory, name, makeSpecialEntry(this.#folders, other, mayDelete));
      });
      if (isMade) this.#report.counts.othersRestored++;
    });
  }

  #makeLink(link: PlannedLink): void {
    const file = this.#plan.files[link.file];
    if (file === undefined || this.#files.hasFailed(link.file)) {
      throw new FileSystemError('conflict', 'the file that this is a further name of was not restored');
    }
    const isItsInode = (inode: bigint): boolean => this.#files.isInodeOf(link.file, inode);
    makeFurtherName(this.#folders, file, link, isItsInode, this.#options.mayDelete);
    this.#report.counts.othersRestored++;
  }

  /** Children first: whatever is made in a directory changes its times. */
  async #finishDirectories(): Promise<void> {
    const numbered: (readonly [number, PlannedDirectory])[] = [...this.#plan.directories.entries()];
    await this.#each(numbered.toReversed(), ([number, directory]) => {
      const { node, parent, name } = directory;
      if (node === undefined || !directory.isWanted) return;
      const isDone = this.#report.guard(parent, name, () => {
        const fd = this.#folders.fdOf(number);
        this.#report.warn(parent, name, applyMetadata(fd, node, statFd(fd)));
      });
      if (isDone) this.#report.counts.directories++;
    });
  }
}

const slash = Buffer.from('/');

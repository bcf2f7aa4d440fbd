import { hostname, userInfo } from 'node:os';
import { FileSystemError, UsageError, throwIfAborted } from '../base/errors.ts';
import { programVersion } from '../base/program-version.ts';
import { formatTimestamp } from '../repository/format/timestamp.ts';
import type { Snapshot, SnapshotSummary } from '../repository/format/snapshot.ts';
import { plaintextBytes } from '../repository/blob-index.ts';
import { loadIndex } from '../repository/loaded-index.ts';
import type { LoadedIndex } from '../repository/loaded-index.ts';
import type { RepositoryLock } from '../repository/locks.ts';
import { checkPackSize, packSizeBytes } from '../repository/pack-builder.ts';
import type { OpenPack } from '../repository/pack-builder.ts';
import type { Repository } from '../repository/repository.ts';
import { saveSnapshot } from '../repository/snapshots.ts';
import type { StoredSnapshot } from '../repository/snapshots.ts';
import { TreeLoader } from '../repository/tree-loader.ts';
import type { Compression } from './pipeline/protocol.ts';
import { WorkerPool } from './pipeline/worker-pool.ts';
import { underSharedLock } from './shared-lock.ts';
import { createExclusion } from './source/exclusion.ts';
import type { Exclusion } from './source/exclusion.ts';
import type { SourceRoots } from './source/source-roots.ts';
import { FileQueue } from './stage/file-queue.ts';
import { PackUploader } from './stage/pack-uploader.ts';
import type { UploadedPack } from './stage/pack-uploader.ts';
import { findParent } from './stage/parent.ts';
import { FolderQueue } from './stage/folder-queue.ts';
import { ReliedBlobs } from './stage/relied-blobs.ts';
import { assertStillIndexed } from './stage/relied-check.ts';
import { checkedRoots } from './stage/checked-roots.ts';
import { newCounts } from './stage/stage-events.ts';
import type { StageCounts, StageEvent } from './stage/stage-events.ts';
import { TreeStager } from './stage/tree-stager.ts';

/** A stream that is stored as one file: mode 0644, this process's user, modified at `timeMs` or when the pass began. */
export interface StageStream {
  /** The file's path in the snapshot, `dump.sql` or `db/dump.sql`. */
  readonly name: string;
  /** Read when the pass has begun, once, no faster than it is stored; ended when the pass fails before its end. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** What is staged, and how. Sizes are bytes, times milliseconds. */
export interface StageOptions {
  /** Files and folders; relative ones are taken from `workingFolder`. Either these or a stream must be given. */
  readonly paths?: readonly string[] | undefined;
  /** When it fails, or ends without a byte, no snapshot is written: the pass throws FileSystemError `io`. */
  readonly stream?: StageStream | undefined;
  /**
   * Each path is that of a block device or a file, links followed, and its bytes are stored as one file. Default false:
   * of a device its node is stored, and a link is stored as a link.
   */
  readonly image?: boolean | undefined;
  /** Default: the process's. */
  readonly workingFolder?: string | undefined;
  /** Stores the one path as this absolute path, with its own metadata: how a volume is stored (`/data`). */
  readonly storeAs?: string | undefined;
  /** Default: this machine's host name. It finds the parent, so it must be stable. */
  readonly hostname?: string | undefined;
  /** Default: none. */
  readonly tags?: readonly string[] | undefined;
  /** Default: now. Milliseconds since the Unix epoch. */
  readonly timeMs?: number | undefined;
  /**
   * A snapshot's id or `latest`, against which unchanged files are found. Default: the newest of this host and paths.
   */
  readonly parent?: string | undefined;
  /** Reads every file. Default false. */
  readonly force?: boolean | undefined;
  /** A change of the ctime alone makes no file a changed one. Default false. */
  readonly ignoreCtime?: boolean | undefined;
  /** A change of the inode alone makes no file a changed one. Default false. */
  readonly ignoreInode?: boolean | undefined;
  /** What is left out; `createExclusion` makes one. Default: nothing. */
  readonly exclusion?: Exclusion | undefined;
  /** What was excluded, as text for the snapshot. */
  readonly excludes?: readonly string[] | undefined;
  /** Stays on the file system of each path. Default false. */
  readonly oneFileSystem?: boolean | undefined;
  /** Writes no snapshot when it would equal its parent. Default false. */
  readonly skipIfUnchanged?: boolean | undefined;
  /** Reads and hashes everything and stores nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Default `auto`. A version-1 repository is never compressed. */
  readonly compression?: Compression | undefined;
  /** Size at which a pack is closed, 4 to 128 MiB. Default 16 MiB. */
  readonly packSizeBytes?: number | undefined;
  /** Opens again what was sealed, before it is uploaded, and compares it with what was read. Default true. */
  readonly verifySealed?: boolean | undefined;
  /** Threads. Default: one a processor. */
  readonly workers?: number | undefined;
  /** How long to wait for another's exclusive lock. Default 0: fail at once with `locked`. */
  readonly retryLockMs?: number | undefined;
  /** Called in order, while the pass waits; must be quick and must not throw. */
  readonly onEvent?: ((event: StageEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What came of a stage pass. */
export interface StageResult {
  /** Undefined after a dry run, and when `skipIfUnchanged` found nothing new. */
  readonly snapshotId: string | undefined;
  /** Of the snapshot that unchanged files were taken from; undefined in a first pass. */
  readonly parentId: string | undefined;
  /** Id of the root tree. */
  readonly tree: string;
  readonly counts: Readonly<StageCounts>;
  /** True when something could not be read: the snapshot lacks it. */
  readonly isPartial: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly startedMs: number;
  readonly endedMs: number;
}

const statusIntervalMs = 100;

/**
 * Stores paths as a new snapshot: packs, then index, then the snapshot, so that whatever ends the pass, no snapshot is
 * visible that cannot be restored. What cannot be read is reported and left out, and makes the result partial.
 *
 * Throws UsageError for input that cannot be staged, RepositoryError `locked` or `conflict`, StoreError,
 * FileSystemError, CancelledError; then no snapshot was written, and what an index names by then is found by the next
 * pass.
 *
 * @example
 * const { snapshotId, counts, isPartial } = await stage(repository, { paths: ['volume'], storeAs: '/data' });
 */
export async function stage(repository: Repository, options: StageOptions): Promise<StageResult> {
  checkOptions(options);
  const timeMs = options.timeMs ?? repository.clock.nowMs();
  const roots = checkedRoots(options, BigInt(timeMs) * 1_000_000n);
  let ground: StageGround | undefined;
  const prepare = async (signal: AbortSignal): Promise<void> => {
    ground = await groundOf(repository, { ...options, timeMs, signal }, roots);
  };
  return underSharedLock(repository, { ...options, prepare }, (signal, lock) => {
    if (ground === undefined) throw new Error('a lock was taken before its work was prepared');
    return new StagePass(repository, { ...options, signal }, roots, lock).run(ground);
  });
}

/** What a pass builds on. */
interface StageGround {
  readonly parent: StoredSnapshot | undefined;
  readonly index: LoadedIndex;
}

async function groundOf(
  repository: Repository,
  options: StageOptions & { readonly timeMs: number },
  { paths }: SourceRoots,
): Promise<StageGround> {
  const { parent: id, force = false, tags = [], signal } = options;
  const parent = await findParent(repository, {
    parent: id,
    force,
    hostname: options.hostname ?? hostname(),
    paths,
    tags,
    timeNs: BigInt(options.timeMs) * 1_000_000n,
    signal,
  });
  // After the snapshots: a parent that was written in between would otherwise refer to blobs the index lacks.
  return { parent, index: await loadIndex(repository, signal, 'write') };
}

/** One run; holds what its steps share. */
class StagePass {
  readonly #repository: Repository;
  readonly #options: StageOptions;
  readonly #roots: SourceRoots;
  readonly #lock: RepositoryLock | undefined;
  readonly #counts = newCounts();
  readonly #startedMs: number;
  readonly #startedMonotonicMs: number;
  #lastStatusMs = 0;
  #current: readonly Uint8Array[] = [];

  constructor(
    repository: Repository,
    options: StageOptions,
    roots: SourceRoots,
    lock: RepositoryLock | undefined,
  ) {
    this.#repository = repository;
    this.#options = options;
    this.#roots = roots;
    this.#lock = lock;
    this.#startedMs = repository.clock.nowMs();
    this.#startedMonotonicMs = repository.clock.monotonicMs();
  }

  async run({ parent, index }: StageGround): Promise<StageResult> {
    const { signal } = this.#options;
    const uploader = new PackUploader(this.#repository, index, signal);
    const relied = new ReliedBlobs(index.blobs);
    try {
      const tree = await this.#copy(index, uploader, relied, parent);
      const snapshotId = await this.#finish(uploader, index, relied, parent, tree);
      return this.#result(snapshotId, parent, tree);
    } catch (error) {
      // Without its lock a pass must not write: a prune may have begun to delete what the index would name.
      if (this.#lock?.lost.aborted !== true) await uploader.rescueIndex();
      throw error;
    }
  }

  #result(snapshotId: string | undefined, parent: StoredSnapshot | undefined, tree: string): StageResult {
    return {
      snapshotId,
      parentId: parent?.id,
      tree,
      counts: this.#counts,
      isPartial: this.#counts.errors > 0,
      startedMs: this.#startedMs,
      endedMs: this.#repository.clock.nowMs(),
    };
  }

  /** Reads the source and uploads what is new; every blob is in a confirmed pack when it resolves. */
  async #copy(
    index: LoadedIndex,
    uploader: PackUploader,
    relied: ReliedBlobs,
    parent: StoredSnapshot | undefined,
  ): Promise<string> {
    const { signal, dryRun = false } = this.#options;
    const packSize = this.#options.packSizeBytes ?? packSizeBytes.default;
    const count = (pack: Pick<UploadedPack, 'blobs'>): void => {
      this.#countPack(pack);
      for (const { type, id } of pack.blobs) relied.add(type, id);
    };
    const upload = async (pack: UploadedPack): Promise<void> => {
      count(pack);
      if (!dryRun) await uploader.upload(pack);
    };
    const pool = new WorkerPool({
      setup: {
        secrets: this.#repository.secrets,
        index: index.blobs.memory,
        compression: this.#options.compression ?? 'auto',
        packSizeBytes: packSize,
        verifySealed: this.#options.verifySealed ?? true,
      },
      workers: this.#options.workers,
      onPack: (pack) => upload({ ...pack, bytes: new Uint8Array(pack.buffer, 0, pack.lengthBytes) }),
      signal,
    });
    const ended = new AbortController();
    const trees = new TreeLoader(this.#repository, index, AbortSignal.any([pool.failed, ended.signal]));
    const stager = this.#stager(index, trees, pool, relied);
    try {
      const tree = await stager.stage(this.#roots.root, parent);
      this.#refuseEmpty(stager);
      const leftovers: OpenPack[] = (await pool.runOnEach('flush', {})).flat();
      await pool.uploadsDone();
      if (dryRun) for (const pack of leftovers) count(pack);
      else await uploader.uploadLeftovers(leftovers, packSize, count);
      return tree;
    } finally {
      // Comparisons that wait for trees end by it, those that wait for workers by the closing of the pool.
      ended.abort();
      await pool.close();
      await stager.close();
    }
  }

  /** restic's rule: a snapshot of nothing would be taken for the newest state of the paths. */
  #refuseEmpty(stager: TreeStager): void {
    const { errors, filesNew, filesChanged, filesUnmodified, othersProcessed } = this.#counts;
    const items = filesNew + filesChanged + filesUnmodified + othersProcessed + stager.directoriesRead;
    if (errors === 0 || items > 0) return;
    throw new FileSystemError('io', 'nothing of the source could be read: no snapshot was written', {
      where: this.#roots.paths.join(', '),
      advice: 'see the errors above',
    });
  }

  #stager(index: LoadedIndex, trees: TreeLoader, pool: WorkerPool, relied: ReliedBlobs): TreeStager {
    const { onEvent, signal } = this.#options;
    const { clock } = this.#repository;
    return new TreeStager({
      index,
      trees,
      folders: new FolderQueue(pool, trees, relied),
      pool,
      files: new FileQueue(pool, (sizeBytes) => {
        this.#counts.bytesProcessed += sizeBytes;
        this.#reportStatus(this.#current);
      }),
      relied,
      counts: this.#counts,
      exclusion: this.#options.exclusion ?? createExclusion(),
      detection: {
        ignoreCtime: this.#options.ignoreCtime ?? false,
        ignoreInode: this.#options.ignoreInode ?? false,
      },
      oneFileSystem: this.#options.oneFileSystem ?? false,
      report: (event) => onEvent?.(event),
      tick: (current) => this.#reportStatus(current),
      monotonicMs: () => clock.monotonicMs(),
      signal,
    });
  }

  /** The second half of the write order. Returns the snapshot's id, or undefined when none was to be written. */
  async #finish(
    uploader: PackUploader,
    index: LoadedIndex,
    relied: ReliedBlobs,
    parent: StoredSnapshot | undefined,
    tree: string,
  ): Promise<string | undefined> {
    const { signal, dryRun = false, skipIfUnchanged = false } = this.#options;
    if (dryRun) return undefined;
    await uploader.flushIndex();
    if (skipIfUnchanged && parent?.tree === tree) return undefined;
    await assertStillIndexed(relied, index, this.#repository, uploader.indexFileIds, signal);
    await this.#lock?.assertHeld();
    throwIfAborted(signal);
    return saveSnapshot(this.#repository, this.#snapshot(parent, tree), signal);
  }

  #snapshot(parent: StoredSnapshot | undefined, tree: string): Snapshot {
    const { tags = [], excludes = [] } = this.#options;
    return {
      time: formatTimestamp(this.#timeNs()),
      parent: parent?.id,
      tree,
      paths: this.#roots.paths,
      hostname: this.#options.hostname ?? hostname(),
      username: accountName(),
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      excludes,
      tags,
      programVersion: programVersion(),
      summary: this.#summary(),
      tranship: this.#counts.errors > 0 ? { errors: this.#counts.errors } : undefined,
    };
  }

  #summary(): SnapshotSummary {
    const counts = this.#counts;
    return {
      backupStart: formatTimestamp(BigInt(this.#startedMs) * 1_000_000n),
      backupEnd: formatTimestamp(BigInt(this.#repository.clock.nowMs()) * 1_000_000n),
      filesNew: counts.filesNew,
      filesChanged: counts.filesChanged,
      filesUnmodified: counts.filesUnmodified,
      dirsNew: counts.dirsNew,
      dirsChanged: counts.dirsChanged,
      dirsUnmodified: counts.dirsUnmodified,
      dataBlobs: counts.dataBlobs,
      treeBlobs: counts.treeBlobs,
      dataAdded: counts.dataAdded,
      dataAddedPacked: counts.dataAddedPacked,
      totalFilesProcessed: counts.filesNew + counts.filesChanged + counts.filesUnmodified,
      totalBytesProcessed: counts.bytesProcessed,
    };
  }

  #timeNs(): bigint {
    return BigInt(this.#options.timeMs ?? this.#startedMs) * 1_000_000n;
  }

  #countPack(pack: Pick<UploadedPack, 'blobs'>): void {
    for (const blob of pack.blobs) {
      if (blob.type === 'data') this.#counts.dataBlobs++;
      else this.#counts.treeBlobs++;
      this.#counts.dataAdded += plaintextBytes({
        length: blob.length,
        uncompressedLength: blob.uncompressedLength ?? 0,
      });
      this.#counts.dataAddedPacked += blob.length;
    }
  }

  #reportStatus(current: readonly Uint8Array[]): void {
    this.#current = current;
    const nowMs = this.#repository.clock.monotonicMs();
    if (nowMs - this.#lastStatusMs < statusIntervalMs) return;
    this.#lastStatusMs = nowMs;
    const elapsedMs = nowMs - this.#startedMonotonicMs;
    this.#options.onEvent?.({ type: 'status', counts: this.#counts, current, elapsedMs });
  }
}

function checkOptions(options: StageOptions): void {
  checkPackSize(options.packSizeBytes);
  for (const tag of options.tags ?? []) {
    if (tag === '') throw new UsageError('a tag must not be empty');
  }
}

function accountName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // A container's user often stands in no passwd file.
    return undefined;
  }
}

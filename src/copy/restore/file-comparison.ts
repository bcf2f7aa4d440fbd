import { FileSystemError, asError, throwIfAborted } from '../../base/errors.ts';
import { unpackError } from '../../base/error-transport.ts';
import { openFileAt, statFd } from '../../base/file-system.ts';
import type { TimeSlice } from '../../base/time-slice.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import { compareChunks } from '../pipeline/chunk-comparison.ts';
import type { ComparedFile, FileToCompare } from '../pipeline/whole-file.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { PlannedFile, RestorePlan } from './restore-plan.ts';
import type { RestoredFiles } from './restored-files.ts';
import type { TargetFolders } from './target-folders.ts';

/** Large files, or jobs of small ones, that are being read at once, a worker. */
const comparedPerWorker = 4;
/** Larger files are shared among the workers. */
const mostWholeBytes = 8 * 2 ** 20;
const mostWholeChunks = 256;
const filesPerJob = 32;
const bytesPerJob = 8 * 2 ** 20;

export interface FileComparisonOptions {
  readonly plan: RestorePlan;
  readonly index: LoadedIndex;
  readonly pool: WorkerPool;
  readonly folders: TargetFolders;
  readonly files: RestoredFiles;
  /** Gives small files that are as they should be their metadata, and counts them as complete. */
  readonly finishes: boolean;
  readonly slice: TimeSlice;
  readonly signal: AbortSignal | undefined;
}

/** Finds the chunks that have to be written: all of a new file, of an existing one those that differ. */
export async function chooseChunks(options: FileComparisonOptions): Promise<void> {
  const { slice, signal } = options;
  const comparison = new Comparison(options);
  for (const [index, file] of options.plan.files.entries()) {
    if (comparison.failure !== undefined || signal?.aborted === true) break;
    if (file.action === 'create') options.files.want(index);
    if (file.action === 'compare') await comparison.add(index, file);
    if (slice.isOver) await slice.pause().catch((error: unknown) => comparison.fail(error));
  }
  await comparison.end();
  throwIfAborted(signal);
  if (comparison.failure !== undefined) throw comparison.failure;
}

/** Files that are being compared: small ones many a job, others one by one. */
class Comparison {
  readonly #options: FileComparisonOptions;
  readonly #comparing = new Set<Promise<void>>();
  #batch: number[] = [];
  #batchBytes = 0;
  #failure: Error | undefined;

  constructor(options: FileComparisonOptions) {
    this.#options = options;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  fail(error: unknown): void {
    this.#failure ??= asError(error);
  }

  /** Waits while enough is under way. */
  async add(index: number, file: PlannedFile): Promise<void> {
    if (file.isDevice || file.sizeBytes > mostWholeBytes || file.chunks.length > mostWholeChunks) {
      this.#start(compareFile(this.#options, index, file));
    } else {
      this.#batch.push(index);
      this.#batchBytes += file.sizeBytes;
      if (this.#batch.length >= filesPerJob || this.#batchBytes >= bytesPerJob) this.#startBatch();
    }
    while (this.#comparing.size > this.#options.pool.workers * comparedPerWorker) {
      await Promise.race(this.#comparing);
    }
  }

  async end(): Promise<void> {
    if (this.#failure === undefined) this.#startBatch();
    await Promise.all(this.#comparing);
  }

  #startBatch(): void {
    if (this.#batch.length > 0) this.#start(compareSmallFiles(this.#options, this.#batch));
    this.#batch = [];
    this.#batchBytes = 0;
  }

  #start(comparison: Promise<void>): void {
    const done: Promise<void> = comparison
      .catch((error: unknown) => this.fail(error))
      .finally(() => this.#comparing.delete(done));
    this.#comparing.add(done);
  }
}

async function compareSmallFiles(options: FileComparisonOptions, batch: readonly number[]): Promise<void> {
  const { files, folders, pool } = options;
  const indexes: number[] = [];
  const requests: FileToCompare[] = [];
  for (const index of batch) {
    const file = files.planned(index);
    try {
      requests.push(requestFor(options, file));
      indexes.push(index);
    } catch (error) {
      files.fail(index, error);
    }
  }
  // When this fails the folders stay pinned: a worker may be using them until the pool is closed.
  const told = await pool.run('compare-files', { files: requests });
  for (const index of indexes) folders.unpin(files.planned(index).directory);
  const byPlace = new Map(told.map((compared) => [compared.place, compared]));
  for (const [place, index] of indexes.entries()) settle(options, index, byPlace.get(place));
}

/** Pins the file's folder. */
function requestFor({ folders, finishes }: FileComparisonOptions, file: PlannedFile): FileToCompare {
  const { name, sizeBytes, chunks, presentInode: inode, node } = file;
  const metadata = finishes ? node : undefined;
  return {
    directoryFd: folders.pin(file.directory),
    name: name.toString('latin1'),
    sizeBytes,
    rows: Array.from(chunks),
    inode,
    metadata,
  };
}

function settle(options: FileComparisonOptions, index: number, compared: ComparedFile | undefined): void {
  const { files, finishes } = options;
  const file = files.planned(index);
  switch (compared?.outcome) {
    case undefined:
    case 'equal':
      file.action = 'keep';
      if (finishes) files.kept(index, compared?.faults ?? []);
      return;
    case 'different':
      chooseDifferent(files, index, new Set(compared.chunks));
      return;
    case 'failed':
      if (compared.mayNotRead) wantAll(files, index);
      else files.fail(index, unpackError(compared.error));
  }
}

async function compareFile(options: FileComparisonOptions, index: number, file: PlannedFile): Promise<void> {
  const { pool, files, folders } = options;
  try {
    const fd = openForComparison(folders.fdOf(file.directory), file.name);
    if (fd === undefined) {
      wantAll(files, index);
      return;
    }
    try {
      const different = await compareChunks(pool, fd, expectedChunks(options.index, file));
      const hasItsSize = file.isDevice || statFd(fd).sizeBytes === file.sizeBytes;
      if (different.size === 0 && hasItsSize) file.action = 'keep';
      else chooseDifferent(files, index, different);
    } finally {
      pool.closeDescriptor(fd);
    }
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
    files.fail(index, error);
  }
}

/** It must not be read: it is replaced, if the folder permits. */
function wantAll(files: RestoredFiles, index: number): void {
  files.planned(index).action = 'create';
  files.want(index);
}

/** Writing to a file that has names elsewhere would change those: it is replaced. */
function chooseDifferent(files: RestoredFiles, index: number, different: ReadonlySet<number>): void {
  const file = files.planned(index);
  file.action = file.isShared ? 'create' : 'update';
  files.want(index, (chunk) => file.isShared || different.has(chunk));
}

/** Undefined for a file that must not be read. */
function openForComparison(directoryFd: number, name: Buffer): number | undefined {
  try {
    return openFileAt(directoryFd, name);
  } catch (error) {
    if (error instanceof FileSystemError && error.errno === 'EACCES') return undefined;
    throw error;
  }
}

function expectedChunks(index: LoadedIndex, file: PlannedFile): { id: string; lengthBytes: number }[] {
  return Array.from(file.chunks, (row) => ({
    id: index.blobs.idAt(row).toString('hex'),
    lengthBytes: index.blobs.plaintextBytesAt(row),
  }));
}

import { FileSystemError, asError, throwIfAborted } from '../../base/errors.ts';
import { openFileAt, statFd } from '../../base/file-system.ts';
import type { TimeSlice } from '../../base/time-slice.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import { compareChunks } from '../pipeline/chunk-comparison.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { PlannedFile, RestorePlan } from './restore-plan.ts';
import type { RestoredFiles } from './restored-files.ts';
import type { TargetFolders } from './target-folders.ts';

/** Files that are being read at once, a worker. */
const filesPerWorker = 4;

export interface FileComparisonOptions {
  readonly plan: RestorePlan;
  readonly index: LoadedIndex;
  readonly pool: WorkerPool;
  readonly folders: TargetFolders;
  readonly files: RestoredFiles;
  readonly slice: TimeSlice;
  readonly signal: AbortSignal | undefined;
}

/** Finds the chunks that have to be written: all of a new file, of an existing one those that differ. */
export async function chooseChunks(options: FileComparisonOptions): Promise<void> {
  const { plan, pool, files, slice, signal } = options;
  const comparing = new Set<Promise<void>>();
  let failure: Error | undefined;
  for (const [index, file] of plan.files.entries()) {
    if (failure !== undefined || signal?.aborted === true) break;
    if (file.action === 'create') files.want(index);
    if (file.action === 'compare') {
      const done: Promise<void> = compareFile(options, index, file)
        .catch((error: unknown) => {
          failure ??= asError(error);
        })
        .finally(() => comparing.delete(done));
      comparing.add(done);
      if (comparing.size > pool.workers * filesPerWorker) await Promise.race(comparing);
    }
    if (slice.isOver) await slice.pause().catch((error: unknown) => (failure ??= asError(error)));
  }
  await Promise.all(comparing);
  throwIfAborted(signal);
  if (failure !== undefined) throw failure;
}

async function compareFile(options: FileComparisonOptions, index: number, file: PlannedFile): Promise<void> {
  const { pool, files, folders } = options;
  try {
    const fd = openForComparison(folders.fdOf(file.directory), file.name);
    if (fd === undefined) {
      file.action = 'create';
      files.want(index);
      return;
    }
    try {
      const different = await compareChunks(pool, fd, expectedChunks(options.index, file));
      const hasItsSize = file.isDevice || statFd(fd).sizeBytes === file.sizeBytes;
      const isEqual = different.size === 0 && hasItsSize;
      file.action = isEqual ? 'keep' : file.isShared ? 'create' : 'update';
      if (!isEqual) files.want(index, (chunk) => file.isShared || different.has(chunk));
    } finally {
      pool.closeDescriptor(fd);
    }
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
    files.fail(index, error);
  }
}

/** Undefined for a file that must not be read: it is replaced, if the folder permits. */
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

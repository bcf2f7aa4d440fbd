import { unpackError } from '../../base/error-transport.ts';
import type { ComparedFile, FileToCompare } from '../pipeline/whole-file.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { HeldFolders } from './held-folders.ts';

const filesPerJob = 32;
const bytesPerJob = 8 * 2 ** 20;

export interface SmallFile {
  readonly path: Buffer;
  readonly file: FileToCompare;
}

/** What became of a file: the places of the chunks that differ, or why it could not be read. */
export type SmallFileOutcome =
  { readonly different: readonly number[]; readonly isLonger: boolean } | { readonly error: Error };

export interface SmallFilesOptions {
  readonly pool: WorkerPool;
  readonly folders: HeldFolders;
  readonly onCompared: (file: SmallFile, outcome: SmallFileOutcome) => void;
}

/** Collects small files, whose contents workers compare many a job. */
export class SmallFiles {
  readonly #options: SmallFilesOptions;
  #batch: SmallFile[] = [];
  #batchBytes = 0;

  constructor(options: SmallFilesOptions) {
    this.#options = options;
  }

  /** Returns the job of a batch that is full now. */
  add(file: SmallFile): Promise<void> | undefined {
    this.#options.folders.hold(file.file.directoryFd);
    this.#batch.push(file);
    this.#batchBytes += file.file.sizeBytes;
    if (this.#batch.length < filesPerJob && this.#batchBytes < bytesPerJob) return undefined;
    return this.flush();
  }

  /** Compares those that are left. */
  async flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (batch.length === 0) return;
    const { pool, folders, onCompared } = this.#options;
    // When this fails the folders stay held: a worker may be using them until the pool is closed.
    const told = await pool.run('compare-files', { files: batch.map(({ file }) => file) });
    for (const { file } of batch) folders.release(file.directoryFd);
    const byPlace = new Map(told.map((compared) => [compared.place, compared]));
    for (const [place, file] of batch.entries()) onCompared(file, outcomeOf(byPlace.get(place)));
  }
}

function outcomeOf(compared: ComparedFile | undefined): SmallFileOutcome {
  if (compared?.outcome === 'failed') return { error: unpackError(compared.error) };
  if (compared?.outcome !== 'different') return { different: [], isLonger: false };
  return { different: compared.chunks, isLonger: compared.chunks.length === 0 };
}

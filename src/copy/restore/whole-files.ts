import { unpackError } from '../../base/error-transport.ts';
import { RepositoryError } from '../../base/errors.ts';
import type { FileToMake, MadeFile } from '../pipeline/whole-file.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import { allSettled } from '../pipeline/all-settled.ts';
import type { JobLimit } from './job-limit.ts';
import type { RestoredFiles } from './restored-files.ts';
import type { TargetFolders } from './target-folders.ts';

/** One job's files: enough that a message costs little beside them, few enough that every worker gets its share. */
const filesPerJob = 128;
const fewestFilesPerJob = 32;
const bytesPerJob = 2 * 2 ** 20;

/** Bytes of a pack in shared memory. */
export interface PackBytes {
  readonly packId: string;
  /** Offset of `bytes` in the pack. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

export const noBytes: PackBytes = { packId: '', start: 0, bytes: new Uint8Array() };

export interface WholeFilesOptions {
  readonly files: RestoredFiles;
  readonly folders: TargetFolders;
  readonly pool: WorkerPool;
  readonly limit: JobLimit;
  readonly sparse: boolean;
  readonly mayDelete: boolean;
}

/** Has small files made by workers, many a job: this thread only says what, and hears of what went wrong. */
export class WholeFiles {
  readonly #options: WholeFilesOptions;

  constructor(options: WholeFilesOptions) {
    this.#options = options;
  }

  /** Makes files of the plan, by their places in it; returns those whose blobs are damaged, with the reason. */
  async make(indexes: readonly number[], source: PackBytes): Promise<Map<number, RepositoryError>> {
    const damaged = new Map<number, RepositoryError>();
    const jobs: Promise<void>[] = [];
    for (let first = 0; first < indexes.length;) {
      const batch = this.#takeBatch(indexes, first);
      first += batch.length;
      jobs.push(this.#options.limit.run(() => this.#makeBatch(batch, source, damaged)));
    }
    await allSettled(jobs);
    return damaged;
  }

  /** Ends with a folder where it can: two workers that make files in the same one wait for each other. */
  #takeBatch(indexes: readonly number[], first: number): number[] {
    const batch: number[] = [];
    let sizeBytes = 0;
    let last: number | undefined;
    for (let i = first; i < indexes.length && batch.length < filesPerJob && sizeBytes < bytesPerJob; i++) {
      const index = indexes[i] ?? 0;
      const file = this.#options.files.planned(index);
      if (file.directory !== last && batch.length >= fewestFilesPerJob) break;
      batch.push(index);
      sizeBytes += file.sizeBytes;
      last = file.directory;
    }
    return batch;
  }

  async #makeBatch(
    batch: readonly number[],
    source: PackBytes,
    damaged: Map<number, RepositoryError>,
  ): Promise<void> {
    const { files, folders, pool, sparse, mayDelete } = this.#options;
    const places: number[] = [];
    const requests: FileToMake[] = [];
    for (const index of batch) {
      const request = this.#requestFor(index);
      if (request === undefined) continue;
      places.push(index);
      requests.push(request);
    }
    if (requests.length === 0) return;
    // When this fails the folders stay pinned: a worker may be using them until the pool is closed.
    const told = await pool.run('make-files', { ...source, files: requests, sparse, mayDelete });
    for (const index of places) folders.unpin(files.planned(index).directory);
    this.#settle(places, told, damaged);
  }

  /** Pins the file's folder; undefined when it is not there, which is the file's failure. */
  #requestFor(index: number): FileToMake | undefined {
    const { files, folders } = this.#options;
    const { directory, name, sizeBytes, chunks, node, hasMoreNames, presentLinks } = files.planned(index);
    try {
      return {
        directoryFd: folders.pin(directory),
        name: name.toString('latin1'),
        sizeBytes,
        rows: Array.from(chunks),
        metadata: node,
        replaces: presentLinks > 0,
        hasMoreNames,
      };
    } catch (error) {
      files.fail(index, error);
      return undefined;
    }
  }

  #settle(places: readonly number[], told: readonly MadeFile[], damaged: Map<number, RepositoryError>): void {
    const { files } = this.#options;
    let next = 0;
    for (const [place, index] of places.entries()) {
      const made = told[next]?.place === place ? told[next++] : undefined;
      if (made?.error === undefined) {
        files.madeWhole(index, made?.faults ?? [], made?.inode);
        continue;
      }
      const error = unpackError(made.error);
      if (error instanceof RepositoryError) damaged.set(index, error);
      else files.fail(index, error);
    }
  }
}

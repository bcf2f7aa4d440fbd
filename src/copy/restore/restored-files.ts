import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { ChunkTarget } from '../pipeline/protocol.ts';
import { ChunkReferences } from './chunk-references.ts';
import type { ChunkReference } from './chunk-references.ts';
import type { PlannedFile, RestorePlan } from './restore-plan.ts';
import type { RestoreReport } from './restore-report.ts';
import { TargetFiles } from './target-files.ts';
import type { TargetFolders } from './target-folders.ts';

/** Larger files are written by several workers at once. */
const mostWholeBytes = 8 * 2 ** 20;
/** A longer list is of a file that repeats itself: its blobs are better opened once for all their places. */
const mostWholeChunks = 16;

export interface RestoredFilesOptions {
  readonly plan: RestorePlan;
  readonly index: LoadedIndex;
  readonly folders: TargetFolders;
  readonly report: RestoreReport;
  readonly mayDelete: boolean;
}

/** What becomes of each file of a plan: which chunks it waits for, when it is complete, whether it has failed. */
export class RestoredFiles {
  /** The chunks that have to be written. */
  readonly references = new ChunkReferences();
  readonly #options: RestoredFilesOptions;
  readonly #files: TargetFiles;
  /** Chunks that each file still waits for. */
  readonly #remaining: Uint32Array;
  /** Bytes of those chunks; the rest of a file stands in the target already. */
  readonly #wantedBytes: Float64Array;
  readonly #failed = new Set<number>();
  /** 1 for a file that a worker has dealt with to the end. */
  readonly #isDone: Uint8Array;

  constructor(options: RestoredFilesOptions) {
    this.#options = options;
    this.#files = new TargetFiles(options.plan, options.folders, options.mayDelete);
    this.#remaining = new Uint32Array(options.plan.files.length);
    this.#wantedBytes = new Float64Array(options.plan.files.length);
    this.#isDone = new Uint8Array(options.plan.files.length);
  }

  close(): void {
    this.#files.close();
  }

  hasFailed(index: number): boolean {
    return this.#failed.has(index);
  }

  /** True for the inode that this restore made for the file, or found in its place and kept. */
  isInodeOf(index: number, inode: bigint): boolean {
    return this.#files.isInodeOf(index, inode);
  }

  /** Asks for chunks of a file, by their place in it; by default for all. */
  want(index: number, isNeeded: (chunk: number) => boolean = () => true): void {
    let position = 0;
    for (const [chunk, row] of this.planned(index).chunks.entries()) {
      const sizeBytes = this.#options.index.blobs.plaintextBytesAt(row);
      if (isNeeded(chunk)) {
        this.references.add({ row, file: index, position });
        this.#remaining[index] = (this.#remaining[index] ?? 0) + 1;
        this.#wantedBytes[index] = (this.#wantedBytes[index] ?? 0) + sizeBytes;
      }
      position += sizeBytes;
    }
  }

  /** True for a small new file that is made in one go when all of its chunks are there at once. */
  isWhole(index: number, chunksThere: number): boolean {
    const { action, isDevice, sizeBytes, chunks } = this.planned(index);
    return (
      action === 'create' &&
      !this.#failed.has(index) &&
      !isDevice &&
      chunks.length === chunksThere &&
      chunks.length <= mostWholeChunks &&
      sizeBytes <= mostWholeBytes
    );
  }

  /** A worker has made the file, which has this inode, and set its metadata but for `faults`. */
  madeWhole(index: number, faults: readonly string[], inode: bigint | undefined): void {
    if (inode !== undefined) this.#files.madeElsewhere(index, inode);
    this.#remaining[index] = 0;
    this.#options.report.counts.bytesRestored += this.planned(index).sizeBytes;
    this.#finished(index, faults);
  }

  /** A worker has found the contents of the file right, and set its metadata but for `faults`. */
  kept(index: number, faults: readonly string[]): void {
    this.#finished(index, faults);
  }

  /** Completes a file that waits for no chunk. */
  finishIfComplete(index: number): void {
    if (this.#isDone[index] === 1 || this.#failed.has(index)) return;
    if (this.#remaining[index] === 0) this.#finish(index);
  }

  /** Opens the chunk's file until `release`; false when it cannot take the chunk. */
  acquire(reference: ChunkReference): boolean {
    if (this.#failed.has(reference.file)) return false;
    try {
      this.#files.acquire(reference.file);
      return true;
    } catch (error) {
      this.chunkFailed(reference, error);
      return false;
    }
  }

  release(reference: ChunkReference): void {
    this.#files.release(reference.file);
  }

  /** Where an acquired chunk goes. */
  target(reference: ChunkReference): ChunkTarget {
    const fd = this.#files.fdOf(reference.file);
    return { fd, position: reference.position, isFresh: this.planned(reference.file).action === 'create' };
  }

  chunkWritten({ file: index, row }: ChunkReference): void {
    this.#options.report.counts.bytesRestored += this.#options.index.blobs.plaintextBytesAt(row);
    this.#remaining[index] = (this.#remaining[index] ?? 1) - 1;
    if (this.#failed.has(index)) this.#discard(index);
    else this.finishIfComplete(index);
  }

  chunkFailed({ file: index }: ChunkReference, error: unknown): void {
    this.fail(index, error);
    this.#discard(index);
  }

  /** The first failure of a file is reported; its other chunks are not written any more. */
  fail(index: number, error: unknown): void {
    if (this.#failed.has(index)) return;
    this.#failed.add(index);
    const file = this.planned(index);
    this.#options.report.failed(file.directory, file.name, error);
  }

  #discard(index: number): void {
    const file = this.planned(index);
    this.#options.report.guard(file.directory, file.name, () => this.#files.discard(index));
  }

  #finish(index: number): void {
    const { directory, name } = this.planned(index);
    let faults: readonly string[] = [];
    const isDone = this.#options.report.guard(directory, name, () => {
      faults = this.#files.finish(index);
    });
    if (isDone) this.#finished(index, faults);
    else this.#failed.add(index);
  }

  #finished(index: number, faults: readonly string[]): void {
    const { report } = this.#options;
    const { directory, name, action, sizeBytes } = this.planned(index);
    this.#isDone[index] = 1;
    report.warn(directory, name, faults);
    report.counts[action === 'keep' ? 'filesSkipped' : 'filesRestored']++;
    report.counts.bytesSkipped += sizeBytes - (this.#wantedBytes[index] ?? 0);
    const became = action === 'keep' ? 'unchanged' : action === 'update' ? 'updated' : 'restored';
    report.item(became, directory, name, sizeBytes);
  }

  planned(index: number): PlannedFile {
    const file = this.#options.plan.files[index];
    if (file === undefined) throw new RangeError(`the plan has no file ${index}`);
    return file;
  }
}

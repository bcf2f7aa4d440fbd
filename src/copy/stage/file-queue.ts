import { packError } from '../../base/error-transport.ts';
import { FileSystemError } from '../../base/errors.ts';
import { openFileAt, statFd } from '../../base/file-system.ts';
import { storedFileOf } from '../pipeline/stored-file.ts';
import { allSettled } from '../pipeline/all-settled.ts';
import type { Cut, FileReference, Jobs, StoredFile, StoreFileResult } from '../pipeline/protocol.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';

/** Files at least this large are cut by one worker and stored by all of them. */
const largeFileBytes = 24 * 2 ** 20;
/** Small files travel to a worker together: a message costs as much as reading a small file. */
const batchFiles = 64;
const batchBytes = 4 * 2 ** 20;
/** Bounds on what is queued, so that a walk does not run ahead of the readers without limit. */
const queuedFiles = 2048;
/** What a find-cuts job looks for, and what a store-chunks job stores. */
const sectionBytes = 64 * 2 ** 20;
const jobBytes = 8 * 2 ** 20;
const largeFilesAtOnce = 2;

interface QueuedFile {
  readonly reference: FileReference;
  readonly done: (result: StoreFileResult) => void;
  readonly failed: (error: unknown) => void;
}

type StoreChunksResult = Jobs['store-chunks']['response'];

/** Hands files to the workers: small ones in batches, large ones in sections that all workers share. */
export class FileQueue {
  readonly #pool: WorkerPool;
  readonly #onBytes: (sizeBytes: number) => void;
  #batch: QueuedFile[] = [];
  #batchBytes = 0;
  #queued = 0;
  #largeFiles = 0;
  #waiting: (() => void)[] = [];
  #hole: Promise<StoreChunksResult> | undefined;

  /** `onBytes` is told of bytes as they are done, for a progress that moves within a large file too. */
  constructor(pool: WorkerPool, onBytes: (sizeBytes: number) => void = () => {}) {
    this.#pool = pool;
    this.#onBytes = onBytes;
  }

  /** Resolves with what became of the file; rejects only when the pass cannot go on. The directory must stay open. */
  store(reference: FileReference, sizeBytes: number): Promise<StoreFileResult> {
    this.#queued++;
    const result =
      sizeBytes >= largeFileBytes ? this.#storeLarge(reference) : this.#storeInBatch(reference, sizeBytes);
    return result.finally(() => {
      this.#queued--;
      this.#wake();
    });
  }

  /** Waits until there is room for another file. */
  async room(): Promise<void> {
    while (this.#queued >= queuedFiles) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Sends what has been collected, full or not. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#pool.run('store-files', { files: batch.map((file) => file.reference) }).then(
      (results) => {
        for (const [index, file] of batch.entries()) this.#answer(file, results[index]);
      },
      (error: unknown) => {
        for (const file of batch) file.failed(error);
      },
    );
  }

  /** A listener that throws must end the pass, not leave the file unanswered. */
  #answer(file: QueuedFile, result: StoreFileResult | undefined): void {
    try {
      if (result === undefined) throw new Error('a worker answered for fewer files than it was given');
      if (result.outcome === 'stored') this.#onBytes(result.file.sizeBytes);
    } catch (error) {
      file.failed(error);
      return;
    }
    if (result !== undefined) file.done(result);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #storeInBatch(reference: FileReference, sizeBytes: number): Promise<StoreFileResult> {
    return new Promise((done, failed) => {
      this.#batch.push({ reference, done, failed });
      this.#batchBytes += sizeBytes;
      if (this.#batch.length >= batchFiles || this.#batchBytes >= batchBytes) this.flush();
    });
  }

  async #storeLarge(reference: FileReference): Promise<StoreFileResult> {
    while (this.#largeFiles >= largeFilesAtOnce) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#largeFiles++;
    try {
      const fd = openFileAt(reference.directoryFd, Buffer.from(reference.name, 'latin1'));
      try {
        return { outcome: 'stored', file: await this.#storeOpenFile(fd) };
      } finally {
        this.#pool.closeDescriptor(fd);
      }
    } catch (error) {
      if (!(error instanceof FileSystemError) || this.#pool.failure !== undefined) throw error;
      return { outcome: 'failed', error: packError(error) };
    } finally {
      this.#largeFiles--;
      this.#wake();
    }
  }

  /**
   * One section's cuts are looked for while the one before is being stored, so that reading ahead stays bounded and
   * the second read of a chunk comes from the page cache.
   */
  async #storeOpenFile(fd: number): Promise<StoredFile> {
    const status = statFd(fd);
    if (status.type !== 'file') {
      throw new FileSystemError('conflict', `the file became a ${status.type} while it was being opened`);
    }
    const parts: StoreChunksResult[] = [];
    let storing: Promise<StoreChunksResult[]> = Promise.resolve([]);
    try {
      for (let position = 0, isEnd = false; !isEnd;) {
        const found = await this.#pool.run('find-cuts', { fd, position, budgetBytes: sectionBytes });
        parts.push(...(await storing));
        storing = this.#storeSection(fd, position, found.cuts);
        // The rejection is taken by the await in the next round or below; this keeps it from counting as unhandled.
        storing.catch(() => {});
        position += found.cuts.reduce((sum, cut) => sum + cut.lengthBytes, 0);
        isEnd = found.isEnd;
      }
    } finally {
      await storing.catch(() => {});
    }
    parts.push(...(await storing));
    return storedFileOf(fd, status, unbrokenParts(parts));
  }

  async #storeSection(fd: number, position: number, cuts: readonly Cut[]): Promise<StoreChunksResult[]> {
    const jobs: Promise<StoreChunksResult>[] = [];
    let lengths: number[] = [];
    let start = position;
    let end = position;
    const add = (job: Promise<StoreChunksResult>): void => {
      jobs.push(
        job.then((part) => {
          this.#onBytes(part.sizeBytes);
          return part;
        }),
      );
    };
    const submit = (): void => {
      if (lengths.length > 0) add(this.#pool.run('store-chunks', { fd, position: start, lengths }));
      lengths = [];
      start = end;
    };
    for (const cut of cuts) {
      if (cut.isHole) {
        submit();
        add(this.#storeHole(cut.lengthBytes));
        end += cut.lengthBytes;
        start = end;
        continue;
      }
      lengths.push(cut.lengthBytes);
      end += cut.lengthBytes;
      if (end - start >= jobBytes) submit();
    }
    submit();
    return allSettled(jobs);
  }

  /** All chunks in holes have the same bytes: they are stored once, whatever the file's size. */
  async #storeHole(lengthBytes: number): Promise<StoreChunksResult> {
    if (this.#hole === undefined) {
      this.#hole = this.#pool.run('store-zeros', { lengthBytes });
      return this.#hole;
    }
    return { ...(await this.#hole), addedBytes: 0 };
  }
}

/**
 * Behind a part that came out short, because the file was cut off meanwhile, the next ones would stand at wrong places.
 */
function unbrokenParts(parts: readonly StoreChunksResult[]): StoreChunksResult {
  const firstShort = parts.findIndex((part) => part.isShort);
  const kept = firstShort === -1 ? parts : parts.slice(0, firstShort + 1);
  return {
    content: kept.flatMap((part) => part.content),
    sizeBytes: kept.reduce((sum, part) => sum + part.sizeBytes, 0),
    addedBytes: parts.reduce((sum, part) => sum + part.addedBytes, 0),
    isShort: firstShort !== -1,
  };
}

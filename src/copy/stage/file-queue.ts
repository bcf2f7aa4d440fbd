import { packError } from '../../base/error-transport.ts';
import { FileSystemError } from '../../base/errors.ts';
import { openFileAt, statFd } from '../../base/file-system.ts';
import type { Latin1Name } from '../../base/file-system.ts';
import { resultsOf } from '../pipeline/stored-batch.ts';
import { storedFileOf } from '../pipeline/stored-file.ts';
import type { FileReference, StoredFile, StoreFileResult } from '../pipeline/protocol.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { StreamSource } from '../source/source-roots.ts';
import { madeFile, streamOwnership } from './made-file.ts';
import { SectionStorer } from './section-storer.ts';
import { StreamStorer } from './stream-storer.ts';

/** Files at least this large are cut by one worker and stored by all of them. */
const largeFileBytes = 24 * 2 ** 20;
/** Small files travel to a worker together: a message costs as much as reading a small file. */
const batchFiles = 64;
const batchBytes = 4 * 2 ** 20;
/** Bounds on what is queued, so that a walk does not run ahead of the readers without limit. */
const queuedFiles = 1024;
const largeFilesAtOnce = 2;

/** What is to be told of a file: what became of it, or that the pass cannot go on. */
export interface FileListener {
  done(result: StoreFileResult): void;
  failed(error: unknown): void;
}

interface QueuedFile {
  readonly reference: FileReference;
  readonly listener: FileListener;
}

/** Hands files to the workers: small ones in batches, large ones, devices and streams in sections that all share. */
export class FileQueue {
  readonly #pool: WorkerPool;
  readonly #onBytes: (sizeBytes: number) => void;
  readonly #sections: SectionStorer;
  #batch: QueuedFile[] = [];
  #batchBytes = 0;
  #queued = 0;
  #largeFiles = 0;
  #waiting: (() => void)[] = [];

  /** `onBytes` is told of bytes as they are done, for a progress that moves within a large file too. */
  constructor(pool: WorkerPool, onBytes: (sizeBytes: number) => void = () => {}) {
    this.#pool = pool;
    this.#onBytes = onBytes;
    this.#sections = new SectionStorer(pool, onBytes);
  }

  /** The directory must stay open until the listener was called, which it is once. */
  store(reference: FileReference, sizeBytes: number, listener: FileListener): void {
    this.#queued++;
    if (sizeBytes < largeFileBytes) this.#storeInBatch(reference, sizeBytes, listener);
    else
      this.#listen(
        listener,
        this.#storeLarge(reference, (fd) => this.#storeOpenFile(fd, reference)),
      );
  }

  /** As `store`, of all the bytes of a block device. */
  storeDevice(reference: FileReference, timeNs: bigint, listener: FileListener): void {
    this.#queued++;
    this.#listen(
      listener,
      this.#storeLarge(reference, (fd) => this.#storeOpenDevice(fd, reference, timeNs)),
    );
  }

  /** Stores a stream as a file of this user; rejects when it fails, since nobody can begin it again. */
  async storeStream(source: StreamSource, storedName: Latin1Name): Promise<StoredFile> {
    const stored = await new StreamStorer(this.#pool, this.#sections, source.name).store(source.content);
    return madeFile(storedName, streamOwnership(), source.timeNs, stored);
  }

  /** Waits until there is room for another file. */
  async room(): Promise<void> {
    while (this.#queued >= queuedFiles) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #listen(listener: FileListener, storing: Promise<StoreFileResult>): void {
    storing.then(
      (result) => this.#tell(listener, result),
      (error: unknown) => this.#fail(listener, error),
    );
  }

  /** A listener that throws must end the pass, not leave the file unanswered. */
  #tell(listener: FileListener, result: StoreFileResult): void {
    this.#leave();
    try {
      listener.done(result);
    } catch (error) {
      listener.failed(error);
    }
  }

  #fail(listener: FileListener, error: unknown): void {
    this.#leave();
    listener.failed(error);
  }

  /** However a file ends: a walk that waits for room must not wait for ever when the pass has failed. */
  #leave(): void {
    this.#queued--;
    if (this.#waiting.length > 0) this.#wake();
  }

  /** Sends what has been collected, full or not. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#pool.run('store-files', { files: batch.map((file) => file.reference) }).then(
      (stored) => {
        const results = resultsOf(stored);
        for (const [index, file] of batch.entries()) this.#answer(file.listener, results[index]);
      },
      (error: unknown) => {
        for (const file of batch) this.#fail(file.listener, error);
      },
    );
  }

  #answer(listener: FileListener, result: StoreFileResult | undefined): void {
    if (result === undefined) {
      this.#fail(listener, new Error('a worker answered for fewer files than it was given'));
      return;
    }
    try {
      if (result.outcome === 'stored') this.#onBytes(result.file.sizeBytes);
    } catch (error) {
      this.#fail(listener, error);
      return;
    }
    this.#tell(listener, result);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #storeInBatch(reference: FileReference, sizeBytes: number, listener: FileListener): void {
    this.#batch.push({ reference, listener });
    this.#batchBytes += sizeBytes;
    if (this.#batch.length >= batchFiles || this.#batchBytes >= batchBytes) this.flush();
  }

  async #storeLarge(
    reference: FileReference,
    storeOpen: (fd: number) => Promise<StoredFile>,
  ): Promise<StoreFileResult> {
    while (this.#largeFiles >= largeFilesAtOnce) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#largeFiles++;
    try {
      const fd = openFileAt(reference.directoryFd, reference.name);
      try {
        return { outcome: 'stored', file: await storeOpen(fd) };
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

  async #storeOpenFile(fd: number, { name, storedName = name }: FileReference): Promise<StoredFile> {
    const status = statFd(fd);
    if (status.type !== 'file') throw becameAnother(status.type, 'file');
    return storedFileOf(fd, storedName, status, await this.#sections.storeFile(fd));
  }

  async #storeOpenDevice(
    fd: number,
    { name, storedName = name }: FileReference,
    timeNs: bigint,
  ): Promise<StoredFile> {
    const status = statFd(fd);
    if (status.type !== 'block-device') throw becameAnother(status.type, 'block device');
    return madeFile(storedName, status, timeNs, await this.#sections.storeFile(fd));
  }
}

function becameAnother(type: string, wanted: string): FileSystemError {
  return new FileSystemError('conflict', `the ${wanted} became a ${type} while it was being opened`);
}

import { packError } from '../../base/error-transport.ts';
import { FileSystemError } from '../../base/errors.ts';
import { openFileAt, statFd } from '../../base/file-system.ts';
import { storedFileOf } from '../pipeline/stored-file.ts';
import type { FileReference, StoredFile, StoreFileResult } from '../pipeline/protocol.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { StreamSource } from '../source/source-roots.ts';
import { deviceStatus, storedAs, streamStatus } from './made-file.ts';
import { SectionStorer } from './section-storer.ts';
import { StreamStorer } from './stream-storer.ts';

/** Files at least this large are cut by one worker and stored by all of them. */
const largeFileBytes = 24 * 2 ** 20;
/** Small files travel to a worker together: a message costs as much as reading a small file. */
const batchFiles = 64;
const batchBytes = 4 * 2 ** 20;
/** Bounds on what is queued, so that a walk does not run ahead of the readers without limit. */
const queuedFiles = 2048;
const largeFilesAtOnce = 2;

interface QueuedFile {
  readonly reference: FileReference;
  readonly done: (result: StoreFileResult) => void;
  readonly failed: (error: unknown) => void;
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

  /** Resolves with what became of the file; rejects only when the pass cannot go on. The directory must stay open. */
  store(reference: FileReference, sizeBytes: number): Promise<StoreFileResult> {
    return this.#counted(
      sizeBytes >= largeFileBytes
        ? this.#storeLarge(reference, (fd) => this.#storeOpenFile(fd))
        : this.#storeInBatch(reference, sizeBytes),
    );
  }

  /** As `store`, of all the bytes of a block device. */
  storeDevice(reference: FileReference, timeNs: bigint): Promise<StoreFileResult> {
    return this.#counted(this.#storeLarge(reference, (fd) => this.#storeOpenDevice(fd, timeNs)));
  }

  /** Stores a stream as a file of this user; rejects when it fails, since nobody can begin it again. */
  async storeStream({ name, content, timeNs }: StreamSource): Promise<StoredFile> {
    const stored = await new StreamStorer(this.#pool, this.#sections, name).store(content);
    return storedAs(stored, streamStatus(stored.sizeBytes, timeNs));
  }

  /** Waits until there is room for another file. */
  async room(): Promise<void> {
    while (this.#queued >= queuedFiles) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #counted(storing: Promise<StoreFileResult>): Promise<StoreFileResult> {
    this.#queued++;
    return storing.finally(() => {
      this.#queued--;
      this.#wake();
    });
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

  async #storeLarge(
    reference: FileReference,
    storeOpen: (fd: number) => Promise<StoredFile>,
  ): Promise<StoreFileResult> {
    while (this.#largeFiles >= largeFilesAtOnce) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#largeFiles++;
    try {
      const fd = openFileAt(reference.directoryFd, Buffer.from(reference.name, 'latin1'));
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

  async #storeOpenFile(fd: number): Promise<StoredFile> {
    const status = statFd(fd);
    if (status.type !== 'file') throw becameAnother(status.type, 'file');
    return storedFileOf(fd, status, await this.#sections.storeFile(fd));
  }

  async #storeOpenDevice(fd: number, timeNs: bigint): Promise<StoredFile> {
    const status = statFd(fd);
    if (status.type !== 'block-device') throw becameAnother(status.type, 'block device');
    return storedAs(await this.#sections.storeFile(fd), deviceStatus(status, timeNs));
  }
}

function becameAnother(type: string, wanted: string): FileSystemError {
  return new FileSystemError('conflict', `the ${wanted} became a ${type} while it was being opened`);
}

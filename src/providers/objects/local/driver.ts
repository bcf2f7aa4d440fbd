import { lstat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StoreError, throwIfAborted } from '../../../base/errors.ts';
import type {
  AbortableOptions,
  GetOptions,
  MultipartUpload,
  ObjectBody,
  ObjectDriver,
  ObjectInfo,
  PutOptions,
} from '../driver.ts';
import { bodyPieces, bodySizeBytes } from '../object-body.ts';
import { Folders } from './folders.ts';
import { listObjects } from './listing.ts';
import { localError, systemCodeOf } from './local-error.ts';
import { LocalMultipart } from './multipart.ts';
import { readPieces } from './reading.ts';
import { StagedFile } from './staged-file.ts';
import { sweepTemporaryFiles } from './sweep.ts';
import type { SweepOptions } from './sweep.ts';

/** What a file system says about a path where no object is. */
const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP']);

/**
 * Objects as files below a folder, laid out as restic does: key `data/ab/cd` is the file `data/ab/cd`. Folders are made
 * when needed, also the root, with mode 0700; objects have mode 0400. Files may be read by others while this driver
 * writes.
 */
export class LocalDriver implements ObjectDriver {
  readonly url: string;
  readonly capabilities = {
    connections: 4,
    atomicCreate: true,
    confirmsPuts: true,
    comparesSha256: false,
    partsLeaveNothing: true,
  };
  readonly #root: string;
  readonly #folders = new Folders();

  /** `root` is a path, relative ones from the working folder; it need not exist. */
  constructor(root: string) {
    this.#root = resolve(root);
    this.url = pathToFileURL(this.#root).href;
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<void> {
    throwIfAborted(options.signal);
    try {
      const file = await StagedFile.create(this.#path(key), this.#folders);
      try {
        await file.write(bodyPieces(body), options.signal);
        await file.publish(options.mode ?? 'overwrite', bodySizeBytes(body), options.signal);
      } catch (error) {
        await file.discard();
        throw error;
      }
    } catch (error) {
      throw localError(error, 'put', key);
    }
  }

  async *get(key: string, options: GetOptions): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* readPieces(this.#path(key), options);
    } catch (error) {
      throw localError(error, 'get', key);
    }
  }

  async head(key: string, options: AbortableOptions): Promise<ObjectInfo> {
    throwIfAborted(options.signal);
    try {
      const status = await lstat(this.#path(key));
      if (!status.isFile()) throw new StoreError('not-found', 'no such object', { where: key });
      return { key, sizeBytes: status.size, modifiedMs: Math.trunc(status.mtimeMs) };
    } catch (error) {
      throw localError(error, 'head', key);
    }
  }

  list(prefix: string, options: AbortableOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    return listObjects(this.#root, prefix, options.signal);
  }

  /** Durable when it resolves, so that a crash cannot undo deletions in another order than they were made. */
  async delete(key: string, options: AbortableOptions): Promise<void> {
    throwIfAborted(options.signal);
    const path = this.#path(key);
    try {
      await unlink(path);
      await this.#folders.sync(dirname(path));
    } catch (error) {
      if (!ABSENT.has(systemCodeOf(error))) throw localError(error, 'delete', key);
    }
  }

  async deleteMany(keys: readonly string[], options: AbortableOptions): Promise<void> {
    for (const key of keys) await this.delete(key, options);
  }

  async createMultipart(key: string, options: PutOptions): Promise<MultipartUpload> {
    throwIfAborted(options.signal);
    return new LocalMultipart(key, this.#path(key), this.#folders, options);
  }

  /** Removes what killed writers left; see {@link sweepTemporaryFiles}. Returns the number of files. */
  sweep(options: SweepOptions = {}): Promise<number> {
    return sweepTemporaryFiles(this.#root, options);
  }

  removeEmptyFolders(): Promise<void> {
    return this.#folders.removeEmpty();
  }

  async close(): Promise<void> {}

  #path(key: string): string {
    return join(this.#root, key);
  }
}

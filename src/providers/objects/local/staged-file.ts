import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StoreError, throwIfAborted } from '../../../base/errors.ts';
import type { PutMode } from '../driver.ts';
import type { Folders } from './folders.ts';
import { systemCodeOf } from './local-error.ts';
import { leavePageCache } from './page-cache.ts';
import { publishNew } from './publish-new.ts';
import { temporaryPath } from './temporary-name.ts';

const WRITING_MODE = 0o600;
const PUBLISHED_MODE = 0o400;
/** Most bytes of one system call, so that a signal is heard in between. */
const MAX_WRITE_BYTES = 64 * 1024 * 1024;
/**
 * Objects from here on leave the page cache once they are on the disk: packs, which a pass writes by the gigabyte and
 * does not read again. The pages serve the next pack instead, and what applications have in the cache stays there; new
 * pages had taken a third of the processor time of a first pass over data that does not shrink.
 */
const UNCACHED_BYTES = 2 ** 20;

/** An object on its way: a temporary file beside its final path. It must end in `publish`, `discard` or both. */
export class StagedFile {
  readonly path: string;
  readonly #finalPath: string;
  readonly #handle: FileHandle;
  readonly #folders: Folders;
  #closed = false;

  private constructor(path: string, finalPath: string, handle: FileHandle, folders: Folders) {
    this.path = path;
    this.#finalPath = finalPath;
    this.#handle = handle;
    this.#folders = folders;
  }

  /** Begins an object, making its folder if need be. */
  static async create(finalPath: string, folders: Folders): Promise<StagedFile> {
    const path = temporaryPath(finalPath);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    try {
      return new StagedFile(path, finalPath, await open(path, flags, WRITING_MODE), folders);
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
    }
    await folders.make(dirname(finalPath));
    return new StagedFile(path, finalPath, await open(path, flags, WRITING_MODE), folders);
  }

  /** Appends the pieces, which must not be empty; one system call unless they are many or large. */
  async write(pieces: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<void> {
    let rest = pieces;
    while (rest.length > 0) {
      throwIfAborted(signal);
      const { bytesWritten } = await this.#handle.writev(firstBytes(rest, MAX_WRITE_BYTES));
      if (bytesWritten === 0)
        throw new StoreError('io', 'the file system took no bytes', { where: this.path });
      rest = afterBytes(rest, bytesWritten);
    }
  }

  /** Ends the writing without publishing; the file stays under its temporary path until `discard`. */
  async finish(): Promise<void> {
    this.#closed = true;
    await this.#handle.close();
  }

  /** Makes the bytes durable, gives them the final name atomically, makes that durable too. */
  async publish(mode: PutMode, sizeBytes: number, signal: AbortSignal | undefined): Promise<void> {
    await this.#handle.sync();
    const written = (await this.#handle.stat()).size;
    if (written !== sizeBytes) {
      throw new StoreError('io', `the file holds ${written} bytes of ${sizeBytes}`, { where: this.path });
    }
    throwIfAborted(signal);
    if (sizeBytes >= UNCACHED_BYTES) await leavePageCache(this.#handle.fd);
    if (mode === 'create') await publishNew(this.path, this.#finalPath);
    else await rename(this.path, this.#finalPath);
    // Against accidents only, as restic does; some mounts refuse it.
    await this.#handle.chmod(PUBLISHED_MODE).catch(() => {});
    await this.finish();
    await this.#folders.sync(dirname(this.#finalPath));
  }

  /** Removes the temporary file if it is still there. Never fails: what it leaves, a sweep finds. */
  async discard(): Promise<void> {
    if (!this.#closed) await this.finish().catch(() => {});
    await unlink(this.path).catch(() => {});
  }
}

/** The leading pieces, up to a number of bytes. */
function firstBytes(pieces: readonly Uint8Array[], maxBytes: number): readonly Uint8Array[] {
  const first: Uint8Array[] = [];
  let room = maxBytes;
  for (const piece of pieces) {
    if (room === 0) break;
    const taken = piece.subarray(0, room);
    first.push(taken);
    room -= taken.byteLength;
  }
  return first;
}

/** The pieces without a number of leading bytes. */
function afterBytes(pieces: readonly Uint8Array[], skippedBytes: number): readonly Uint8Array[] {
  let skip = skippedBytes;
  const index = pieces.findIndex((piece) => {
    if (skip < piece.byteLength) return true;
    skip -= piece.byteLength;
    return false;
  });
  if (index < 0) return [];
  const [first, ...rest] = pieces.slice(index);
  return first === undefined ? [] : [first.subarray(skip), ...rest];
}

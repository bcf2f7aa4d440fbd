import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { FileSystemError, throwIfAborted } from '../../base/errors.ts';
import {
  close,
  contentBytes,
  openDirectoryAt,
  openFileAt,
  openRoot,
  readDirectory,
  statAtIfPresent,
  statFd,
} from '../../base/file-system.ts';
import type { FileStatus } from '../../base/file-system.ts';
import type { Exclusion } from './exclusion.ts';
import { pathRoots } from './source-roots.ts';
import type { RootFolder, Source } from './source-roots.ts';

/** How much there is to stage: regular files and images, as they are at the moment they are met. */
export interface ScanTotals {
  readonly files: number;
  readonly bytes: number;
}

export interface ScanOptions {
  /** Absolute paths, as they are given to the pass. */
  readonly paths: readonly string[];
  readonly storeAs?: string | undefined;
  readonly image?: boolean | undefined;
  readonly exclusion: Exclusion;
  readonly oneFileSystem: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The walk is synchronous and shares its thread with the pass: it works in short slices. */
const sliceMs = 4;

interface Folder {
  readonly fd: number;
  /** Path in the snapshot. */
  readonly path: Buffer;
  readonly deviceId: bigint;
  names: readonly Buffer[];
  leavesOut: ((name: Uint8Array) => boolean) | undefined;
  next: number;
}

const slash = Buffer.from('/');

/**
 * Counts what a pass over the same roots with the same exclusion will find. A guess for a progress line, no more: what
 * cannot be read is passed over, and files come and go meanwhile. Throws CancelledError.
 */
export async function scanSource(options: ScanOptions): Promise<ScanTotals> {
  const scan = new Scan(options);
  try {
    const { paths, storeAs, image = false } = options;
    await scan.visit(pathRoots({ paths, storeAs, image, timeNs: 0n }).root, slash);
    return scan.totals;
  } finally {
    scan.close();
  }
}

class Scan {
  readonly totals = { files: 0, bytes: 0 };
  readonly #options: ScanOptions;
  readonly #stack: Folder[] = [];
  #sliceStartMs = performance.now();

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  /** Folders on the way to the sources are few: recursion does. */
  async visit(folder: RootFolder, path: Buffer): Promise<void> {
    if (folder.source !== undefined) {
      this.#begin(folder.source, path);
      await this.#walk();
      return;
    }
    for (const [name, child] of folder.children) await this.visit(child, joined(path, Buffer.from(name)));
  }

  close(): void {
    for (const { fd } of this.#stack) close(fd);
  }

  #begin(source: Source, path: Buffer): void {
    if (source.kind === 'stream') return;
    const sourcePath = source.path;
    ignoringUnreadable(() => {
      const end = sourcePath.lastIndexOf(0x2f);
      const name = sourcePath.subarray(end + 1);
      const parent = openRoot(end <= 0 ? slash : sourcePath.subarray(0, end));
      try {
        if (name.length === 0) this.#push(openRoot(slash), path);
        else if (source.kind === 'image') this.#measure(parent, name);
        else this.#meet(parent, name, path, statAtIfPresent(parent, name), undefined);
      } finally {
        close(parent);
      }
    });
  }

  async #walk(): Promise<void> {
    for (let folder = this.#stack.at(-1); folder !== undefined; folder = this.#stack.at(-1)) {
      const name = folder.names[folder.next++];
      if (name === undefined) {
        this.#stack.pop();
        close(folder.fd);
      } else {
        this.#look(folder, name);
      }
      if (performance.now() - this.#sliceStartMs < sliceMs) continue;
      throwIfAborted(this.#options.signal);
      await yieldToEvents();
      this.#sliceStartMs = performance.now();
    }
  }

  #look(folder: Folder, name: Buffer): void {
    const { exclusion } = this.#options;
    const path = joined(folder.path, name);
    ignoringUnreadable(() => {
      if (exclusion.excludesPath?.(path) === true || folder.leavesOut?.(name) === true) return;
      const status = statAtIfPresent(folder.fd, name);
      if (status === undefined || exclusion.excludesStatus(status)) return;
      this.#meet(folder.fd, name, path, status, folder.deviceId);
    });
  }

  #meet(
    parentFd: number,
    name: Buffer,
    path: Buffer,
    status: FileStatus | undefined,
    deviceId: bigint | undefined,
  ): void {
    if (status?.type === 'file') {
      this.totals.files++;
      this.totals.bytes += status.sizeBytes;
    } else if (status?.type === 'directory') {
      this.#push(openDirectoryAt(parentFd, name), path, deviceId);
    }
  }

  #measure(parentFd: number, name: Buffer): void {
    const fd = openFileAt(parentFd, name);
    try {
      this.totals.bytes += contentBytes(fd);
      this.totals.files++;
    } finally {
      close(fd);
    }
  }

  #push(fd: number, path: Buffer, sourceDeviceId?: bigint): void {
    const own = statFd(fd).deviceId;
    const deviceId = sourceDeviceId ?? own;
    const isOther = this.#options.oneFileSystem && own !== deviceId;
    const folder: Folder = { fd, path, names: [], leavesOut: undefined, deviceId, next: 0 };
    // On the stack first: from here on the descriptor is closed whatever happens.
    this.#stack.push(folder);
    folder.leavesOut = this.#options.exclusion.taggedContents(fd);
    if (!isOther) folder.names = readDirectory(fd).map((entry) => entry.name);
  }
}

function joined(parent: Buffer, name: Buffer): Buffer {
  return parent.length === 1 ? Buffer.concat([slash, name]) : Buffer.concat([parent, slash, name]);
}

function ignoringUnreadable(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
  }
}

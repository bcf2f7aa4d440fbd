import { FileSystemError, asError } from '../../base/errors.ts';
import {
  close,
  createFileAt,
  openDeviceForUpdateAt,
  openFileForUpdateAt,
  openPathAt,
  removeAt,
  setPermissions,
  statFd,
  synchronise,
  truncate,
} from '../../base/file-system.ts';
import { creationMode } from './file-maker.ts';
import { applyMetadata } from './metadata.ts';
import { nameToMake, putInPlace } from './replacement.ts';
import type { PlannedFile, RestorePlan } from './restore-plan.ts';
import type { TargetFolders } from './target-folders.ts';

/** Files that stay open though no chunk is on its way to them; a file's chunks mostly stand in one or two packs. */
const idleFiles = 256;

/** A file that was made: another inode that stands there later is not ours to write to. */
interface CreatedFile {
  /** Its name until it is complete. */
  readonly name: Buffer;
  readonly inode: bigint;
}

interface OpenFile {
  readonly fd: number;
  /** Chunks that are on their way. */
  users: number;
}

/** The files of a plan while their chunks arrive, in any order. */
export class TargetFiles {
  readonly #plan: RestorePlan;
  readonly #folders: TargetFolders;
  /** Files that chunks are on their way to. */
  readonly #inUse = new Map<number, OpenFile>();
  /** Descriptors of the others, in order of last use. */
  readonly #idle = new Map<number, number>();
  readonly #created = new Map<number, CreatedFile>();
  readonly #closeErrors = new Map<number, unknown>();
  readonly #mayDelete: boolean;

  constructor(plan: RestorePlan, folders: TargetFolders, mayDelete: boolean) {
    this.#plan = plan;
    this.#folders = folders;
    this.#mayDelete = mayDelete;
  }

  /** Opens the file, made at its full size on first use; it stays open until as many `release` calls. */
  acquire(index: number): void {
    const file = this.#inUse.get(index);
    if (file !== undefined) {
      file.users++;
      return;
    }
    const fd = this.#idle.get(index) ?? this.#openFile(index);
    this.#idle.delete(index);
    this.#inUse.set(index, { fd, users: 1 });
  }

  /** The descriptor of an acquired file. */
  fdOf(index: number): number {
    const file = this.#inUse.get(index);
    if (file === undefined) throw new RangeError(`file ${index} of the plan is not open`);
    return file.fd;
  }

  release(index: number): void {
    const file = this.#inUse.get(index);
    if (file === undefined || --file.users > 0) return;
    this.#inUse.delete(index);
    this.#idle.set(index, file.fd);
    this.#trim();
  }

  /** Notes the inode of a file that a worker has made whole. */
  madeElsewhere(index: number, inode: bigint): void {
    this.#created.set(index, { name: this.#planned(index).name, inode });
  }

  /** True for the inode that this restore made for the file, or found in its place and kept. */
  isInodeOf(index: number, inode: bigint): boolean {
    return inode === (this.#created.get(index)?.inode ?? this.#planned(index).presentInode);
  }

  /** Sets the metadata of a complete file, puts it in its place, and returns what the target did not take. */
  finish(index: number): string[] {
    const file = this.#planned(index);
    if (file.isDevice) return this.#finishDevice(index, file);
    const directoryFd = this.#folders.fdOf(file.directory);
    // A kept file is not opened for writing: that fails while it is being executed.
    const fd = file.action === 'keep' ? this.#openKept(index, file, directoryFd) : this.#opened(index);
    let faults: string[];
    try {
      faults = applyMetadata(fd, file.node, statFd(fd));
    } finally {
      close(fd);
    }
    const closeError = this.#closeErrors.get(index);
    if (closeError !== undefined) throw asError(closeError);
    const made = this.#created.get(index)?.name ?? file.name;
    putInPlace(this.#folders.fdOf(file.directory), made, file.name, this.#mayDelete);
    return faults;
  }

  /** Its metadata is that of the machine it belongs to. */
  #finishDevice(index: number, { action }: PlannedFile): string[] {
    if (action === 'keep') return [];
    const fd = this.#opened(index);
    try {
      synchronise(fd);
    } finally {
      close(fd);
    }
    return [];
  }

  /**
   * Closes a file that will not be completed, when no chunk is on its way to it: a worker must not write to a
   * descriptor that was given to another file. One that was made by this restore is removed.
   */
  discard(index: number): void {
    if (this.#inUse.has(index)) return;
    const fd = this.#idle.get(index);
    this.#idle.delete(index);
    if (fd !== undefined) close(fd);
    const file = this.#planned(index);
    const created = this.#created.get(index);
    this.#created.delete(index);
    if (created !== undefined) removeAt(this.#folders.fdOf(file.directory), created.name);
  }

  close(): void {
    for (const { fd } of this.#inUse.values()) close(fd);
    for (const fd of this.#idle.values()) close(fd);
    this.#inUse.clear();
    this.#idle.clear();
  }

  /** The descriptor of a file that no chunk is on its way to; it is the caller's to close. */
  #opened(index: number): number {
    const fd = this.#idle.get(index);
    this.#idle.delete(index);
    return fd ?? this.#openFile(index);
  }

  #planned(index: number): PlannedFile {
    const file = this.#plan.files[index];
    if (file === undefined) throw new RangeError(`the plan has no file ${index}`);
    return file;
  }

  #openFile(index: number): number {
    const file = this.#planned(index);
    const directoryFd = this.#folders.fdOf(file.directory);
    const created = this.#created.get(index);
    if (file.action !== 'create' || created !== undefined) return this.#openAgain(index, file, directoryFd);
    const name = nameToMake(directoryFd, file.name);
    const fd = createFileAt(directoryFd, name, creationMode);
    this.#created.set(index, { name, inode: statFd(fd).inode });
    return resized(fd, file.sizeBytes);
  }

  #openAgain(index: number, file: PlannedFile, directoryFd: number): number {
    if (file.isDevice) {
      return this.#ownInode(index, openDeviceForUpdateAt(directoryFd, file.name), Infinity);
    }
    const name = this.#created.get(index)?.name ?? file.name;
    const fd = openOwnForUpdate(directoryFd, name);
    return resized(this.#ownInode(index, fd, this.#created.has(index) ? Infinity : 1), file.sizeBytes);
  }

  #openKept(index: number, file: PlannedFile, directoryFd: number): number {
    return this.#ownInode(index, openPathAt(directoryFd, file.name), Infinity);
  }

  /**
   * The descriptor, when it is the file or device that was planned or made, with no more names than may be written to.
   */
  #ownInode(index: number, fd: number, mostLinks: number): number {
    const { type, inode, links } = statFd(fd);
    const isWanted = type === (this.#planned(index).isDevice ? 'block-device' : 'file');
    if (isWanted && links <= mostLinks && this.isInodeOf(index, inode)) return fd;
    close(fd);
    const where = this.#planned(index).name.toString();
    throw new FileSystemError('conflict', 'the file was replaced meanwhile', { where });
  }

  #trim(): void {
    for (const [index, fd] of this.#idle) {
      if (this.#idle.size <= idleFiles) return;
      this.#idle.delete(index);
      this.#closeIdle(index, fd);
    }
  }

  /** What a file system tells only when a file is closed belongs to that file, not to the one that needs its place. */
  #closeIdle(index: number, fd: number): void {
    try {
      close(fd);
    } catch (error) {
      this.#closeErrors.set(index, error);
    }
  }
}

function resized(fd: number, sizeBytes: number): number {
  try {
    if (statFd(fd).sizeBytes !== sizeBytes) truncate(fd, sizeBytes);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** A file that its owner made read-only is opened up for the while; its mode is set when it is complete. */
function openOwnForUpdate(directoryFd: number, name: Buffer): number {
  try {
    return openFileForUpdateAt(directoryFd, name);
  } catch (error) {
    if (!(error instanceof FileSystemError) || error.errno !== 'EACCES') throw error;
    const fd = openPathAt(directoryFd, name);
    try {
      const { type, links } = statFd(fd);
      if (type !== 'file' || links > 1) throw error;
      setPermissions(fd, creationMode);
    } finally {
      close(fd);
    }
    return openFileForUpdateAt(directoryFd, name);
  }
}

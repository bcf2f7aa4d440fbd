import { NameArgument, terminated } from './byte-name.ts';
import type { FileType } from './file-status.ts';
import { linux } from './linux-calls.ts';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  EMPTY_PATH,
  descriptorError,
  descriptorPath,
  entryError,
  uninterrupted,
} from './system-call.ts';

export type NodeFileType = Extract<FileType, 'fifo' | 'socket' | 'block-device' | 'character-device'>;

export interface RemoveOptions {
  /** True removes an empty directory, false anything else. Default false. */
  readonly directory?: boolean | undefined;
}

export interface RenameOptions {
  /**
   * False refuses a target name that is taken (code 'already-exists'). Default true: it is replaced in one
   * step.
   */
  readonly replace?: boolean | undefined;
}

const RENAME_NOREPLACE = 1;
const NODE_MODES: Readonly<Record<NodeFileType, number>> = {
  fifo: 0o010000,
  'character-device': 0o020000,
  'block-device': 0o060000,
  socket: 0o140000,
};

const nameArgument = new NameArgument();
const secondNameArgument = new NameArgument();

/** Creates a directory; the umask takes bits off the permissions. */
export function makeDirectoryAt(dirFd: number, name: Uint8Array, permissions: number): void {
  const { mkdirat } = linux();
  const path = nameArgument.set(name);
  if (uninterrupted(() => mkdirat(dirFd, path, permissions)) === -1) {
    throw entryError('create the directory', dirFd, name);
  }
}

/** Creates a symbolic link to any bytes but NUL; the target is stored, never looked at. */
export function makeSymlinkAt(target: Uint8Array, dirFd: number, name: Uint8Array): void {
  const { symlinkat } = linux();
  const path = nameArgument.set(name);
  const contents = terminated(target);
  if (uninterrupted(() => symlinkat(contents, dirFd, path)) === -1) {
    throw entryError('create the symbolic link', dirFd, name);
  }
}

/**
 * Gives the inode behind an open descriptor (of a file, or of openPathAt) a further name. Goes through
 * /proc/self/fd, which unlike AT_EMPTY_PATH asks for no capability.
 */
export function makeHardLinkAt(existingFd: number, dirFd: number, name: Uint8Array): void {
  const { linkat } = linux();
  const from = descriptorPath(existingFd);
  const path = nameArgument.set(name);
  if (uninterrupted(() => linkat(AT_FDCWD, from, dirFd, path, AT_SYMLINK_FOLLOW)) === -1) {
    throw entryError('create the hard link', dirFd, name);
  }
}

/**
 * Creates a FIFO, socket or device node; `rdev` as in FileStatus, used for devices only. Devices need
 * CAP_MKNOD.
 */
export function makeNodeAt(
  dirFd: number,
  name: Uint8Array,
  type: NodeFileType,
  permissions: number,
  rdev: bigint,
): void {
  const { mknodat } = linux();
  const path = nameArgument.set(name);
  // The kernel's 32-bit device number has the layout of the low half of stat's; see makeDeviceId.
  const device = type === 'fifo' || type === 'socket' ? 0 : Number(BigInt.asUintN(32, rdev));
  const mode = NODE_MODES[type] | (permissions & 0o7777);
  if (uninterrupted(() => mknodat(dirFd, path, mode, device)) === -1) {
    throw entryError(`create the ${type}`, dirFd, name);
  }
}

/** Removes a name; a directory only when asked for one, and only an empty one (errno 'ENOTEMPTY'). */
export function removeAt(dirFd: number, name: Uint8Array, options: RemoveOptions = {}): void {
  const { unlinkat } = linux();
  const path = nameArgument.set(name);
  const flags = options.directory === true ? AT_REMOVEDIR : 0;
  if (uninterrupted(() => unlinkat(dirFd, path, flags)) === -1) throw entryError('remove', dirFd, name);
}

/** Renames within one file system, in one step. */
export function renameAt(
  fromDirFd: number,
  fromName: Uint8Array,
  toDirFd: number,
  toName: Uint8Array,
  options: RenameOptions = {},
): void {
  const { renameat2 } = linux();
  const from = nameArgument.set(fromName);
  const to = secondNameArgument.set(toName);
  const flags = options.replace === false ? RENAME_NOREPLACE : 0;
  if (uninterrupted(() => renameat2(fromDirFd, from, toDirFd, to, flags)) === -1) {
    throw entryError('rename to', toDirFd, toName);
  }
}

/** Longest target that any Linux file system stores, and one byte more to notice a longer one. */
const LINK_TARGET_BYTES = 4097;
const MAX_LINK_TARGET_BYTES = 1 << 20;

function readLink(dirFd: number, path: Uint8Array): Buffer | undefined {
  const { readlinkat } = linux();
  for (let size = LINK_TARGET_BYTES; size <= MAX_LINK_TARGET_BYTES; size *= 2) {
    const buffer = Buffer.allocUnsafe(size);
    const count = uninterrupted(() => readlinkat(dirFd, path, buffer, size));
    if (count === -1) return undefined;
    if (count < size) return Buffer.copyBytesFrom(buffer, 0, count);
  }
  return undefined;
}

/** The bytes of a symbolic link's target. */
export function readLinkAt(dirFd: number, name: Uint8Array): Buffer {
  const target = readLink(dirFd, nameArgument.set(name));
  if (target === undefined) throw entryError('read the symbolic link', dirFd, name);
  return target;
}

/** The target of the symbolic link that a descriptor of openPathAt holds. */
export function readLinkFd(fd: number): Buffer {
  const target = readLink(fd, EMPTY_PATH);
  if (target === undefined) throw descriptorError('read the symbolic link', fd);
  return target;
}

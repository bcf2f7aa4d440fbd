import { constants } from 'node:fs';
import { NameArgument } from './byte-name.ts';
import type { Latin1Name } from './byte-name.ts';
import { linux } from './linux-calls.ts';
import { ERRNO, descriptorError, entryError, uninterrupted } from './system-call.ts';

export type AccessAdvice = 'sequential' | 'will-need' | 'dont-need';

/** Flags that Node does not export (asm-generic/fcntl.h; the same on x64 and arm64). */
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;

const NEVER_FOLLOW = constants.O_NOFOLLOW | O_CLOEXEC;
/** Opening a FIFO or a device must not wait for the other end. */
const NEVER_WAIT = NEVER_FOLLOW | constants.O_NONBLOCK;

/** POSIX_FADV_* of linux/fadvise.h. */
const ADVICE: Readonly<Record<AccessAdvice, number>> = { sequential: 2, 'will-need': 3, 'dont-need': 4 };

/** Of linux/fs.h. */
const SYNC_FILE_RANGE_WRITE = 2;

const nameArgument = new NameArgument();

function openAt(dirFd: number, name: Uint8Array | Latin1Name, flags: number, permissions: number): number {
  const { openat } = linux();
  const path = nameArgument.set(name);
  return uninterrupted(() => openat(dirFd, path, flags, permissions));
}

/**
 * Opens for reading, without changing the access time where the caller may ask for that. Never follows a
 * symbolic link (errno 'ELOOP') and never blocks on a FIFO: the caller must look at {@link statFd} of the
 * result before it reads, since what stood there at an earlier statAt may have been replaced.
 */
export function openFileAt(dirFd: number, name: Uint8Array | Latin1Name): number {
  const flags = constants.O_RDONLY | NEVER_WAIT;
  let fd = openAt(dirFd, name, flags | constants.O_NOATIME, 0);
  // Only the owner and CAP_FOWNER may leave the access time alone.
  if (fd === -1 && linux().errno() === ERRNO.EPERM) fd = openAt(dirFd, name, flags, 0);
  if (fd === -1) throw entryError('open the file', dirFd, name);
  return fd;
}

/**
 * Opens the inode itself (O_PATH), of any type, symbolic links included; good for status and metadata, not for
 * contents.
 */
export function openPathAt(dirFd: number, name: Uint8Array | Latin1Name): number {
  const fd = openAt(dirFd, name, O_PATH | NEVER_FOLLOW, 0);
  if (fd === -1) throw entryError('open', dirFd, name);
  return fd;
}

/**
 * Creates a file and opens it for reading and writing; never opens one that is there (code 'already-exists').
 * The process's umask takes bits off the permissions: give few, and setPermissions when the contents are
 * complete.
 */
export function createFileAt(dirFd: number, name: Uint8Array, permissions: number): number {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | NEVER_FOLLOW;
  const fd = openAt(dirFd, name, flags, permissions);
  if (fd === -1) throw entryError('create the file', dirFd, name);
  return fd;
}

/**
 * Opens what is there for reading and writing; never follows, never blocks; look at statFd before writing.
 */
export function openFileForUpdateAt(dirFd: number, name: Uint8Array): number {
  const fd = openAt(dirFd, name, constants.O_RDWR | NEVER_WAIT, 0);
  if (fd === -1) throw entryError('open the file for writing', dirFd, name);
  return fd;
}

/**
 * Opens a block device for reading and writing, alone: fails (errno 'EBUSY') while it is mounted or otherwise in use.
 * Never follows; look at statFd before writing, since O_EXCL says nothing of other types.
 */
export function openDeviceForUpdateAt(dirFd: number, name: Uint8Array): number {
  const fd = openAt(dirFd, name, constants.O_RDWR | constants.O_EXCL | NEVER_WAIT, 0);
  if (fd === -1) throw entryError('open the device for writing', dirFd, name);
  return fd;
}

/**
 * Closes a descriptor of this module, which is gone afterwards even when this throws. Node's own close must
 * not be used: in a worker it warns about descriptors that Node did not open. Throws FileSystemError when a
 * delayed write failed.
 */
export function close(fd: number): void {
  // Linux releases the descriptor before it can be interrupted: repeating would close somebody else's.
  if (linux().close(fd) === -1 && linux().errno() !== ERRNO.EINTR) throw descriptorError('close', fd);
}

/**
 * Reads from `position` until the view is full or the file ends; returns the bytes read. The view may stand
 * on shared memory. `position` may be any safe integer.
 */
export function readAt(fd: number, buffer: Uint8Array, position: number): number {
  let done = 0;
  while (done < buffer.length) {
    const rest = done === 0 ? buffer : buffer.subarray(done);
    const count = readOnceAt(fd, rest, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** One read; fewer bytes than there is room for may be the file's last ones. 0 at its end. */
export function readOnceAt(fd: number, buffer: Uint8Array, position: number): number {
  const { pread } = linux();
  const count = uninterrupted(() => pread(fd, buffer, buffer.length, position));
  if (count === -1) throw descriptorError('read the file', fd);
  return count;
}

/** Writes all of the bytes at `position`, beyond the end too; a hole is left in between. */
export function writeAt(fd: number, bytes: Uint8Array, position: number): void {
  const { pwrite } = linux();
  let done = 0;
  while (done < bytes.length) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const count = uninterrupted(() => pwrite(fd, rest, rest.length, position + done));
    if (count === -1) throw descriptorError('write the file', fd);
    done += count;
  }
}

/** Sets the size; bytes beyond the old end read as zeros and occupy nothing. */
export function truncate(fd: number, sizeBytes: number): void {
  const { ftruncate } = linux();
  if (uninterrupted(() => ftruncate(fd, sizeBytes)) === -1) throw descriptorError('set the size', fd);
}

/** Returns when contents and metadata of the file or directory are on the device (fsync). */
export function synchronise(fd: number): void {
  const { fsync } = linux();
  if (uninterrupted(() => fsync(fd)) === -1) throw descriptorError('synchronise', fd);
}

/** Returns when the whole file system that holds the descriptor is on the device (syncfs). */
export function synchroniseFileSystem(fd: number): void {
  const { syncfs } = linux();
  if (uninterrupted(() => syncfs(fd)) === -1) throw descriptorError('synchronise the file system', fd);
}

/**
 * Has the kernel begin to write a range to the device, and does not wait until it is there: whoever waits for all later
 * waits less. A refusal changes nothing and is not reported.
 */
export function startWriting(fd: number, offset: number, length: number): void {
  linux().sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE);
}

/**
 * Tells the kernel how a range will be used; a `length` of 0 means to the end. A refusal changes nothing and
 * is not reported.
 */
export function advise(fd: number, offset: number, length: number, advice: AccessAdvice): void {
  linux().posix_fadvise(fd, offset, length, ADVICE[advice]);
}

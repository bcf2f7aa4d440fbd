import { readlinkSync } from 'node:fs';
import { bytesOf, printableName, terminated } from './byte-name.ts';
import type { Latin1Name } from './byte-name.ts';
import type { FileSystemError } from './errors.ts';
import { linux } from './linux-calls.ts';
import { systemError } from './system-error.ts';

/** Error numbers of asm-generic/errno.h that decide what the code does next. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  ENXIO: 6,
  EBADF: 9,
  EINVAL: 22,
  ENOSYS: 38,
  ENODATA: 61,
  ENOTSUP: 95,
} as const;

/** Flags of fcntl.h that Node does not export; their values are the same on x64 and arm64. */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_NO_AUTOMOUNT = 0x800;
export const AT_EMPTY_PATH = 0x1000;

/** The empty path, which with AT_EMPTY_PATH means the descriptor itself. */
export const EMPTY_PATH: Uint8Array = new Uint8Array(1);

/** Repeats the call while a signal interrupts it; returns its result, -1 included. */
export function uninterrupted(call: () => number): number {
  for (;;) {
    const result = call();
    if (result !== -1 || linux().errno() !== ERRNO.EINTR) return result;
  }
}

/**
 * `/proc/self/fd/N`, NUL-terminated. Following that link ends at exactly the inode that the descriptor holds,
 * also when it is a symbolic link or was opened with O_PATH: no name is looked up again, so nothing can be
 * swapped in.
 */
export function descriptorPath(fd: number): Uint8Array {
  return terminated(`/proc/self/fd/${fd}`);
}

/** Where a descriptor points to at the moment, fit to be printed. */
function printableDescriptor(fd: number): string {
  try {
    return printableName(readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }));
  } catch {
    // Paths beyond PATH_MAX cannot be read back.
    return `descriptor ${fd}`;
  }
}

/** The error of the call that has just failed with -1 on a descriptor. */
export function descriptorError(action: string, fd: number): FileSystemError {
  const errno = linux().errno();
  return systemError(errno, action, printableDescriptor(fd));
}

/** The error of the call that has just failed with -1 on a name in a directory. */
export function entryError(action: string, dirFd: number, name: Uint8Array | Latin1Name): FileSystemError {
  const errno = linux().errno();
  const directory = printableDescriptor(dirFd);
  const separator = directory.endsWith('/') ? '' : '/';
  return systemError(errno, action, `${directory}${separator}${printableName(bytesOf(name))}`);
}

import { statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { LibraryHandle as Library } from 'koffi';
import { FileSystemError } from './errors.ts';

/**
 * The system calls that Node lacks, called through koffi. Paths are NUL-terminated bytes; results and -1 with
 * errno are as in section 2 of the Linux manual. Prototypes of variadic functions are declared without the
 * dots: on x64 and arm64 Linux both are called alike. Functions that older glibc or musl lack go through
 * `syscall` by number.
 */
export interface LinuxCalls {
  readonly errno: () => number;
  readonly openat: (dirFd: number, path: Uint8Array, flags: number, mode: number) => number;
  readonly close: (fd: number) => number;
  readonly statx: (
    dirFd: number,
    path: Uint8Array,
    flags: number,
    mask: number,
    result: Uint8Array,
  ) => number;
  readonly getdents64: (fd: number, result: Uint8Array, sizeBytes: number) => number;
  readonly readlinkat: (dirFd: number, path: Uint8Array, result: Uint8Array, sizeBytes: number) => number;
  readonly mkdirat: (dirFd: number, path: Uint8Array, mode: number) => number;
  readonly symlinkat: (target: Uint8Array, dirFd: number, path: Uint8Array) => number;
  readonly linkat: (fromFd: number, from: Uint8Array, toFd: number, to: Uint8Array, flags: number) => number;
  readonly mknodat: (dirFd: number, path: Uint8Array, mode: number, device: number) => number;
  readonly unlinkat: (dirFd: number, path: Uint8Array, flags: number) => number;
  readonly renameat2: (
    fromFd: number,
    from: Uint8Array,
    toFd: number,
    to: Uint8Array,
    flags: number,
  ) => number;
  readonly fchownat: (fd: number, path: Uint8Array, uid: number, gid: number, flags: number) => number;
  readonly fchmod: (fd: number, mode: number) => number;
  readonly fchmodat: (dirFd: number, path: Uint8Array, mode: number, flags: number) => number;
  readonly utimensat: (dirFd: number, path: Uint8Array, times: BigInt64Array, flags: number) => number;
  /** Linux 6.13 and newer. */
  readonly listxattrat: (
    dirFd: number,
    path: Uint8Array,
    flags: number,
    result: Uint8Array,
    sizeBytes: number,
  ) => number;
  readonly llistxattr: (path: Uint8Array, result: Uint8Array, sizeBytes: number) => number;
  readonly lgetxattr: (path: Uint8Array, name: Uint8Array, result: Uint8Array, sizeBytes: number) => number;
  readonly flistxattr: (fd: number, result: Uint8Array, sizeBytes: number) => number;
  readonly listxattr: (path: Uint8Array, result: Uint8Array, sizeBytes: number) => number;
  readonly fgetxattr: (fd: number, name: Uint8Array, result: Uint8Array, sizeBytes: number) => number;
  readonly getxattr: (path: Uint8Array, name: Uint8Array, result: Uint8Array, sizeBytes: number) => number;
  readonly fsetxattr: (
    fd: number,
    name: Uint8Array,
    value: Uint8Array,
    sizeBytes: number,
    flags: number,
  ) => number;
  readonly setxattr: (
    path: Uint8Array,
    name: Uint8Array,
    value: Uint8Array,
    sizeBytes: number,
    flags: number,
  ) => number;
  readonly fremovexattr: (fd: number, name: Uint8Array) => number;
  readonly removexattr: (path: Uint8Array, name: Uint8Array) => number;
  readonly pread: (fd: number, result: Uint8Array, sizeBytes: number, position: number) => number;
  readonly pwrite: (fd: number, bytes: Uint8Array, sizeBytes: number, position: number) => number;
  readonly lseek: (fd: number, offset: number, whence: number) => number;
  readonly ftruncate: (fd: number, sizeBytes: number) => number;
  readonly fsync: (fd: number) => number;
  readonly syncfs: (fd: number) => number;
  readonly sync_file_range: (fd: number, offset: number, length: number, flags: number) => number;
  readonly fallocate: (fd: number, mode: number, offset: number, length: number) => number;
  /** Returns the error number instead of setting errno. */
  readonly posix_fadvise: (fd: number, offset: number, length: number, advice: number) => number;
}

/** Numbers of asm/unistd_64.h (x64) and asm-generic/unistd.h (arm64). */
const SYSCALL_NUMBERS = {
  x64: { getdents64: 217, listxattrat: 465, mknodat: 259, renameat2: 316, statx: 332 },
  arm64: { getdents64: 61, listxattrat: 465, mknodat: 33, renameat2: 276, statx: 291 },
} as const;

/** f_type of procfs (linux/magic.h). */
const PROC_SUPER_MAGIC = 0x9fa0;

export interface Platform {
  readonly platform: string;
  readonly architecture: string;
  /** Whether procfs stands at /proc. */
  readonly hasProc: boolean;
}

function currentPlatform(): Platform {
  return { platform: process.platform, architecture: process.arch, hasProc: isProcMounted() };
}

function isProcMounted(): boolean {
  try {
    return statfsSync('/proc').type === PROC_SUPER_MAGIC;
  } catch {
    return false;
  }
}

/**
 * Throws FileSystemError 'unsupported' where file trees cannot be handled race-free: they need Linux and
 * /proc.
 */
export function assertPlatform(platform: Platform = currentPlatform()): void {
  if (platform.platform !== 'linux') {
    throw new FileSystemError(
      'unsupported',
      `file trees cannot be staged or restored on ${platform.platform}`,
      {
        advice: 'run tranship on Linux, x64 or arm64',
      },
    );
  }
  if (platform.architecture !== 'x64' && platform.architecture !== 'arm64') {
    throw new FileSystemError('unsupported', `no system call table for ${platform.architecture}`, {
      advice: 'run tranship on x64 or arm64',
    });
  }
  if (!platform.hasProc) {
    throw new FileSystemError('unsupported', 'procfs is not mounted', {
      where: '/proc',
      advice: 'mount it: mount -t proc proc /proc',
    });
  }
}

function loadKoffi(): typeof import('koffi') {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-return -- require is untyped; koffi's own declarations describe it
    return createRequire(import.meta.url)('koffi');
  } catch (cause) {
    throw new FileSystemError('unsupported', 'the koffi package cannot be loaded', {
      advice: 'install tranship with its optional dependencies, for this platform',
      cause,
    });
  }
}

type Statx = (
  n: number,
  dirFd: number,
  path: Uint8Array,
  flags: number,
  mask: number,
  out: Uint8Array,
) => number;
type Listxattrat = (
  n: number,
  dirFd: number,
  path: Uint8Array,
  flags: number,
  out: Uint8Array,
  sizeBytes: number,
) => number;
type Getdents = (n: number, fd: number, out: Uint8Array, sizeBytes: number) => number;
type Mknodat = (n: number, dirFd: number, path: Uint8Array, mode: number, device: number) => number;
type Renameat2 = (
  n: number,
  fd: number,
  path: Uint8Array,
  toFd: number,
  to: Uint8Array,
  flags: number,
) => number;

function bindSyscalls(
  library: Library,
): Pick<LinuxCalls, 'statx' | 'listxattrat' | 'getdents64' | 'mknodat' | 'renameat2'> {
  const number = process.arch === 'arm64' ? SYSCALL_NUMBERS.arm64 : SYSCALL_NUMBERS.x64;
  const pathArguments = ['long', 'int', 'void *'];
  const statx: Statx = library.func('syscall', 'long', [...pathArguments, 'int', 'uint', 'void *']);
  const listxattrat: Listxattrat = library.func('syscall', 'long', [
    ...pathArguments,
    'uint',
    'void *',
    'size_t',
  ]);
  const getdents64: Getdents = library.func('syscall', 'long', [...pathArguments, 'size_t']);
  const mknodat: Mknodat = library.func('syscall', 'long', [...pathArguments, 'uint', 'uint']);
  const renameat2: Renameat2 = library.func('syscall', 'long', [...pathArguments, 'int', 'void *', 'uint']);
  return {
    statx: (dirFd, path, flags, mask, result) => statx(number.statx, dirFd, path, flags, mask, result),
    listxattrat: (dirFd, path, flags, result, sizeBytes) =>
      listxattrat(number.listxattrat, dirFd, path, flags, result, sizeBytes),
    getdents64: (fd, result, sizeBytes) => getdents64(number.getdents64, fd, result, sizeBytes),
    mknodat: (dirFd, path, mode, device) => mknodat(number.mknodat, dirFd, path, mode, device),
    renameat2: (fromFd, from, toFd, to, flags) => renameat2(number.renameat2, fromFd, from, toFd, to, flags),
  };
}

function bind(): LinuxCalls {
  assertPlatform();
  const koffi = loadKoffi();
  const library = koffi.load(null);
  return {
    errno: koffi.errno,
    ...bindSyscalls(library),
    openat: library.func('openat', 'int', ['int', 'void *', 'int', 'uint']),
    close: library.func('close', 'int', ['int']),
    readlinkat: library.func('readlinkat', 'intptr_t', ['int', 'void *', 'void *', 'size_t']),
    mkdirat: library.func('mkdirat', 'int', ['int', 'void *', 'uint']),
    symlinkat: library.func('symlinkat', 'int', ['void *', 'int', 'void *']),
    linkat: library.func('linkat', 'int', ['int', 'void *', 'int', 'void *', 'int']),
    unlinkat: library.func('unlinkat', 'int', ['int', 'void *', 'int']),
    fchownat: library.func('fchownat', 'int', ['int', 'void *', 'uint', 'uint', 'int']),
    fchmod: library.func('fchmod', 'int', ['int', 'uint']),
    fchmodat: library.func('fchmodat', 'int', ['int', 'void *', 'uint', 'int']),
    utimensat: library.func('utimensat', 'int', ['int', 'void *', 'void *', 'int']),
    llistxattr: library.func('llistxattr', 'intptr_t', ['void *', 'void *', 'size_t']),
    lgetxattr: library.func('lgetxattr', 'intptr_t', ['void *', 'void *', 'void *', 'size_t']),
    flistxattr: library.func('flistxattr', 'intptr_t', ['int', 'void *', 'size_t']),
    listxattr: library.func('listxattr', 'intptr_t', ['void *', 'void *', 'size_t']),
    fgetxattr: library.func('fgetxattr', 'intptr_t', ['int', 'void *', 'void *', 'size_t']),
    getxattr: library.func('getxattr', 'intptr_t', ['void *', 'void *', 'void *', 'size_t']),
    fsetxattr: library.func('fsetxattr', 'int', ['int', 'void *', 'void *', 'size_t', 'int']),
    setxattr: library.func('setxattr', 'int', ['void *', 'void *', 'void *', 'size_t', 'int']),
    fremovexattr: library.func('fremovexattr', 'int', ['int', 'void *']),
    removexattr: library.func('removexattr', 'int', ['void *', 'void *']),
    pread: library.func('pread', 'intptr_t', ['int', 'void *', 'size_t', 'int64_t']),
    pwrite: library.func('pwrite', 'intptr_t', ['int', 'void *', 'size_t', 'int64_t']),
    lseek: library.func('lseek', 'int64_t', ['int', 'int64_t', 'int']),
    ftruncate: library.func('ftruncate', 'int', ['int', 'int64_t']),
    fsync: library.func('fsync', 'int', ['int']),
    syncfs: library.func('syncfs', 'int', ['int']),
    sync_file_range: library.func('sync_file_range', 'int', ['int', 'int64_t', 'int64_t', 'uint']),
    fallocate: library.func('fallocate', 'int', ['int', 'int', 'int64_t', 'int64_t']),
    posix_fadvise: library.func('posix_fadvise', 'int', ['int', 'int64_t', 'int64_t', 'int']),
  };
}

let calls: LinuxCalls | undefined;

/**
 * The bound calls; the first use loads koffi (about 9 ms), so that importing this module costs nothing.
 * Throws FileSystemError 'unsupported' on a platform that lacks them.
 */
export function linux(): LinuxCalls {
  calls ??= bind();
  return calls;
}

import { constants } from 'node:os';
import { FileSystemError } from './errors.ts';
import type { ErrorCode } from './errors.ts';

/** Numbers that Linux file systems return and that Node's table lacks (asm-generic/errno.h). */
const FURTHER_ERRNO: readonly (readonly [number, string])[] = [
  [117, 'EUCLEAN'],
  [121, 'EREMOTEIO'],
  [122, 'EDQUOT'],
  [126, 'ENOKEY'],
  [133, 'EHWPOISON'],
];

/** One number has two names; these are the ones we report. */
const PREFERRED_NAMES: readonly string[] = ['EAGAIN', 'ENOTSUP'];

interface Cause {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly advice?: string;
  readonly retryable?: boolean;
}

const CAUSES: Readonly<Record<string, Cause>> = {
  ENOENT: { code: 'not-found', reason: 'nothing has that name' },
  ENODATA: { code: 'not-found', reason: 'there is no such attribute' },
  ESTALE: { code: 'not-found', reason: 'the server has dropped the file handle', retryable: true },
  EEXIST: { code: 'already-exists', reason: 'the name is taken' },
  EACCES: {
    code: 'permission-denied',
    reason: 'permission denied',
    advice: 'run as a user who may do this, or as root',
  },
  EPERM: {
    code: 'permission-denied',
    reason: 'operation not permitted',
    advice: 'run as root or with the capability that this needs, and look for an immutable flag',
  },
  EROFS: {
    code: 'permission-denied',
    reason: 'the file system is read-only',
    advice: 'mount it writable',
  },
  ENOKEY: {
    code: 'permission-denied',
    reason: 'the encryption key of the directory is not loaded',
    advice: 'unlock the directory first',
  },
  ENOSPC: { code: 'no-space', reason: 'no space left', advice: 'free space or inodes, then run again' },
  EDQUOT: { code: 'no-space', reason: 'the quota is used up', advice: 'raise the quota, then run again' },
  ELOOP: { code: 'unsafe-path', reason: 'a symbolic link stands there, which is never followed' },
  ENOTDIR: { code: 'conflict', reason: 'it is not a directory' },
  EISDIR: { code: 'conflict', reason: 'it is a directory' },
  ENOTEMPTY: { code: 'conflict', reason: 'the directory is not empty' },
  EINVAL: { code: 'invalid-argument', reason: 'the file system does not accept the value' },
  EBADF: { code: 'invalid-argument', reason: 'the file descriptor does not permit this' },
  ENAMETOOLONG: { code: 'invalid-argument', reason: 'the name is too long for the file system' },
  EFBIG: { code: 'unsupported', reason: 'the file is too large for the file system' },
  ENOTSUP: { code: 'unsupported', reason: 'the file system does not support this' },
  ENOSYS: { code: 'unsupported', reason: 'the kernel or a seccomp profile does not offer this call' },
  EXDEV: { code: 'unsupported', reason: 'it is on another file system' },
  EMLINK: { code: 'unsupported', reason: 'the file has as many links as the file system permits' },
  E2BIG: { code: 'unsupported', reason: 'it is larger than the kernel can hand over' },
  ERANGE: { code: 'unsupported', reason: 'it is larger than the kernel can hand over' },
  EMFILE: {
    code: 'unavailable',
    reason: 'this process has too many open files',
    advice: 'raise the limit (ulimit -n) or lower the parallelism',
    retryable: true,
  },
  ENFILE: { code: 'unavailable', reason: 'the machine has too many open files', retryable: true },
  ENOMEM: { code: 'unavailable', reason: 'the kernel is out of memory', retryable: true },
  EAGAIN: { code: 'unavailable', reason: 'nothing to read or write at the moment', retryable: true },
  EBUSY: { code: 'unavailable', reason: 'it is in use', retryable: true },
  ETXTBSY: { code: 'unavailable', reason: 'the program is running', retryable: true },
  ETIMEDOUT: { code: 'timeout', reason: 'the file server did not answer', retryable: true },
  EIO: { code: 'io', reason: 'input/output error', advice: 'look at the kernel log for a failing device' },
  EUCLEAN: {
    code: 'io',
    reason: 'the file system is damaged',
    advice: 'unmount it and run its repair program',
  },
};

function buildNames(): Map<number, string> {
  const names = new Map<number, string>(FURTHER_ERRNO);
  for (const [name, number] of Object.entries(constants.errno)) {
    if (!names.has(number) || PREFERRED_NAMES.includes(name)) names.set(number, name);
  }
  return names;
}

let names: Map<number, string> | undefined;

/** Name of an error number ('ENOENT' for 2), or 'E' and the number where the name is not known. */
export function errnoName(errno: number): string {
  names ??= buildNames();
  return names.get(errno) ?? `E${errno}`;
}

/**
 * The error of a failed system call. `action` completes the sentence "cannot ..."; `where` is a path fit to
 * be printed. The code follows from the cause alone: callers that need more switch on `errno`.
 */
export function systemError(errno: number, action: string, where: string): FileSystemError {
  const name = errnoName(errno);
  const cause = CAUSES[name] ?? { code: 'io', reason: 'the system call failed' };
  return new FileSystemError(cause.code, `cannot ${action}, ${cause.reason} [${name}]`, {
    where,
    errno: name,
    retryable: cause.retryable ?? false,
    ...(cause.advice === undefined ? {} : { advice: cause.advice }),
  });
}

import { FileSystemError } from './errors.ts';
import { linux } from './linux-calls.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  EMPTY_PATH,
  ERRNO,
  descriptorError,
  descriptorPath,
  uninterrupted,
} from './system-call.ts';

const NANOSECONDS = 1_000_000_000n;

/** chown(2) takes this value, -1, as "leave it alone". */
const UNCHANGED_ID = 0xffff_ffff;

/**
 * Sets owner and group of what a descriptor holds, of any type, O_PATH included. The kernel takes setuid,
 * setgid and file capabilities off a file that changes hands: set the owner first, then permissions and
 * attributes.
 */
export function setOwner(fd: number, uid: number, gid: number): void {
  if (uid === UNCHANGED_ID || gid === UNCHANGED_ID) {
    throw new FileSystemError('invalid-argument', `owner ${uid}:${gid} cannot exist on Linux`);
  }
  const { fchownat } = linux();
  if (uninterrupted(() => fchownat(fd, EMPTY_PATH, uid, gid, AT_EMPTY_PATH)) === -1) {
    throw descriptorError(`set the owner to ${uid}:${gid}`, fd);
  }
}

/**
 * Sets the permission bits with setuid, setgid and sticky. A symbolic link has none of its own: code
 * 'unsupported'. Without CAP_FSETID the kernel drops setgid silently where the caller is not in the file's
 * group: read back to know.
 */
export function setPermissions(fd: number, mode: number): void {
  const { fchmod, fchmodat, errno } = linux();
  let result = uninterrupted(() => fchmod(fd, mode));
  if (result === -1 && errno() === ERRNO.EBADF) {
    const path = descriptorPath(fd);
    result = uninterrupted(() => fchmodat(AT_FDCWD, path, mode, 0));
  }
  if (result === -1) throw descriptorError(`set the permissions to 0${mode.toString(8)}`, fd);
}

/** Two struct timespec for utimensat, reused by every call of this thread. */
const times = new BigInt64Array(4);
/** The same memory, by halves of which the lower comes first: both supported architectures are little-endian. */
const timeWords = new Int32Array(times.buffer);

/** A time since the epoch: whole seconds, negative before it, and the nanoseconds of the second that they begin. */
export interface TimeParts {
  readonly seconds: number;
  readonly nanoseconds: number;
}

function setTimeParts(index: number, { seconds, nanoseconds }: TimeParts): void {
  const word = index * 2;
  timeWords[word] = seconds % 2 ** 32;
  timeWords[word + 1] = Math.floor(seconds / 2 ** 32);
  timeWords[word + 2] = nanoseconds;
  timeWords[word + 3] = 0;
}

function setTimespec(index: number, timeNs: bigint): void {
  let seconds = timeNs / NANOSECONDS;
  let rest = timeNs % NANOSECONDS;
  // Division of bigints rounds towards zero; the nanoseconds must not be negative.
  if (rest < 0n) {
    rest += NANOSECONDS;
    seconds -= 1n;
  }
  times[index] = seconds;
  times[index + 1] = rest;
}

/**
 * Sets access and modification time in nanoseconds since the epoch, negative before it, on what a descriptor
 * holds: any type, O_PATH and symbolic links included. A file system stores what its format can (ext4 ends in
 * 2446): read back to know.
 */
export function setTimes(fd: number, atimeNs: bigint, mtimeNs: bigint): void {
  setTimespec(0, atimeNs);
  setTimespec(2, mtimeNs);
  setPreparedTimes(fd);
}

/** As {@link setTimes}, without a bigint: for many files. */
export function setTimesByParts(fd: number, atime: TimeParts, mtime: TimeParts): void {
  setTimeParts(0, atime);
  setTimeParts(2, mtime);
  setPreparedTimes(fd);
}

function setPreparedTimes(fd: number): void {
  const { utimensat, errno } = linux();
  let result = uninterrupted(() => utimensat(fd, EMPTY_PATH, times, AT_EMPTY_PATH));
  // Kernels before 5.8 know no AT_EMPTY_PATH here.
  if (result === -1 && errno() === ERRNO.EINVAL) {
    const path = descriptorPath(fd);
    result = uninterrupted(() => utimensat(AT_FDCWD, path, times, 0));
  }
  if (result === -1) throw descriptorError('set the times', fd);
}

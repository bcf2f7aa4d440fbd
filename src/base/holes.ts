import { linux } from './linux-calls.ts';
import { ERRNO, descriptorError, uninterrupted } from './system-call.ts';

const SEEK_END = 2;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** FALLOC_FL_* of linux/falloc.h. */
const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;

export interface DataRange {
  readonly start: number;
  /** First byte behind the range. */
  readonly end: number;
}

/**
 * Offset of the first data byte at or behind `offset`, or -1 when there is none. Where the file system knows
 * no holes, everything is data. Moves the descriptor's offset, which readAt and writeAt do not use.
 */
export function nextData(fd: number, offset: number): number {
  const { lseek, errno } = linux();
  const found = uninterrupted(() => lseek(fd, offset, SEEK_DATA));
  if (found !== -1) return found;
  if (errno() === ERRNO.ENXIO) return -1;
  if (errno() === ERRNO.EINVAL) return offset < contentBytes(fd) ? offset : -1;
  throw descriptorError('look for data', fd);
}

/**
 * Offset of the first hole at or behind `offset` (the end of the file counts as one), or -1 when `offset` is
 * beyond the end.
 */
export function nextHole(fd: number, offset: number): number {
  const { lseek, errno } = linux();
  const found = uninterrupted(() => lseek(fd, offset, SEEK_HOLE));
  if (found !== -1) return found;
  if (errno() === ERRNO.ENXIO) return -1;
  if (errno() === ERRNO.EINVAL) {
    const size = contentBytes(fd);
    return offset < size ? size : -1;
  }
  throw descriptorError('look for a hole', fd);
}

/**
 * Bytes that can be read from a file or a block device, of which stat knows no size. Moves the descriptor's offset,
 * which readAt and writeAt do not use.
 */
export function contentBytes(fd: number): number {
  const size = linux().lseek(fd, 0, SEEK_END);
  if (size === -1) throw descriptorError('look for the end', fd);
  return size;
}

/**
 * The data of a file in order, cut at `sizeBytes`; two system calls a range. A file without holes is one
 * range.
 */
export function* dataRanges(fd: number, sizeBytes: number): Generator<DataRange, void, undefined> {
  let offset = 0;
  while (offset < sizeBytes) {
    const start = nextData(fd, offset);
    if (start === -1 || start >= sizeBytes) return;
    const hole = nextHole(fd, start);
    // A file that shrinks in between has no hole any more: the reader finds out how much is left.
    const end = hole === -1 ? sizeBytes : Math.min(hole, sizeBytes);
    yield { start, end };
    offset = end;
  }
}

function allocate(fd: number, mode: number, offset: number, length: number, action: string): boolean {
  const { fallocate, errno } = linux();
  if (uninterrupted(() => fallocate(fd, mode, offset, length)) !== -1) return true;
  if (errno() === ERRNO.ENOTSUP || errno() === ERRNO.ENOSYS) return false;
  throw descriptorError(action, fd);
}

/**
 * Makes a range read as zeros and gives its blocks back; the size stays. False where the file system cannot.
 */
export function punchHole(fd: number, offset: number, length: number): boolean {
  return allocate(fd, PUNCH_HOLE | KEEP_SIZE, offset, length, 'punch a hole');
}

/**
 * Reserves the blocks of a range without changing the size; code 'no-space' when they are not there. False
 * where unsupported.
 */
export function preallocate(fd: number, offset: number, length: number): boolean {
  return allocate(fd, KEEP_SIZE, offset, length, 'reserve space');
}

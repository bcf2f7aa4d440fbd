import { constants } from 'node:fs';
import { NameArgument, printableName, terminated } from './byte-name.ts';
import type { Latin1Name } from './byte-name.ts';
import type { FileType } from './file-status.ts';
import { linux } from './linux-calls.ts';
import { AT_FDCWD, descriptorError, entryError, uninterrupted } from './system-call.ts';
import { systemError } from './system-error.ts';

export interface DirectoryEntry {
  /**
   * Bytes of the name. A view into memory that the entries of one directory share: copy it to keep it alone.
   */
  readonly name: Buffer;
  /**
   * What the directory itself says of the type; undefined where the file system does not tell. A hint, not a
   * fact.
   */
  readonly type: FileType | undefined;
}

const O_CLOEXEC = 0o2000000;
const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC;
const SEEK_SET = 0;

/** struct linux_dirent64: u64 inode, i64 offset, u16 record length, u8 type, then the NUL-terminated name. */
const RECORD_LENGTH_OFFSET = 16;
const TYPE_OFFSET = 18;
const NAME_OFFSET = 19;

/** d_type of dirent.h. */
const TYPES: readonly (FileType | undefined)[] = [
  undefined,
  'fifo',
  'character-device',
  undefined,
  'directory',
  undefined,
  'block-device',
  undefined,
  'file',
  undefined,
  'symlink',
  undefined,
  'socket',
];

const BATCH_BYTES = 65_536;
const DOT = 0x2e;
const nameArgument = new NameArgument();
let batch: Buffer | undefined;

/**
 * Opens a path that the user gave as the root of a tree: symbolic links in it are followed. Returns a
 * descriptor.
 */
export function openRoot(path: Uint8Array | string): number {
  const { openat, errno } = linux();
  const argument = terminated(path);
  const fd = uninterrupted(() => openat(AT_FDCWD, argument, DIRECTORY_FLAGS, 0));
  if (fd === -1) throw systemError(errno(), 'open the directory', printableName(argument.subarray(0, -1)));
  return fd;
}

/**
 * Opens a directory for reading and as the base of further calls; a symbolic link is refused (errno
 * 'ENOTDIR').
 */
export function openDirectoryAt(dirFd: number, name: Uint8Array | Latin1Name): number {
  const { openat } = linux();
  const path = nameArgument.set(name);
  const fd = uninterrupted(() => openat(dirFd, path, DIRECTORY_FLAGS | constants.O_NOFOLLOW, 0));
  if (fd === -1) throw entryError('open the directory', dirFd, name);
  return fd;
}

function isSelfOrParent(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] !== DOT) return false;
  return end - start === 1 || (end - start === 2 && bytes[start + 1] === DOT);
}

function appendEntries(records: Buffer, entries: DirectoryEntry[]): void {
  let offset = 0;
  while (offset < records.length) {
    const start = offset + NAME_OFFSET;
    const end = records.indexOf(0, start);
    if (!isSelfOrParent(records, start, end)) {
      entries.push({ name: records.subarray(start, end), type: TYPES[records[offset + TYPE_OFFSET] ?? 0] });
    }
    offset += records.readUInt16LE(offset + RECORD_LENGTH_OFFSET);
  }
}

function appendNames(records: Buffer, names: Latin1Name[]): void {
  let offset = 0;
  while (offset < records.length) {
    const start = offset + NAME_OFFSET;
    const end = records.indexOf(0, start);
    if (!isSelfOrParent(records, start, end)) names.push(records.toString('latin1', start, end));
    offset += records.readUInt16LE(offset + RECORD_LENGTH_OFFSET);
  }
}

/**
 * All entries but '.' and '..', in the directory's own order, about 150 bytes of memory each. Uses the
 * descriptor's offset: two threads must not read one descriptor at once. Throws FileSystemError, also when
 * reading breaks off half-way.
 *
 * Measured per entry of 20,000 (ext4, warm): this 0.4 us, fs.readdirSync on /proc/self/fd/N 1.0 us.
 */
export function readDirectory(fd: number): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  readRecords(fd, (records) => appendEntries(Buffer.copyBytesFrom(records), entries));
  return entries;
}

/** The names alone, in the directory's own order; otherwise as {@link readDirectory}. */
export function readNames(fd: number): Latin1Name[] {
  const names: Latin1Name[] = [];
  readRecords(fd, (records) => appendNames(records, names));
  return names;
}

/** Calls `visit` with whole records, which are valid during the call. */
function readRecords(fd: number, visit: (records: Buffer) => void): void {
  const { getdents64, lseek } = linux();
  batch ??= Buffer.allocUnsafeSlow(BATCH_BYTES);
  const buffer = batch;
  if (lseek(fd, 0, SEEK_SET) === -1) throw descriptorError('read the directory', fd);
  for (;;) {
    const count = uninterrupted(() => getdents64(fd, buffer, BATCH_BYTES));
    if (count === -1) throw descriptorError('read the directory', fd);
    if (count === 0) return;
    visit(buffer.subarray(0, count));
  }
}

import { NameArgument } from './byte-name.ts';
import type { Latin1Name } from './byte-name.ts';
import { linux } from './linux-calls.ts';
import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_SYMLINK_NOFOLLOW,
  EMPTY_PATH,
  ERRNO,
  descriptorError,
  entryError,
  uninterrupted,
} from './system-call.ts';

/** What an entry of a file system is. */
export type FileType =
  'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'block-device' | 'character-device';

const NANOSECONDS = 1_000_000_000n;
const WORD = 2 ** 32;

/** STATX_BASIC_STATS and STATX_MNT_ID of linux/stat.h. */
const STATX_MNT_ID = 0x1000;
const STATX_MASK = 0x7ff | STATX_MNT_ID;

/** One struct statx for every call of this thread. */
const record = new ArrayBuffer(256);
const recordBytes = new Uint8Array(record);
const recordView = new DataView(record);
const nameArgument = new NameArgument();

/** Offsets of struct statx in linux/stat.h; both supported architectures are little-endian. */
const OFFSETS = {
  mask: 0x00,
  links: 0x10,
  uid: 0x14,
  gid: 0x18,
  mode: 0x1c,
  inode: 0x20,
  size: 0x28,
  blocks: 0x30,
  atime: 0x40,
  ctime: 0x60,
  mtime: 0x70,
  rdev: 0x80,
  device: 0x88,
  mountId: 0x90,
} as const;

/**
 * What stat(2) tells, made of the record that the last call has filled. It holds plain numbers and makes bigints of
 * them when they are asked for: a walk over unchanged files asks for none, and they were half of a status's time.
 * Cannot be posted to another thread.
 */
export class FileStatus {
  readonly type: FileType;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly sizeBytes: number;
  /** Bytes that the file occupies; less than `sizeBytes` for a sparse file. */
  readonly allocatedBytes: number;
  /** Whole seconds since the Unix epoch, negative before it, and the nanoseconds behind them, 0 to 999,999,999. */
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly ctimeSeconds: number;
  readonly ctimeNanoseconds: number;
  readonly #atimeSeconds = seconds(OFFSETS.atime);
  readonly #atimeNanoseconds = nanoseconds(OFFSETS.atime);
  readonly #inodeLow = word(OFFSETS.inode);
  readonly #inodeHigh = word(OFFSETS.inode + 4);
  readonly #deviceMajor = word(OFFSETS.device);
  readonly #deviceMinor = word(OFFSETS.device + 4);
  readonly #rdevMajor = word(OFFSETS.rdev);
  readonly #rdevMinor = word(OFFSETS.rdev + 4);
  readonly #mountIdLow: number;
  readonly #mountIdHigh: number;

  constructor() {
    const mode = recordView.getUint16(OFFSETS.mode, true);
    this.type = typeOfMode(mode);
    this.mode = mode & 0o7777;
    this.uid = word(OFFSETS.uid);
    this.gid = word(OFFSETS.gid);
    this.links = word(OFFSETS.links);
    this.sizeBytes = word(OFFSETS.size + 4) * WORD + word(OFFSETS.size);
    this.allocatedBytes = (word(OFFSETS.blocks + 4) * WORD + word(OFFSETS.blocks)) * 512;
    this.mtimeSeconds = seconds(OFFSETS.mtime);
    this.mtimeNanoseconds = nanoseconds(OFFSETS.mtime);
    this.ctimeSeconds = seconds(OFFSETS.ctime);
    this.ctimeNanoseconds = nanoseconds(OFFSETS.ctime);
    const hasMountId = (word(OFFSETS.mask) & STATX_MNT_ID) !== 0;
    this.#mountIdLow = hasMountId ? word(OFFSETS.mountId) : 0;
    this.#mountIdHigh = hasMountId ? word(OFFSETS.mountId + 4) : 0;
  }

  get inode(): bigint {
    return wide(this.#inodeHigh, this.#inodeLow);
  }

  /** The inode in decimal. */
  get inodeText(): string {
    const inode = this.#inodeHigh * WORD + this.#inodeLow;
    return Number.isSafeInteger(inode) ? String(inode) : String(this.inode);
  }

  /** st_dev as stat(2) returns it (glibc's makedev of major and minor). */
  get deviceId(): bigint {
    return makeDeviceId(this.#deviceMajor, this.#deviceMinor);
  }

  /** The same in decimal. */
  get deviceText(): string {
    if (lastDevice.major !== this.#deviceMajor || lastDevice.minor !== this.#deviceMinor) {
      lastDevice = { major: this.#deviceMajor, minor: this.#deviceMinor, text: String(this.deviceId) };
    }
    return lastDevice.text;
  }

  /** Nanoseconds since the Unix epoch, negative before it, as the other times. */
  get atimeNs(): bigint {
    return BigInt(this.#atimeSeconds) * NANOSECONDS + BigInt(this.#atimeNanoseconds);
  }

  get mtimeNs(): bigint {
    return BigInt(this.mtimeSeconds) * NANOSECONDS + BigInt(this.mtimeNanoseconds);
  }

  get ctimeNs(): bigint {
    return BigInt(this.ctimeSeconds) * NANOSECONDS + BigInt(this.ctimeNanoseconds);
  }

  /** st_rdev of a device node; 0 for every other type. */
  get rdev(): bigint {
    return makeDeviceId(this.#rdevMajor, this.#rdevMinor);
  }

  /** The mount that the file was reached through; 0 where the kernel (before 5.8) does not say. */
  get mountId(): bigint {
    return wide(this.#mountIdHigh, this.#mountIdLow);
  }

  /** True when modification and change times are those of `other`. */
  hasTimesOf(other: FileStatus): boolean {
    return (
      this.mtimeNanoseconds === other.mtimeNanoseconds &&
      this.ctimeNanoseconds === other.ctimeNanoseconds &&
      this.mtimeSeconds === other.mtimeSeconds &&
      this.ctimeSeconds === other.ctimeSeconds
    );
  }
}

/** Neighbours mostly stand on one device. */
let lastDevice = { major: -1, minor: -1, text: '' };

function word(offset: number): number {
  return recordView.getUint32(offset, true);
}

function wide(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/** The signed 64-bit seconds of a struct statx_timestamp: a number holds those of 285 million years. */
function seconds(offset: number): number {
  return recordView.getInt32(offset + 4, true) * WORD + word(offset);
}

function nanoseconds(offset: number): number {
  return word(offset + 8);
}

function typeOfMode(mode: number): FileType {
  switch (mode & 0o170000) {
    case 0o040000:
      return 'directory';
    case 0o120000:
      return 'symlink';
    case 0o010000:
      return 'fifo';
    case 0o140000:
      return 'socket';
    case 0o060000:
      return 'block-device';
    case 0o020000:
      return 'character-device';
    default:
      return 'file';
  }
}

/** glibc's makedev (bits/sysmacros.h): the encoding in which stat(2) returns device numbers. */
export function makeDeviceId(major: number, minor: number): bigint {
  const low = ((minor & 0xff) | ((major & 0xfff) << 8)) >>> 0;
  if (major < 0x1000 && minor < 0x100) return BigInt(low);
  return BigInt(low) | (BigInt((minor & ~0xff) >>> 0) << 12n) | (BigInt((major & ~0xfff) >>> 0) << 32n);
}

/**
 * Measured per file in a directory of 20,000 (ext4, warm, 2 cores): statx through koffi 1.4 us, fs.lstatSync on
 * /proc/self/fd/N/name 2.4 us, with {bigint: true} 2.5 us.
 */
function statxAt(dirFd: number, name: Uint8Array | Latin1Name): number {
  const { statx } = linux();
  const path = nameArgument.set(name);
  const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  return uninterrupted(() => statx(dirFd, path, flags, STATX_MASK, recordBytes));
}

/** Status of a name in a directory; a symbolic link is not followed. Throws FileSystemError. */
export function statAt(dirFd: number, name: Uint8Array | Latin1Name): FileStatus {
  if (statxAt(dirFd, name) === -1) throw entryError('read the status', dirFd, name);
  return new FileStatus();
}

/**
 * As {@link statAt}, but undefined when nothing has that name: no error has to be built for the ordinary case.
 */
export function statAtIfPresent(dirFd: number, name: Uint8Array | Latin1Name): FileStatus | undefined {
  if (statxAt(dirFd, name) !== -1) return new FileStatus();
  if (linux().errno() === ERRNO.ENOENT) return undefined;
  throw entryError('read the status', dirFd, name);
}

/** Status of what a descriptor holds, also of one from openPathAt. Throws FileSystemError. */
export function statFd(fd: number): FileStatus {
  const { statx } = linux();
  const result = uninterrupted(() => statx(fd, EMPTY_PATH, AT_EMPTY_PATH, STATX_MASK, recordBytes));
  if (result === -1) throw descriptorError('read the status', fd);
  return new FileStatus();
}

import { isUtf8 } from 'node:buffer';

/** The type flag of a header (POSIX.1-2017, pax, "ustar Interchange Format"). */
const typeFlags = {
  file: '0',
  link: '1',
  symlink: '2',
  chardev: '3',
  dev: '4',
  dir: '5',
  fifo: '6',
} as const;

export interface TarEntry {
  /** Any bytes but NUL, without a slash at either end. */
  readonly path: Uint8Array;
  /** `link` is a further name of an entry that stands before it. */
  readonly type: keyof typeof typeFlags;
  /** The low 12 bits of st_mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly mtimeNs: bigint;
  /** Of a file; 0 for all others. */
  readonly sizeBytes: number;
  /** Of a symbolic link its target, of a `link` the path of the other entry. */
  readonly linkTarget?: Uint8Array | undefined;
  /** st_rdev of a device. */
  readonly device?: bigint | undefined;
  /** Further records of the extended header: key and value, any bytes. */
  readonly records?: readonly TarRecord[] | undefined;
}

export interface TarRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

export const tarBlockBytes = 512;
/** Two blocks of zeros. */
export const tarEndBytes = 2 * tarBlockBytes;

const nsPerSecond = 1_000_000_000n;
const slash = Buffer.from('/');

/** Offset and length of each field of a ustar header. */
const field = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  user: [265, 32],
  group: [297, 32],
  deviceMajor: [329, 8],
  deviceMinor: [337, 8],
} as const;

type Field = readonly [offset: number, length: number];

/**
 * The blocks that stand in front of an entry's contents: a ustar header, and before it a pax extended header where
 * ustar cannot say something: long names and those that are not ASCII, large numbers, parts of a second, records.
 * Names that are no UTF-8 are written as they are, as GNU tar does. A number that is too large for its field stands
 * there in GNU's base 256 as well.
 */
export function encodeTarHeader(entry: TarEntry): Buffer {
  const path = entry.type === 'dir' ? Buffer.concat([entry.path, slash]) : Buffer.from(entry.path);
  const records = [...ownRecords(entry, path), ...(entry.records ?? [])].map(encodeRecord);
  const header = encodeBlock({ ...entry, path }, typeFlags[entry.type]);
  if (records.length === 0) return header;
  const text = Buffer.concat(records);
  const base = path.subarray(path.lastIndexOf(0x2f, -2) + 1);
  const extended = encodeBlock(
    {
      path: Buffer.concat([Buffer.from('PaxHeaders/'), base]).subarray(0, field.name[1]),
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtimeNs: 0n,
      sizeBytes: text.length,
    },
    'x',
  );
  return Buffer.concat([extended, text, Buffer.alloc(tarPaddingBytes(text.length)), header]);
}

/** How many zeros stand behind contents of that size. */
export function tarPaddingBytes(sizeBytes: number): number {
  return (tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes;
}

function ownRecords(entry: TarEntry, path: Uint8Array): TarRecord[] {
  const { uid, gid, sizeBytes, mtimeNs, linkTarget } = entry;
  const user = Buffer.from(entry.user ?? '');
  const group = Buffer.from(entry.group ?? '');
  const isFullSecond = mtimeNs >= 0n && mtimeNs % nsPerSecond === 0n;
  return [
    ...(fitsText(path, field.name) ? [] : [{ key: 'path', value: path }]),
    ...(linkTarget === undefined || fitsText(linkTarget, field.linkName)
      ? []
      : [{ key: 'linkpath', value: linkTarget }]),
    ...(sizeBytes < octalLimit(field.size) ? [] : [{ key: 'size', value: Buffer.from(String(sizeBytes)) }]),
    ...(uid < octalLimit(field.uid) ? [] : [{ key: 'uid', value: Buffer.from(String(uid)) }]),
    ...(gid < octalLimit(field.gid) ? [] : [{ key: 'gid', value: Buffer.from(String(gid)) }]),
    ...(user.length < field.user[1] && fitsText(user, field.user) ? [] : [{ key: 'uname', value: user }]),
    ...(group.length < field.group[1] && fitsText(group, field.group)
      ? []
      : [{ key: 'gname', value: group }]),
    ...(isFullSecond ? [] : [{ key: 'mtime', value: Buffer.from(decimalSeconds(mtimeNs)) }]),
  ];
}

/** Nobody knows the charset of a field, that of a record is UTF-8: text in UTF-8 belongs there, other bytes do not. */
function fitsText(bytes: Uint8Array, [, length]: Field): boolean {
  if (bytes.length > length) return false;
  return bytes.every((byte) => byte < 0x80) || !isUtf8(bytes);
}

function octalLimit([, length]: Field): number {
  return 8 ** (length - 1);
}

/** `-1.5` is one and a half seconds before the epoch. */
function decimalSeconds(timeNs: bigint): string {
  const magnitude = timeNs < 0n ? -timeNs : timeNs;
  const fraction = String(magnitude % nsPerSecond)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const sign = timeNs < 0n ? '-' : '';
  return `${sign}${magnitude / nsPerSecond}${fraction === '' ? '' : `.${fraction}`}`;
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits too. */
function encodeRecord({ key, value }: TarRecord): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function encodeBlock(entry: Omit<TarEntry, 'records'>, typeFlag: string): Buffer {
  const block = Buffer.alloc(tarBlockBytes);
  const device = entry.device ?? 0n;
  // A time of the epoch's second and earlier parts of it round down, as clocks do.
  const seconds = entry.mtimeNs / nsPerSecond - (entry.mtimeNs % nsPerSecond < 0n ? 1n : 0n);
  writeText(block, field.name, entry.path);
  writeNumber(block, field.mode, BigInt(entry.mode));
  writeNumber(block, field.uid, BigInt(entry.uid));
  writeNumber(block, field.gid, BigInt(entry.gid));
  writeNumber(block, field.size, BigInt(entry.sizeBytes));
  writeNumber(block, field.mtime, seconds);
  block.write(typeFlag, field.type[0], 'latin1');
  writeText(block, field.linkName, entry.linkTarget ?? new Uint8Array(0));
  block.write('ustar\u000000', field.magic[0], 'latin1');
  writeText(block, field.user, Buffer.from(entry.user ?? '').subarray(0, field.user[1] - 1));
  writeText(block, field.group, Buffer.from(entry.group ?? '').subarray(0, field.group[1] - 1));
  writeNumber(block, field.deviceMajor, deviceMajor(device));
  writeNumber(block, field.deviceMinor, deviceMinor(device));
  writeChecksum(block);
  return block;
}

function writeText(block: Buffer, [offset, length]: Field, bytes: Uint8Array): void {
  block.set(bytes.subarray(0, length), offset);
}

/** Octal digits and a NUL; where they do not fit, GNU's base 256: two's complement, big-endian, the top bit set. */
function writeNumber(block: Buffer, [offset, length]: Field, value: bigint): void {
  if (value >= 0n && value < 8n ** BigInt(length - 1)) {
    block.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
    return;
  }
  let rest = BigInt.asUintN(length * 8, value);
  for (let index = offset + length - 1; index >= offset; index--) {
    block[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[offset] = (block[offset] ?? 0) | 0x80;
}

/** The sum of the header's bytes, its own field taken as spaces: six digits, NUL, space. */
function writeChecksum(block: Buffer): void {
  const [offset, length] = field.checksum;
  block.fill(' ', offset, offset + length, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, offset, 'latin1');
}

/** The two halves of Linux's dev_t are interleaved (gnu_dev_major and gnu_dev_minor of sys/sysmacros.h). */
function deviceMajor(device: bigint): bigint {
  return ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n);
}

function deviceMinor(device: bigint): bigint {
  return (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n);
}

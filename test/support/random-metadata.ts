import { FileSystemError } from '../../src/base/errors.ts';
import { setExtendedAttribute, setOwner, setPermissions, setTimes } from '../../src/base/file-system.ts';
import type { FileType } from '../../src/base/file-system.ts';
import type { Random } from './seed.ts';

/** Whether this process may give files away and set privileged attributes. */
export const isPrivileged = process.getuid?.() === 0;

/** What ext4 can store: 1901 to 2446, in nanoseconds. */
const FIRST_SECOND = -(2 ** 31);
const LAST_SECOND = 15_032_385_535;
/** 2262-04-11: restic restores times as 64-bit nanoseconds since 1970, and wraps around behind it. */
const LAST_SECOND_OF_RESTIC = 9_223_372_035;
const MAX_ID = 2 ** 32 - 2;

export interface RandomTimeOptions {
  /** Only times that restic can restore, until 2262. Default false: until 2446. */
  readonly resticTimes?: boolean | undefined;
}

/** Gives what the descriptor holds a random owner, attributes, mode and times. What the file system refuses is left. */
export function setRandomMetadata(
  random: Random,
  fd: number,
  type: FileType,
  options: RandomTimeOptions = {},
): void {
  if (isPrivileged && random.chance(0.5)) tolerate(() => setOwner(fd, randomId(random), randomId(random)));
  setRandomAttributes(random, fd, type);
  if (type !== 'symlink') setRandomMode(random, fd, type);
  // File capabilities come last: a change of owner takes them away.
  if (type === 'file' && isPrivileged && random.chance(0.08)) {
    tolerate(() => setExtendedAttribute(fd, 'security.capability', capabilities(random)));
  }
  setTimes(fd, randomTimeNs(random, options), randomTimeNs(random, options));
}

/** Every mode of 12 bits for root; others keep what they need to read the file again. */
export function setRandomMode(random: Random, fd: number, type: FileType): void {
  const common =
    type === 'directory' ? [0o755, 0o700, 0o2775, 0o1777] : [0o644, 0o600, 0o755, 0o4755, 0o2755];
  const mode = random.chance(0.6) ? random.pick([0o750, ...common]) : random.below(0o10000);
  const needed = type === 'directory' ? 0o700 : 0o600;
  setPermissions(fd, isPrivileged ? mode : mode | needed);
}

/** From 1901 to 2446 or 2262, with all kinds of nanoseconds. */
export function randomTimeNs(random: Random, options: RandomTimeOptions = {}): bigint {
  const last = options.resticTimes === true ? LAST_SECOND_OF_RESTIC : LAST_SECOND;
  const nanoseconds = random.pick([0, 1, 999_999_999, 500_000_000, 120_000_000, random.below(1_000_000_000)]);
  return BigInt(randomSecond(random, last)) * 1_000_000_000n + BigInt(nanoseconds);
}

function randomSecond(random: Random, last: number): number {
  const roll = random.below(10);
  if (roll < 6) return random.between(1_000_000_000, 1_750_000_000);
  if (roll === 6) return random.between(-5, 5);
  if (roll === 7) return random.pick([FIRST_SECOND, -1, 0, 2 ** 31 - 1, 2 ** 31, 2 ** 32, last - 1]);
  return FIRST_SECOND + Math.floor((random.next() / 2 ** 32) * (last - FIRST_SECOND));
}

/** Attributes of every namespace that the type takes; names are UTF-8, since the format keeps them as text. */
export function setRandomAttributes(random: Random, fd: number, type: FileType): void {
  const takesUser = type === 'file' || type === 'directory';
  if (takesUser && random.chance(0.2)) {
    for (let count = random.between(1, 3); count > 0; count--) {
      const name = `user.${random.pick(['comment', 'a b', 'é', '\u200b', '"\\', 'x'.repeat(200)])}${count}`;
      tolerate(() => setExtendedAttribute(fd, name, randomValue(random)));
    }
  }
  if (isPrivileged && random.chance(0.05)) {
    tolerate(() => setExtendedAttribute(fd, 'trusted.tranship', randomValue(random)));
  }
  if (takesUser && random.chance(0.1)) {
    tolerate(() => setExtendedAttribute(fd, 'system.posix_acl_access', accessControlList(random)));
  }
  if (type === 'directory' && random.chance(0.1)) {
    tolerate(() => setExtendedAttribute(fd, 'system.posix_acl_default', accessControlList(random)));
  }
}

function randomId(random: Random): number {
  return random.pick([0, 1, 1000, 65_534, 65_536, MAX_ID, random.next() % MAX_ID]);
}

function randomValue(random: Random): Buffer {
  return random.bytes(random.pick([0, 1, 20, random.below(900)]));
}

/**
 * struct posix_acl_xattr of linux/posix_acl_xattr.h: version 2, then tag, permissions and id of each entry, in order.
 */
function accessControlList(random: Random): Buffer {
  const anyone = 0xffffffff;
  const user = random.between(1, 70_000);
  const entries = [
    [0x01, anyone],
    [0x02, user],
    [0x02, user + random.between(1, 100)],
    [0x04, anyone],
    [0x08, random.below(70_000)],
    [0x10, anyone],
    [0x20, anyone],
  ] as const;
  const list = Buffer.alloc(4 + 8 * entries.length);
  list.writeUInt32LE(2, 0);
  for (const [i, [tag, id]] of entries.entries()) {
    list.writeUInt16LE(tag, 4 + 8 * i);
    list.writeUInt16LE(tag === 0x01 ? 7 : random.below(8), 6 + 8 * i);
    list.writeUInt32LE(id, 8 + 8 * i);
  }
  return list;
}

/** struct vfs_cap_data, revision 2, of linux/capability.h. */
function capabilities(random: Random): Buffer {
  const data = Buffer.alloc(20);
  data.writeUInt32LE(0x02000000 | random.below(2), 0);
  data.writeUInt32LE(1 << random.below(30), 4);
  return data;
}

/** Not every file system or container takes every owner and attribute: the tree then has what it has. */
function tolerate(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
  }
}

import { FileSystemError } from '../../base/errors.ts';
import {
  listExtendedAttributes,
  removeExtendedAttribute,
  setExtendedAttribute,
  setOwner,
  setPermissions,
  setTimesByParts,
  statFd,
} from '../../base/file-system.ts';
import type { FileStatus } from '../../base/file-system.ts';
import { unixPermissionsOf } from '../../repository/format/file-mode.ts';
import { zeroTimestamp } from '../../repository/format/timestamp.ts';
import type { ExtendedAttribute, TreeNode } from '../../repository/format/tree-node.ts';
import { nanosecondsSinceEpoch, nodeTime } from './node-time.ts';

const ownerWrite = 0o200;

/** Policy of a running SELinux: it labels every file, and lets nobody remove a label. */
const keptAttributes: ReadonlySet<string> = new Set(['security.selinux']);

/** What of a node is set on the inode that it becomes; small enough to be posted for every file. */
export type InodeMetadata = Pick<
  TreeNode,
  'type' | 'mode' | 'uid' | 'gid' | 'mtime' | 'atime' | 'extendedAttributes'
>;

/** A copy that can be posted: an attribute's value may be a view of a whole tree, all of which would go with it. */
export function postable({
  type,
  mode,
  uid,
  gid,
  mtime,
  atime,
  extendedAttributes,
}: TreeNode): InodeMetadata {
  if (extendedAttributes === undefined) return { type, mode, uid, gid, mtime, atime };
  const own = extendedAttributes.map(({ name, value }) => ({ name, value: Uint8Array.from(value) }));
  return { type, mode, uid, gid, mtime, atime, extendedAttributes: own };
}

type Attempt = (action: () => void) => void;

/**
 * Gives an open inode, whose status is `before`, the metadata of a node, and reads it back: file systems exist that
 * report success and change nothing. What is as it should be is not set. Returns what is not as it should be, for a
 * person. Order matters: chown clears setuid and capabilities, an attribute needs a writable file, an ACL sets the
 * mode's group bits, and writing, which must be over, changes times.
 */
export function applyMetadata(fd: number, node: InodeMetadata, before: FileStatus): string[] {
  const faults: string[] = [];
  const attempt: Attempt = (action) => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      faults.push(error.what);
    }
  };
  const mode = unixPermissionsOf(node.mode);
  const hasOwner = before.uid === node.uid && before.gid === node.gid;
  if (!hasOwner) attempt(() => setOwner(fd, node.uid, node.gid));
  const hasItsAttributes = hasAttributes(fd, node.extendedAttributes ?? []);
  if (!hasItsAttributes) changeAttributes(fd, node, before, attempt);
  // Both may have changed the mode.
  const present = hasOwner && hasItsAttributes ? before.mode : statFd(fd).mode;
  const hasMode = node.type === 'symlink' || present === mode;
  if (!hasMode) attempt(() => setPermissions(fd, mode));
  const hasItsTimes = hasTimes(before, node);
  if (!hasItsTimes) attempt(() => applyTimes(fd, node));
  const isUnchanged = hasOwner && hasItsAttributes && hasMode && hasItsTimes;
  if (faults.length === 0 && !isUnchanged) faults.push(...differences(statFd(fd), node, mode));
  return faults;
}

function changeAttributes(fd: number, node: InodeMetadata, before: FileStatus, attempt: Attempt): void {
  // Without root's rights a read-only file takes no attribute.
  const opensUp = node.type !== 'symlink' && (before.mode & ownerWrite) === 0;
  if (opensUp) attempt(() => setPermissions(fd, before.mode | ownerWrite));
  attempt(() => applyAttributes(fd, node.extendedAttributes ?? [], attempt));
}

/** What stat shows of an inode that is not as the node says. */
export function differences(status: FileStatus, node: InodeMetadata, mode: number): string[] {
  const found: string[] = [];
  if (status.uid !== node.uid || status.gid !== node.gid) {
    found.push(`owner is ${status.uid}:${status.gid}, not ${node.uid}:${node.gid}`);
  }
  if (node.type !== 'symlink' && status.mode !== mode) {
    found.push(`mode is ${status.mode.toString(8)}, not ${mode.toString(8)}`);
  }
  if (node.mtime !== zeroTimestamp && !isAt(status.mtimeNs, node.mtime)) {
    found.push('the file system does not keep the modification time');
  }
  return found;
}

/** The zero time stands for an unknown one: rustic writes it for the folders above what it was given. */
function applyTimes(fd: number, { atime, mtime }: InodeMetadata): void {
  if (mtime === zeroTimestamp) return;
  setTimesByParts(fd, nodeTime(atime === zeroTimestamp ? mtime : atime), nodeTime(mtime));
}

function hasTimes(status: FileStatus, { atime, mtime }: InodeMetadata): boolean {
  if (mtime === zeroTimestamp) return true;
  return isAt(status.mtimeNs, mtime) && isAt(status.atimeNs, atime === zeroTimestamp ? mtime : atime);
}

function isAt(epochNs: bigint, text: string): boolean {
  return epochNs === nanosecondsSinceEpoch(nodeTime(text));
}

function hasAttributes(fd: number, wanted: readonly ExtendedAttribute[]): boolean {
  const present = listExtendedAttributes(fd);
  if (present.length === 0) return wanted.length === 0;
  const values = new Map(present.map(({ name, value }) => [name.toString(), value]));
  const extras = [...values.keys()].filter((name) => !wanted.some((attribute) => attribute.name === name));
  return (
    extras.every((name) => keptAttributes.has(name)) &&
    wanted.every(({ name, value }) => values.get(name)?.equals(value) === true)
  );
}

function applyAttributes(fd: number, wanted: readonly ExtendedAttribute[], attempt: Attempt): void {
  const present = listExtendedAttributes(fd);
  if (present.length === 0 && wanted.length === 0) return;
  const values = new Map(present.map(({ name, value }) => [name.toString(), value]));
  const names = new Set(wanted.map((attribute) => attribute.name));
  for (const name of values.keys()) {
    if (!names.has(name) && !keptAttributes.has(name)) attempt(() => removeExtendedAttribute(fd, name));
  }
  for (const { name, value } of wanted) {
    if (values.get(name)?.equals(value) !== true) attempt(() => setExtendedAttribute(fd, name, value));
  }
}

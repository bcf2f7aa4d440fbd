import { FileSystemError } from '../../base/errors.ts';
import {
  listExtendedAttributes,
  removeExtendedAttribute,
  setExtendedAttribute,
  setOwner,
  setPermissions,
  setTimes,
  statFd,
} from '../../base/file-system.ts';
import type { FileStatus } from '../../base/file-system.ts';
import { unixPermissionsOf } from '../../repository/format/file-mode.ts';
import { parseTimestamp, zeroTimestamp } from '../../repository/format/timestamp.ts';
import type { ExtendedAttribute, TreeNode } from '../../repository/format/tree-node.ts';

const ownerWrite = 0o200;

/** Policy of a running SELinux: it labels every file, and lets nobody remove a label. */
const keptAttributes: ReadonlySet<string> = new Set(['security.selinux']);

/**
 * Gives an open inode the metadata of a node, and reads it back: file systems exist that report success and change
 * nothing. Returns what is not as it should be, for a person. Order matters: chown clears setuid and capabilities, an
 * attribute needs a writable file, an ACL sets the mode's group bits, and everything but reading changes times.
 */
export function applyMetadata(fd: number, node: TreeNode): string[] {
  const faults: string[] = [];
  const attempt = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      faults.push(error.what);
    }
  };
  const before = statFd(fd);
  const mode = unixPermissionsOf(node.mode);
  const isLink = node.type === 'symlink';
  const changesOwner = before.uid !== node.uid || before.gid !== node.gid;
  if (changesOwner) attempt(() => setOwner(fd, node.uid, node.gid));
  const changesAttributes = !hasAttributes(fd, node.extendedAttributes ?? []);
  // Without root's rights a read-only file takes no attribute.
  const opensUp = changesAttributes && !isLink && (before.mode & ownerWrite) === 0;
  if (opensUp) attempt(() => setPermissions(fd, before.mode | ownerWrite));
  if (changesAttributes) attempt(() => applyAttributes(fd, node.extendedAttributes ?? [], attempt));
  if (!isLink && statFd(fd).mode !== mode) attempt(() => setPermissions(fd, mode));
  attempt(() => applyTimes(fd, node));
  if (faults.length === 0) faults.push(...differences(statFd(fd), node, mode));
  return faults;
}

/** What stat shows of an inode that is not as the node says. */
export function differences(status: FileStatus, node: TreeNode, mode: number): string[] {
  const found: string[] = [];
  if (status.uid !== node.uid || status.gid !== node.gid) {
    found.push(`owner is ${status.uid}:${status.gid}, not ${node.uid}:${node.gid}`);
  }
  if (node.type !== 'symlink' && status.mode !== mode) {
    found.push(`mode is ${status.mode.toString(8)}, not ${mode.toString(8)}`);
  }
  if (node.mtime !== zeroTimestamp && status.mtimeNs !== parseTimestamp(node.mtime)) {
    found.push('the file system does not keep the modification time');
  }
  return found;
}

/** The zero time stands for an unknown one: rustic writes it for the folders above what it was given. */
function applyTimes(fd: number, { atime, mtime }: TreeNode): void {
  if (mtime === zeroTimestamp) return;
  setTimes(fd, parseTimestamp(atime === zeroTimestamp ? mtime : atime), parseTimestamp(mtime));
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

function applyAttributes(
  fd: number,
  wanted: readonly ExtendedAttribute[],
  attempt: (action: () => void) => void,
): void {
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

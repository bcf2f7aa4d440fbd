import { FileSystemError } from '../../base/errors.ts';
import {
  close,
  makeHardLinkAt,
  makeNodeAt,
  makeSymlinkAt,
  openPathAt,
  statAtIfPresent,
  statFd,
} from '../../base/file-system.ts';
import { unixPermissionsOf } from '../../repository/format/file-mode.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import { applyMetadata } from './metadata.ts';
import { nameToMake, putInPlace } from './replacement.ts';
import type { PlannedFile, PlannedLink, PlannedOther } from './restore-plan.ts';
import type { TargetFolders } from './target-folders.ts';

/** Makes a symbolic link, FIFO or device with its metadata, and returns what the target did not take. */
export function makeSpecialEntry(folders: TargetFolders, other: PlannedOther, mayDelete: boolean): string[] {
  const directoryFd = folders.fdOf(other.directory);
  const name = other.present === 'same' ? other.name : nameToMake(directoryFd, other.name);
  if (other.present !== 'same') makeNode(directoryFd, name, other.node);
  const fd = openPathAt(directoryFd, name);
  let faults: string[];
  try {
    faults = applyMetadata(fd, other.node, statFd(fd));
  } finally {
    close(fd);
  }
  putInPlace(directoryFd, name, other.name, mayDelete);
  return faults;
}

/** Makes a further name of a restored file: by descriptor, and only of the inode that was restored. */
export function makeFurtherName(
  folders: TargetFolders,
  file: PlannedFile,
  link: PlannedLink,
  isItsInode: (inode: bigint) => boolean,
  mayDelete: boolean,
): void {
  const fd = openPathAt(folders.fdOf(file.directory), file.name);
  try {
    const wanted = statFd(fd);
    if (wanted.type !== 'file' || !isItsInode(wanted.inode))
      throw new FileSystemError('conflict', 'the first name was replaced meanwhile');
    const directoryFd = folders.fdOf(link.directory);
    const present = statAtIfPresent(directoryFd, link.name);
    if (present?.inode === wanted.inode && present.deviceId === wanted.deviceId) return;
    const name = nameToMake(directoryFd, link.name);
    makeHardLinkAt(fd, directoryFd, name);
    putInPlace(directoryFd, name, link.name, mayDelete);
  } finally {
    close(fd);
  }
}

function makeNode(directoryFd: number, name: Buffer, node: TreeNode): void {
  const permissions = unixPermissionsOf(node.mode);
  const device = node.device ?? 0n;
  if (node.type === 'symlink') makeSymlinkAt(node.linkTarget ?? Buffer.alloc(0), directoryFd, name);
  else if (node.type === 'fifo') makeNodeAt(directoryFd, name, 'fifo', permissions, 0n);
  else if (node.type === 'dev') makeNodeAt(directoryFd, name, 'block-device', permissions, device);
  else if (node.type === 'chardev') makeNodeAt(directoryFd, name, 'character-device', permissions, device);
}

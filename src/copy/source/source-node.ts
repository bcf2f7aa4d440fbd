import {
  close,
  groupName,
  listExtendedAttributes,
  openPathAt,
  readLinkFd,
  userName,
} from '../../base/file-system.ts';
import type { FileStatus, FileType } from '../../base/file-system.ts';
import { goModeOf } from '../../repository/format/file-mode.ts';
import { formatTimestamp } from '../../repository/format/timestamp.ts';
import type { ExtendedAttribute, NodeType, TreeNode } from '../../repository/format/tree-node.ts';

const nodeTypes: Readonly<Record<FileType, NodeType>> = {
  file: 'file',
  directory: 'dir',
  symlink: 'symlink',
  fifo: 'fifo',
  socket: 'socket',
  'block-device': 'dev',
  'character-device': 'chardev',
};

/** The type of the node that stands for such a file. */
export function nodeTypeOf(status: Pick<FileStatus, 'type'>): NodeType {
  return nodeTypes[status.type];
}

/** What a node of a regular file needs beside its status. */
export interface FileContent {
  readonly content: readonly string[];
  readonly sizeBytes: number;
}

/** Attributes in the form a node has: restic's names are text. */
export function nodeAttributes(fd: number): ExtendedAttribute[] {
  return listExtendedAttributes(fd).map(({ name, value }) => ({ name: name.toString(), value }));
}

/**
 * A node with everything that stat tells, as restic stores it: the access time is the modification time (the real one
 * would make every pass write every directory anew), links are counted for all but directories and FIFOs.
 */
export function nodeOf(
  name: Uint8Array,
  status: FileStatus,
  attributes: readonly ExtendedAttribute[],
  file?: FileContent,
): TreeNode {
  const type = nodeTypeOf(status);
  const mtime = formatTimestamp(status.mtimeNs);
  const isDevice = type === 'dev' || type === 'chardev';
  return {
    name,
    type,
    mode: goModeOf(type, status.mode),
    mtime,
    atime: mtime,
    ctime: formatTimestamp(status.ctimeNs),
    uid: status.uid,
    gid: status.gid,
    user: userName(status.uid),
    group: groupName(status.gid),
    inode: status.inode,
    deviceId: status.deviceId,
    size: type === 'file' ? (file?.sizeBytes ?? status.sizeBytes) : undefined,
    links: type === 'file' || type === 'symlink' || isDevice ? status.links : undefined,
    extendedAttributes: attributes.length === 0 ? undefined : attributes,
    device: isDevice ? status.rdev : undefined,
    content: type === 'file' ? (file?.content ?? []) : null,
  };
}

/** The node of an entry whose contents are not read: a link, a device, a FIFO, or a file whose contents are known. */
export function nodeWithoutReading(
  directoryFd: number,
  name: Uint8Array,
  status: FileStatus,
  file?: FileContent,
): TreeNode {
  const fd = openPathAt(directoryFd, name);
  try {
    const node = nodeOf(name, status, nodeAttributes(fd), file);
    return status.type === 'symlink' ? { ...node, linkTarget: readLinkFd(fd) } : node;
  } finally {
    close(fd);
  }
}

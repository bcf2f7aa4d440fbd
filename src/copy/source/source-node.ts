import {
  bytesOf,
  groupName,
  listExtendedAttributes,
  listExtendedAttributesAt,
  readLinkAt,
  userName,
} from '../../base/file-system.ts';
import { RepositoryError } from '../../base/errors.ts';
import type { FileAttribute, FileStatus, FileType, Latin1Name } from '../../base/file-system.ts';
import { goModeOf } from '../../repository/format/file-mode.ts';
import { timestampText } from '../../repository/format/timestamp.ts';
import { nodeHeadText, nodeNameText, nodeTailText } from '../../repository/format/tree-node-text.ts';
import type { ExtendedAttribute, NodeType } from '../../repository/format/tree-node.ts';

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

/** Attributes in the form a node has: restic's names are text. */
export function nodeAttributes(fd: number): readonly ExtendedAttribute[] {
  return attributesOf(listExtendedAttributes(fd));
}

/** As {@link nodeAttributes}, of a name in a directory; a link is not followed. */
export function nodeAttributesAt(directoryFd: number, name: Latin1Name): readonly ExtendedAttribute[] {
  return attributesOf(listExtendedAttributesAt(directoryFd, name));
}

function attributesOf(attributes: readonly FileAttribute[]): readonly ExtendedAttribute[] {
  if (attributes.length === 0) return none;
  return attributes.map(({ name, value }) => ({ name: name.toString(), value }));
}

const none: readonly ExtendedAttribute[] = [];

/**
 * What stat tells of an entry as the first part of its node's text, as restic stores it: the access time is the
 * modification time (the real one would make every pass write every directory anew), links are counted for all but
 * directories and FIFOs, and only files have a size.
 */
export function statusHead(name: Latin1Name, status: FileStatus, sizeBytes = status.sizeBytes): string {
  const type = nodeTypeOf(status);
  const mtime = timestampText(status.mtimeSeconds, status.mtimeNanoseconds);
  return nodeHeadText({
    name: nameText(name),
    type,
    mode: goModeOf(type, status.mode),
    mtime,
    atime: mtime,
    ctime: timestampText(status.ctimeSeconds, status.ctimeNanoseconds),
    uid: status.uid,
    gid: status.gid,
    user: userName(status.uid),
    group: groupName(status.gid),
    inode: status.inodeText,
    deviceId: status.deviceText,
    size: type === 'file' ? sizeBytes : 0,
    links: type === 'dir' || type === 'fifo' || type === 'socket' ? 0 : status.links,
  });
}

/** Characters of names that stand in a tree as they are. */
const plainName = /^[ !#-%'-;=?-[\]-~]*$/;

/** A name as it stands in a node's text. */
export function nameText(name: Latin1Name): string {
  return plainName.test(name) ? name : nodeNameText(Buffer.from(name, 'latin1'));
}

/** The text of a file's node, from its head on. Throws RepositoryError `unsupported` where V8 cannot hold it. */
export function fileNodeText(
  head: string,
  attributes: readonly ExtendedAttribute[],
  content: readonly string[],
): string {
  try {
    return head + nodeTailText({ extendedAttributes: attributes, content });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RepositoryError('unsupported', 'a file has more chunks than a tree can hold', { cause: error });
  }
}

/** The text of a node of a link, a device or a FIFO. */
export function otherNodeText(
  directoryFd: number,
  name: Latin1Name,
  storedName: Latin1Name,
  status: FileStatus,
): string {
  const isDevice = status.type === 'block-device' || status.type === 'character-device';
  const tail = {
    linkTarget: status.type === 'symlink' ? readLinkAt(directoryFd, bytesOf(name)) : undefined,
    extendedAttributes: nodeAttributesAt(directoryFd, name),
    device: isDevice ? status.rdev : undefined,
    content: null,
  };
  return statusHead(storedName, status) + nodeTailText(tail);
}

/** The text of a folder's node up to its content: `folderNodeText` adds its tree. */
export function folderHead(
  name: Latin1Name,
  status: FileStatus,
  attributes: readonly ExtendedAttribute[],
): string {
  const tail = nodeTailText({ extendedAttributes: attributes, content: null });
  return statusHead(name, status) + tail.slice(0, -1);
}

/** The text of a folder's node, from its head on. */
export function folderNodeText(head: string, subtree: string): string {
  return `${head},"subtree":"${subtree}"}`;
}

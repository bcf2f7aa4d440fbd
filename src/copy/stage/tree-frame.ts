import { close, openRoot, statFd } from '../../base/file-system.ts';
import type { FileStatus } from '../../base/file-system.ts';
import { goModeOf } from '../../repository/format/file-mode.ts';
import { formatTimestamp } from '../../repository/format/timestamp.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import { nodeAttributes, nodeOf } from '../source/source-node.ts';
import type { RootFolder } from '../source/source-roots.ts';
import type { PreviousNodes } from './parent.ts';

/** A directory between its first entry and its tree blob. */
export interface Frame {
  readonly parent: Frame | undefined;
  /** Undefined for a folder of the snapshot that no directory stands for. */
  readonly fd: number | undefined;
  /** Path in the snapshot. */
  readonly path: Buffer;
  /** The directory's own node without its subtree; undefined for the root of the snapshot. */
  readonly own: TreeNode | undefined;
  /** Place among the nodes of the parent. */
  readonly slot: number;
  readonly names: readonly Buffer[];
  /** What the command line says of names: folders on the way to a source, or a source itself. */
  readonly folders: ReadonlyMap<string, RootFolder> | undefined;
  readonly leavesOut: ((name: Uint8Array) => boolean) | undefined;
  readonly previous: PreviousNodes | undefined;
  readonly previousSubtree: string | undefined;
  readonly nodes: (TreeNode | undefined)[];
  readonly deviceId: bigint | undefined;
  next: number;
  /** Entries whose nodes are not known yet, and one for the walk itself. */
  pending: number;
}

/** Where a file belongs in the snapshot. */
export interface Place {
  readonly name: Buffer;
  readonly path: Buffer;
  readonly slot: number;
  readonly previous: TreeNode | undefined;
}

/** Anything but a directory, as the walk found it. */
export interface Entry extends Place {
  /** The folder that it stands in. */
  readonly fd: number;
  /** True when that folder was opened for this entry alone. */
  readonly ownsFd: boolean;
  /** Its name in the directory `fd`. */
  readonly base: Buffer;
  readonly status: FileStatus;
}

const slash = Buffer.from('/');

export function childPath(parent: Buffer, name: Uint8Array): Buffer {
  return parent.length === 1 ? Buffer.concat([slash, name]) : Buffer.concat([parent, slash, name]);
}

/** The folder of an absolute path and the name in it; no name for the root. */
export function splitPath(path: Buffer): { readonly directory: Buffer; readonly base: Buffer | undefined } {
  const end = path.lastIndexOf(0x2f);
  if (path.length <= 1) return { directory: slash, base: undefined };
  return { directory: end === 0 ? slash : path.subarray(0, end), base: path.subarray(end + 1) };
}

/** The node of a folder on the way to a source; one that exists in no file system is root's, of 1970. */
export function folderNode(name: Buffer, metadataPath: Buffer | undefined): TreeNode {
  if (metadataPath === undefined) {
    const time = formatTimestamp(0n);
    const mode = goModeOf('dir', 0o755);
    return { name, type: 'dir', mode, mtime: time, atime: time, ctime: time, uid: 0, gid: 0, content: null };
  }
  const fd = openRoot(metadataPath);
  try {
    return nodeOf(name, statFd(fd), nodeAttributes(fd));
  } finally {
    close(fd);
  }
}

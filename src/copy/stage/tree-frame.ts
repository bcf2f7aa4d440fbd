import { bytesOf, close, openRoot, statFd } from '../../base/file-system.ts';
import type { FileStatus, Latin1Name } from '../../base/file-system.ts';
import { goModeOf } from '../../repository/format/file-mode.ts';
import { timestampText } from '../../repository/format/timestamp.ts';
import { nodeHeadText } from '../../repository/format/tree-node-text.ts';
import { folderHead, nameText, nodeAttributes } from '../source/source-node.ts';
import type { RootFolder } from '../source/source-roots.ts';
import type { PreviousTree } from './previous-tree.ts';

/** A directory between its first entry and its tree blob. */
export interface Frame {
  readonly parent: Frame | undefined;
  /** Undefined for a folder of the snapshot that no directory stands for. */
  readonly fd: number | undefined;
  /** Path in the snapshot. */
  readonly path: Buffer;
  /** The text of the directory's own node up to its subtree; undefined for the root of the snapshot. */
  readonly head: string | undefined;
  /** Place among the nodes of the parent. */
  readonly slot: number;
  readonly names: readonly Latin1Name[];
  /** What the command line says of names: folders on the way to a source, or a source itself. */
  readonly folders: ReadonlyMap<string, RootFolder> | undefined;
  readonly leavesOut: ((name: Uint8Array) => boolean) | undefined;
  /** The folder in the parent snapshot, less what a worker found to be the same; undefined if none can be read. */
  previous: PreviousTree | undefined;
  readonly previousSubtree: string | undefined;
  /** True when the parent's tree has this node's text, but for the subtree. */
  readonly isHeadKept: boolean;
  /** By the places of the names: the size of a file that a worker found to be as the parent has it, else -1. */
  keptSizes: Float64Array | undefined;
  /** The text of each entry's node, or of several at the place of the first. */
  readonly nodes: (string | undefined)[];
  readonly deviceId: bigint | undefined;
  /** True when a folder in it whose head was kept turned out to have another subtree. */
  hasChangedFolder: boolean;
  next: number;
  /** Entries whose nodes are not known yet, and one for the walk itself. */
  pending: number;
  /** The walk while it is in the folder, and files that are still to be opened there. */
  users: number;
}

/** What of a frame is known before the walk is in it. */
export type NewFrame = Omit<Frame, 'nodes' | 'keptSizes' | 'next' | 'pending' | 'users' | 'hasChangedFolder'>;

/** Its parent waits for it from now on. */
export function newFrame(frame: NewFrame): Frame {
  const nodes = new Array<string | undefined>(frame.names.length);
  if (frame.parent !== undefined) frame.parent.pending++;
  // The pending one is the walk itself: the frame settles only when its last name has been seen.
  return { ...frame, nodes, keptSizes: undefined, next: 0, pending: 1, users: 1, hasChangedFolder: false };
}

/** Where an entry belongs in the snapshot. */
export interface Place {
  readonly name: Latin1Name;
  readonly slot: number;
}

/** Anything but a directory, as the walk found it. */
export interface Entry extends Place {
  /** The folder that it stands in. */
  readonly fd: number;
  /** True when that folder was opened for this entry alone. */
  readonly ownsFd: boolean;
  /** Its name in the directory `fd`. */
  readonly base: Latin1Name;
  readonly status: FileStatus;
}

const slash = Buffer.from('/');

export function childPath(parent: Buffer, name: Latin1Name): Buffer {
  return Buffer.concat(parent.length === 1 ? [slash, bytesOf(name)] : [parent, slash, bytesOf(name)]);
}

/** The folder of an absolute path and the name in it; no name for the root. */
export function splitPath(path: Buffer): {
  readonly directory: Buffer;
  readonly base: Latin1Name | undefined;
} {
  const end = path.lastIndexOf(0x2f);
  if (path.length <= 1) return { directory: slash, base: undefined };
  return {
    directory: end === 0 ? slash : path.subarray(0, end),
    base: path.toString('latin1', end + 1),
  };
}

/** The head of a folder on the way to a source; one that exists in no file system is root's, of 1970. */
export function wayHead(name: Latin1Name, metadataPath: Buffer | undefined): string {
  if (metadataPath === undefined) {
    const time = timestampText(0, 0);
    const mode = goModeOf('dir', 0o755);
    const times = { mtime: time, atime: time, ctime: time };
    const owner = { uid: 0, gid: 0, user: undefined, group: undefined };
    const numbers = { inode: '0', deviceId: '0', size: 0, links: 0 };
    const head = nodeHeadText({ name: nameText(name), type: 'dir', mode, ...times, ...owner, ...numbers });
    return `${head},"content":null`;
  }
  const fd = openRoot(metadataPath);
  try {
    return folderHead(name, statFd(fd), nodeAttributes(fd));
  } finally {
    close(fd);
  }
}

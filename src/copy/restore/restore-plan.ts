import type { TreeNode } from '../../repository/format/tree-node.ts';
import type { InodeMetadata } from './metadata.ts';

/** A directory of the target, by its place in the plan; 0 is the target itself. Parents stand before children. */
export interface PlannedDirectory {
  readonly parent: number;
  readonly name: Buffer;
  /** Undefined where only the contents were asked for: the target itself, when a whole snapshot is restored. */
  readonly node: TreeNode | undefined;
  /** What stands there now: nothing, a directory that is kept, or something else that gives way. */
  readonly present: 'nothing' | 'directory' | 'other';
  /** True when the directory, or something below it, was asked for. */
  isWanted: boolean;
}

/**
 * `create`: nothing is there, or what is there gives way. `compare`: a file is there and must be read to tell; it then
 * becomes one of the others. `update`: its differing chunks are rewritten in place. `keep`: its contents are as they
 * should be; only metadata may differ.
 */
export type FileAction = 'create' | 'compare' | 'update' | 'keep';

export interface PlannedFile {
  readonly directory: number;
  readonly name: Buffer;
  /** What is kept of its node: a plan may have millions of files. */
  readonly node: InodeMetadata;
  /** The snapshot has further names of it. */
  readonly hasMoreNames: boolean;
  readonly sizeBytes: number;
  action: FileAction;
  /** What stands there has further names: it is replaced when it differs, since writing to it would change those. */
  readonly isShared: boolean;
  /** The inode that stands there: only it may be written to, or given this file's metadata, later on. */
  readonly presentInode: bigint | undefined;
  /** How many names that inode has; 0 when there is none. */
  readonly presentLinks: number;
  /** A block device: it is written in place and keeps its own size and metadata. */
  readonly isDevice: boolean;
  /** Rows of the blob index, in order. */
  readonly chunks: Uint32Array;
}

/** A link, FIFO or device. */
export interface PlannedOther {
  readonly directory: number;
  readonly name: Buffer;
  readonly node: TreeNode;
  readonly present: 'nothing' | 'same' | 'other';
}

/** A further name of a file that the plan restores under its first one. */
export interface PlannedLink {
  readonly directory: number;
  readonly name: Buffer;
  readonly file: number;
}

export interface PlannedDeletion {
  readonly directory: number;
  readonly name: Buffer;
  readonly isDirectory: boolean;
}

/** Everything a restore will do, before it does any of it. */
export interface RestorePlan {
  readonly directories: PlannedDirectory[];
  readonly files: PlannedFile[];
  readonly others: PlannedOther[];
  readonly links: PlannedLink[];
  /** Executed only when every tree of the snapshot could be read. */
  readonly deletions: PlannedDeletion[];
  hasTreeErrors: boolean;
}

export function emptyPlan(): RestorePlan {
  return { directories: [], files: [], others: [], links: [], deletions: [], hasTreeErrors: false };
}

const slash = Buffer.from('/');

/** The path of an entry below the target. */
export function plannedPath(plan: RestorePlan, directory: number, name: Uint8Array): Buffer {
  const parts: Uint8Array[] = [name];
  for (let index = directory; index > 0;) {
    const entry = plan.directories[index];
    if (entry === undefined) break;
    parts.unshift(entry.name, slash);
    index = entry.parent;
  }
  return Buffer.concat(parts);
}

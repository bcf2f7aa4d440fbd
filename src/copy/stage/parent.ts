import { parseTimestamp } from '../../repository/format/timestamp.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import type { FileStatus } from '../../base/file-system.ts';
import { findSnapshot, listSnapshots } from '../../repository/snapshots.ts';
import type { StoredSnapshot } from '../../repository/snapshots.ts';
import type { Repository } from '../../repository/repository.ts';
import { formatTimestamp } from '../../repository/format/timestamp.ts';

export interface ParentOptions {
  /** A snapshot's id or `latest`; default: the newest of the same host, paths and volume tag. */
  readonly parent?: string | undefined;
  /** Take none: read every file. */
  readonly force: boolean;
  readonly hostname: string;
  readonly paths: readonly string[];
  readonly tags: readonly string[];
  readonly timeNs: bigint;
  readonly signal?: AbortSignal | undefined;
}

export interface ChangeDetection {
  readonly ignoreCtime: boolean;
  readonly ignoreInode: boolean;
}

/** The snapshot whose unchanged files need not be read again; undefined when there is none. */
export async function findParent(
  repository: Repository,
  options: ParentOptions,
): Promise<StoredSnapshot | undefined> {
  if (options.force) return undefined;
  const volumeTags = options.tags.filter((tag) => tag.startsWith('volume='));
  const filter = {
    hosts: [options.hostname],
    paths: options.paths,
    ...(volumeTags.length === 0 ? {} : { tags: [volumeTags] }),
  };
  if (options.parent !== undefined) return findSnapshot(repository, options.parent, filter, options.signal);
  const { snapshots } = await listSnapshots(repository, filter, options.signal);
  return snapshots.findLast((snapshot) => snapshot.timeNs <= options.timeNs);
}

/**
 * restic's rule: a file is unchanged when size, modification time, change time and inode are those of the parent.
 * Owner, mode and attributes are always taken afresh.
 */
export function isUnchanged(
  node: TreeNode,
  status: FileStatus,
  detection: ChangeDetection,
): node is TreeNode & { readonly content: readonly string[] } {
  if (node.type !== 'file' || node.content === null) return false;
  if ((node.size ?? 0) !== status.sizeBytes) return false;
  if (!isSameTime(node.mtime, status.mtimeNs)) return false;
  if (!detection.ignoreInode && (node.inode ?? 0n) !== status.inode) return false;
  return detection.ignoreCtime || detection.ignoreInode || isSameTime(node.ctime, status.ctimeNs);
}

/** Text first: our own snapshots are in UTC, as `formatTimestamp` writes it, and need no parsing. */
function isSameTime(text: string, ns: bigint): boolean {
  return text === formatTimestamp(ns) || parseTimestamp(text) === ns;
}

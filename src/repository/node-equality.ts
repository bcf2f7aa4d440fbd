import { isDeepStrictEqual } from 'node:util';
import { parseTimestamp } from './format/timestamp.ts';
import type { ExtendedAttribute, TreeNode } from './format/tree-node.ts';

/** Whether everything but contents is equal, as restic compares: times as instants, attributes in any order. */
export function hasSameMetadata(a: TreeNode, b: TreeNode): boolean {
  return (
    a.type === b.type &&
    a.mode === b.mode &&
    isSameTime(a.mtime, b.mtime) &&
    isSameTime(a.atime, b.atime) &&
    isSameTime(a.ctime, b.ctime) &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.user === b.user &&
    a.group === b.group &&
    (a.inode ?? 0n) === (b.inode ?? 0n) &&
    (a.deviceId ?? 0n) === (b.deviceId ?? 0n) &&
    (a.device ?? 0n) === (b.device ?? 0n) &&
    (a.size ?? 0) === (b.size ?? 0) &&
    (a.links ?? 0) === (b.links ?? 0) &&
    Buffer.compare(a.linkTarget ?? new Uint8Array(0), b.linkTarget ?? new Uint8Array(0)) === 0 &&
    hasSameAttributes(a.extendedAttributes ?? [], b.extendedAttributes ?? []) &&
    isDeepStrictEqual(a.genericAttributes ?? {}, b.genericAttributes ?? {}) &&
    a.error === b.error
  );
}

/** Of files: the same blobs in the same order. Of others, which have none: true. */
export function hasSameContent(a: TreeNode, b: TreeNode): boolean {
  if (a.content === null || b.content === null) return a.content === b.content;
  const other = b.content;
  return a.content.length === other.length && a.content.every((id, index) => id === other[index]);
}

function isSameTime(a: string, b: string): boolean {
  return a === b || parseTimestamp(a) === parseTimestamp(b);
}

function hasSameAttributes(a: readonly ExtendedAttribute[], b: readonly ExtendedAttribute[]): boolean {
  if (a.length !== b.length) return false;
  const values = new Map(a.map(({ name, value }) => [name, value]));
  return b.every(({ name, value }) => {
    const other = values.get(name);
    return other !== undefined && Buffer.compare(other, value) === 0;
  });
}

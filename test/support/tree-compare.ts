/** Says how two trees differ in anything that a move must keep. */
import { printableName } from '../../src/base/file-system.ts';
import type { FileStatus } from '../../src/base/file-system.ts';
import { readContents, readTree } from './tree-entry.ts';
import type { TreeEntry } from './tree-entry.ts';

export type TreeAspect =
  | 'contents'
  | 'links'
  | 'mode'
  | 'owner'
  | 'attributes'
  | 'mtime'
  | 'target'
  | 'device'
  | 'allocation'
  /** Metadata of the two roots themselves. */
  | 'root';

export interface CompareOptions {
  readonly ignore?: readonly TreeAspect[] | undefined;
  /** Only names that this accepts are compared; `path` is below the root, joined with '/'. */
  readonly only?: ((path: Buffer) => boolean) | undefined;
}

const MAX_ALLOCATION_RATIO = 1.05;
const BLOCK_BYTES = 4096;

/**
 * Every difference as a line `PATH: what`; none when `restored` is what `original` is. Sockets are left out, links
 * never followed, atime and ctime not looked at. The files of `restored` may occupy what those of `original` do, 5 %
 * more and one block a file.
 */
export function compareTrees(original: string, restored: string, options: CompareOptions = {}): string[] {
  const ignored = new Set<TreeAspect>(options.ignore);
  const left = collect(original, options);
  const right = collect(restored, options);
  const differences: string[] = [];
  for (const [key, a] of left) {
    const b = right.get(key);
    if (b === undefined) differences.push(`${pathOf(a)}: missing`);
    else if (a.path.length > 0 || !ignored.has('root')) {
      for (const what of differencesOf(original, restored, a, b, ignored))
        differences.push(`${pathOf(a)}: ${what}`);
    }
  }
  for (const [key, b] of right)
    if (!left.has(key)) differences.push(`${pathOf(b)}: unexpected ${b.status.type}`);
  if (!ignored.has('links')) differences.push(...linkDifferences(left, right));
  if (!ignored.has('allocation')) differences.push(...allocationDifferences(left, right));
  return differences;
}

type Entries = ReadonlyMap<string, TreeEntry>;

function collect(root: string, options: CompareOptions): Entries {
  const { only } = options;
  const entries = new Map<string, TreeEntry>();
  for (const entry of readTree(root)) {
    if (entry.status.type === 'socket') continue;
    const key = keyOf(entry);
    if (only === undefined || entry.path.length === 0 || only(Buffer.from(key, 'latin1')))
      entries.set(key, entry);
  }
  return entries;
}

function keyOf(entry: TreeEntry): string {
  return entry.path.map((name) => name.toString('latin1')).join('/');
}

function pathOf(entry: TreeEntry): string {
  return entry.path.length === 0 ? '.' : entry.path.map((name) => printableName(name)).join('/');
}

function differencesOf(
  original: string,
  restored: string,
  a: TreeEntry,
  b: TreeEntry,
  ignored: ReadonlySet<TreeAspect>,
): string[] {
  if (a.status.type !== b.status.type) return [`type ${a.status.type}, now ${b.status.type}`];
  const found = metadataDifferences(a, b, ignored);
  if (a.status.type === 'file' && !ignored.has('contents')) {
    const what = contentDifference(readContents(original, a.path), readContents(restored, b.path));
    if (what !== undefined) found.push(what);
  }
  return found;
}

function metadataDifferences(a: TreeEntry, b: TreeEntry, ignored: ReadonlySet<TreeAspect>): string[] {
  const aspects: readonly (readonly [TreeAspect, (entry: TreeEntry) => string])[] = [
    ['mode', ({ status }) => `0${status.mode.toString(8)}`],
    ['owner', ({ status }) => `${status.uid}:${status.gid}`],
    ['mtime', ({ status }) => `${status.mtimeNs} ns`],
    ['target', ({ target }) => (target === undefined ? '' : target.toString('hex'))],
    ['device', ({ status }) => deviceText(status)],
    ['attributes', attributesText],
  ];
  return aspects.flatMap(([aspect, show]) => {
    if (ignored.has(aspect) || show(a) === show(b)) return [];
    return [`${aspect} ${show(a)}, now ${show(b)}`];
  });
}

function deviceText(status: FileStatus): string {
  return status.type === 'block-device' || status.type === 'character-device' ? String(status.rdev) : '';
}

function attributesText(entry: TreeEntry): string {
  const shown = entry.attributes.map(({ name, value }) => `${printableName(name)}=${value.toString('hex')}`);
  return `{${shown.toSorted().join(' ')}}`;
}

function contentDifference(a: Buffer, b: Buffer): string | undefined {
  if (a.equals(b)) return undefined;
  if (a.length !== b.length) return `size ${a.length}, now ${b.length}`;
  return `contents differ from byte ${a.findIndex((byte, i) => byte !== b[i])}`;
}

/** Names that share an inode on one side must share one on the other. */
function linkDifferences(left: Entries, right: Entries): string[] {
  const differences: string[] = [];
  const rightGroups = linkGroups(right);
  for (const [key, group] of linkGroups(left)) {
    const entry = left.get(key);
    const other = rightGroups.get(key);
    if (entry !== undefined && other !== undefined && other !== group) {
      differences.push(`${pathOf(entry)}: linked with ${group}, now with ${other}`);
    }
  }
  return differences;
}

/** For every name that is no directory, the names that share its inode. */
function linkGroups(entries: Entries): Map<string, string> {
  const members = new Map<string, string[]>();
  for (const [key, { status }] of entries) {
    if (status.type === 'directory') continue;
    const inode = `${status.deviceId}:${status.inode}`;
    const group = members.get(inode);
    if (group === undefined) members.set(inode, [key]);
    else group.push(key);
  }
  const groups = new Map<string, string>();
  for (const group of members.values()) {
    const text = `[${group.map((key) => printableName(Buffer.from(key, 'latin1'))).join(', ')}]`;
    for (const key of group) groups.set(key, text);
  }
  return groups;
}

function allocationDifferences(left: Entries, right: Entries): string[] {
  const before = allocationOf(left);
  const after = allocationOf(right);
  const allowed = before.bytes * MAX_ALLOCATION_RATIO + after.files * BLOCK_BYTES;
  if (after.bytes <= allowed) return [];
  return [`allocation ${before.bytes} bytes, now ${after.bytes} in ${after.files} files`];
}

/** Each inode counted once. */
function allocationOf(entries: Entries): { bytes: number; files: number } {
  const bytesOfInode = new Map<string, number>();
  for (const { status } of entries.values()) {
    if (status.type === 'file') bytesOfInode.set(`${status.deviceId}:${status.inode}`, status.allocatedBytes);
  }
  const bytes = [...bytesOfInode.values()].reduce((sum, size) => sum + size, 0);
  return { bytes, files: bytesOfInode.size };
}

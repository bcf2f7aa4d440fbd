/** Says what a tree holds and what changed in it, in the words of `restic ls` and `restic diff`. */
import { createHash } from 'node:crypto';
import type { FileType } from '../../src/base/file-system.ts';
import { jsonLines } from '../support/restic.ts';
import type { PeerListing } from '../support/restic.ts';
import { readContents, readTree } from '../support/tree-entry.ts';

interface State {
  readonly type: string;
  /** SHA-256 of a file's bytes. */
  readonly contents: string;
  /** Differs when any metadata does: every change of an inode moves its ctime. */
  readonly metadata: string;
}

/** By path, `/` for the root, as Latin-1 text of the bytes. */
export type TreeStates = ReadonlyMap<string, State>;

const typeNames: Readonly<Record<FileType, string | undefined>> = {
  file: 'file',
  directory: 'dir',
  symlink: 'symlink',
  fifo: 'fifo',
  'block-device': 'dev',
  'character-device': 'chardev',
  socket: undefined,
};

/** What a snapshot of the tree holds. */
export function statesOf(root: string): TreeStates {
  const states = new Map<string, State>();
  for (const { path, status } of readTree(root)) {
    const type = typeNames[status.type];
    if (type === undefined) continue;
    states.set(`/${path.map((name) => name.toString('latin1')).join('/')}`, {
      type,
      contents: type === 'file' ? hashOf(readContents(root, path)) : '',
      metadata: `${status.ctimeNs} ${status.inode} ${status.deviceId}`,
    });
  }
  return states;
}

/** Lines `TYPE PATH`, sorted; the tree's root stands at `prefix`. */
export function expectedListing(states: TreeStates, prefix: string): string[] {
  return [...states].map(([path, { type }]) => `${type} ${shown(joined(prefix, path))}`).sort();
}

/** The same lines of what a peer lists at and below `prefix`. */
export function listingBelow(prefix: string, listing: readonly PeerListing[]): string[] {
  const below = listing.filter(({ path }) => path === prefix || path.startsWith(`${prefix}/`));
  return below.map(({ path, type }) => `${type} ${oneMark(path)}`).sort();
}

/**
 * Lines `MODIFIER PATH`, sorted: `+` and `-`, `T` for another type, `M` for other contents, `U` for other metadata. A
 * folder has other metadata also when something below it changed, since its node names its subtree.
 */
export function expectedChanges(before: TreeStates, after: TreeStates, prefix: string): string[] {
  const changes = new Map<string, string>();
  for (const [path, state] of after) {
    const previous = before.get(path);
    const modifier = previous === undefined ? '+' : modifierOf(previous, state);
    if (modifier !== undefined && !isBelowOther(path, before)) changes.set(path, modifier);
  }
  for (const path of before.keys()) {
    if (!after.has(path) && !isBelowOther(path, after)) changes.set(path, '-');
  }
  for (const path of [...changes.keys()].flatMap(foldersAbove))
    if (!changes.has(path)) changes.set(path, 'U');
  return [...changes]
    .map(([path, modifier]) => {
      const slash = (after.get(path) ?? before.get(path))?.type === 'dir' ? '/' : '';
      return `${modifier} ${shown(joined(prefix, path))}${slash}`;
    })
    .sort();
}

/** The lines of `diff --json --metadata` at and below `prefix`. */
export function reportedChanges(prefix: string, output: Uint8Array): string[] {
  const lines: string[] = [];
  for (const { message_type: type, path, modifier } of jsonLines(output)) {
    if (type !== 'change' || typeof path !== 'string' || typeof modifier !== 'string') continue;
    if (!path.startsWith(`${prefix}/`)) continue;
    // `U` may follow on `T`; `?` marks what looks like bit rot, and must not be there.
    lines.push(`${modifier.replace(/^TU$/, 'T')} ${oneMark(path)}`);
  }
  return lines.sort();
}

function modifierOf(before: State, after: State): string | undefined {
  if (before.type !== after.type) return 'T';
  if (before.contents !== after.contents) return 'M';
  return before.metadata === after.metadata ? undefined : 'U';
}

/** Whether a folder above is something else in the other tree: restic then names only that one. */
function isBelowOther(path: string, other: TreeStates): boolean {
  return foldersAbove(path).some((folder) => {
    const state = other.get(folder);
    return state !== undefined && state.type !== 'dir';
  });
}

function foldersAbove(path: string): string[] {
  const names = path.split('/').slice(1, -1);
  return ['/', ...names.map((_, i) => `/${names.slice(0, i + 1).join('/')}`)];
}

function joined(prefix: string, path: string): string {
  return path === '/' ? prefix : `${prefix}${path}`;
}

/** The path as JSON of a peer has it; see {@link oneMark}. */
function shown(path: string): string {
  return oneMark(Buffer.from(path, 'latin1').toString('utf8'));
}

/** Go puts U+FFFD for every invalid byte, JavaScript one for several. */
function oneMark(text: string): string {
  return text.replace(/\ufffd+/g, '\ufffd');
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

import type { Latin1Name } from '../../base/file-system.ts';
import type { BlobRoom } from '../../repository/blob-reader.ts';
import { treeClosing, treeOpening } from '../../repository/format/tree.ts';
import type { TreeSlice } from '../pipeline/folder-comparison.ts';
import { afterName, nodeStart, PreviousTree } from './previous-tree.ts';

/** For a tree that is to be sliced: it is opened where all threads can read it. */
export const sharedRoom: BlobRoom = {
  decrypted: (lengthBytes) => Buffer.allocUnsafeSlow(lengthBytes),
  decompressed: (lengthBytes) => Buffer.from(new SharedArrayBuffer(lengthBytes)),
};

/** Some names of a folder, and the nodes of the parent's tree that may be theirs. */
export interface FolderSlice {
  readonly firstPlace: number;
  /** With a slash between; empty where the source has none. */
  readonly names: string;
  readonly tree: TreeSlice;
}

const boundary = `},${nodeStart}`;
/** Enough of a node to hold any name: each byte of at most 255 takes up to 6 characters. */
const longestNameText = nodeStart.length + 255 * 6 + afterName.length;

/**
 * Cuts a tree and the folder that is to be compared with it into `count` slices of about the same length. None where
 * the tree has another form than ours, or its names are seen to be out of order: then it cannot be compared in parts.
 * Throws RepositoryError `corrupt`.
 */
export function sliceTree(
  id: string,
  plaintext: Buffer,
  names: readonly Latin1Name[],
  count: number,
): FolderSlice[] {
  const end = plaintext.length - treeClosing.length;
  const isOurs =
    plaintext.subarray(0, treeOpening.length).toString() === treeOpening &&
    plaintext.subarray(Math.max(0, end)).toString() === treeClosing;
  if (!isOurs) return [];
  const { memory, offset } = shared(plaintext);
  const slices: FolderSlice[] = [];
  let start = treeOpening.length;
  let firstPlace = 0;
  for (let number = 1; number <= count && start <= end; number++) {
    const cut = number === count ? undefined : nextNode(id, plaintext, start, (end / count) * number, end);
    const place = cut === undefined ? names.length : placeOf(names, cut.name);
    const last = cut === undefined ? end : cut.start - 1;
    // Out of order: slices would have names in common, and the new tree those names twice.
    if (place < firstPlace) return [];
    const tree = { id, text: memory, start: offset + start, end: offset + last };
    slices.push({ firstPlace, names: names.slice(firstPlace, place).join('/'), tree });
    if (cut === undefined) break;
    start = cut.start;
    firstPlace = place;
  }
  return slices;
}

/** Where the tree stands in shared memory: where it was opened, or, stored raw, a copy. */
function shared(plaintext: Buffer): { readonly memory: SharedArrayBuffer; readonly offset: number } {
  const { buffer, byteOffset, length } = plaintext;
  if (buffer instanceof SharedArrayBuffer) return { memory: buffer, offset: byteOffset };
  const memory = new SharedArrayBuffer(length);
  plaintext.copy(new Uint8Array(memory));
  return { memory, offset: 0 };
}

/** The first node that begins behind a position; undefined when there is none. */
function nextNode(
  id: string,
  plaintext: Buffer,
  start: number,
  from: number,
  end: number,
): { readonly start: number; readonly name: Latin1Name } | undefined {
  for (let search = Math.max(start, Math.floor(from)); ;) {
    const found = plaintext.indexOf(boundary, search);
    if (found < 0 || found >= end) return undefined;
    const node = found + 2;
    const head = plaintext.toString('utf8', node, Math.min(end, node + longestNameText));
    const name = PreviousTree.ofNodes(id, head)?.firstName();
    if (name !== undefined) return { start: node, name };
    search = found + 1;
  }
}

/** How many names are less. */
function placeOf(names: readonly Latin1Name[], name: Latin1Name): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

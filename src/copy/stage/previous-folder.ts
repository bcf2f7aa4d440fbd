import { TranshipError } from '../../base/errors.ts';
import type { TreeLoader } from '../../repository/tree-loader.ts';
import { parsePrevious, previousOf } from './leaf-stager.ts';
import { PreviousTree } from './previous-tree.ts';
import type { Frame, Place } from './tree-frame.ts';

/** A folder of the parent snapshot: its id, and its text where it can be read. */
export interface PreviousFolder {
  readonly subtree: string | undefined;
  readonly tree: PreviousTree | undefined;
}

/** A parent's folder that cannot be read is no reason to fail: its files are read afresh. */
export async function loadPrevious(trees: TreeLoader, subtree: string | undefined): Promise<PreviousFolder> {
  if (subtree === undefined) return { subtree, tree: undefined };
  try {
    return { subtree, tree: PreviousTree.read(subtree, await trees.loadText(subtree)) };
  } catch (error) {
    if (!(error instanceof TranshipError) || error.code === 'cancelled') throw error;
    return { subtree, tree: undefined };
  }
}

/** Passes the folder's node in the parent's tree: its subtree, and whether its head is the same. */
export function takePrevious(
  frame: Frame,
  place: Place,
  head: string,
): { readonly subtree: string | undefined; readonly isHeadKept: boolean } {
  const previous = previousOf(frame, place);
  if (previous === undefined) return { subtree: undefined, isHeadKept: false };
  const subtree = previous.subtreeBehind(head);
  if (subtree !== undefined) {
    previous.keep();
    return { subtree, isHeadKept: true };
  }
  const node = parsePrevious(frame, previous, place);
  return { subtree: node?.type === 'dir' ? node.subtree : undefined, isHeadKept: false };
}

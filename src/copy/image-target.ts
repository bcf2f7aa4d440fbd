import { realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { UsageError } from '../base/errors.ts';
import type { TreeNode } from '../repository/format/tree-node.ts';

export interface ImageTarget {
  readonly folder: string;
  /** The name in that folder. */
  readonly name: string;
}

/** The file or device at a path, which need not be there yet. Links are followed: devices are mostly named by links. */
export function imageTarget(path: string): ImageTarget {
  const real = realPath(path);
  const name = basename(real);
  if (name === '') throw new UsageError('not a place for an image', { where: path });
  return { folder: dirname(real), name };
}

/** The node of an image as it is to stand in its target. Throws UsageError for anything but a file. */
export function imageNode(node: TreeNode | undefined, snapshot: string, { name }: ImageTarget): TreeNode {
  if (node?.type === 'file') return { ...node, name: Buffer.from(name) };
  throw new UsageError('an image is one file of a snapshot', {
    where: snapshot,
    advice: 'name it: SNAPSHOT:/PATH',
  });
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // What is not there, or cannot be looked at, is told by whoever opens it.
    return resolve(path);
  }
}

import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { FileSystemError, UsageError } from '../base/errors.ts';
import type { TreeNode } from '../repository/format/tree-node.ts';

/** What a pass restores into or compares with. */
export interface Target {
  readonly folder: string;
  /** The file or device in that folder that an image belongs to; undefined where the folder itself is meant. */
  readonly imageName: string | undefined;
}

/**
 * Of an image, the links in its path are followed: devices are mostly named by links. What is named need not be there
 * yet. Throws UsageError for a path that names nothing, FileSystemError `not-found` for a name among the devices that
 * none of them has.
 */
export function targetOf({ target, image }: { target: string; image?: boolean | undefined }): Target {
  if (target === '')
    throw new UsageError('the name of the target is empty', { advice: 'use . for this folder' });
  if (image !== true) return { folder: target, imageName: undefined };
  const path = resolve(target);
  const present = realPath(path);
  if (present === undefined && isAmongDevices(dirname(path))) {
    const advice = 'look for its right name: a file that is made here stands in memory';
    throw new FileSystemError('not-found', 'no device has this name', { where: target, advice });
  }
  const real = present ?? path;
  const imageName = basename(real);
  if (imageName === '') throw new UsageError('not a place for an image', { where: target });
  return { folder: dirname(real), imageName };
}

/** The node as it stands in the target: an image has its name there. Throws UsageError for an image that is no file. */
export function nodeInTarget(
  node: TreeNode | undefined,
  snapshot: string,
  { imageName }: Target,
): TreeNode | undefined {
  if (imageName === undefined) return node;
  if (node?.type === 'file') return { ...node, name: Buffer.from(imageName) };
  throw new UsageError('an image is one file of a snapshot', {
    where: snapshot,
    advice: 'name it: SNAPSHOT:/PATH',
  });
}

/** Undefined for what is not there, leads nowhere or cannot be looked at: whoever opens it tells which. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** True for a folder, which need not be there yet, on the file system of /dev. */
function isAmongDevices(folder: string): boolean {
  let present = folder;
  while (!existsSync(present) && dirname(present) !== present) present = dirname(present);
  const real = realPath(present);
  if (real === undefined || !`${real}/`.startsWith('/dev/')) return false;
  // What is mounted below it, such as /dev/shm, is meant for files.
  return statSync(real).dev === statSync('/dev').dev;
}

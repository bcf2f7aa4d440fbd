import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** How much is in a tree. Links count as files of no bytes. */
export interface TreeCount {
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
}

export async function countTree(folder: string): Promise<TreeCount> {
  let [files, folders, bytes] = [0, 0, 0];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) {
      folders += 1;
      continue;
    }
    files += 1;
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size;
  }
  return { files, folders, bytes };
}

const sampledFiles = 100;
const sampledBytes = 64 * 2 ** 20;

/**
 * Throws where a copy has another number of files, folders or bytes than the original, or where one of a hundred
 * files, as far as they are not huge, has other contents: a program that did nothing must not be called fast.
 */
export async function assertSameTree(original: string, copy: string): Promise<void> {
  const [expected, found] = [await countTree(original), await countTree(copy)];
  if (JSON.stringify(expected) !== JSON.stringify(found)) {
    throw new Error(`restored ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
  }
  const entries = await readdir(original, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const every = Math.max(1, Math.floor(paths.length / sampledFiles));
  for (const path of paths.sort().filter((_, index) => index % every === 0)) {
    if ((await lstat(path)).size > sampledBytes) continue;
    const name = relative(original, path);
    const [before, after] = [await readFile(path), await readFile(join(copy, name))];
    if (!before.equals(after)) throw new Error(`restored other contents of ${name}`);
  }
}

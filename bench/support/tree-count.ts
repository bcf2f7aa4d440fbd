import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** How much is in a tree. Links count as files of no bytes. */
export interface TreeCount {
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
}

export function countTree(folder: string): TreeCount {
  let [files, folders, bytes] = [0, 0, 0];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) {
      folders += 1;
      continue;
    }
    files += 1;
    if (entry.isFile()) bytes += lstatSync(join(entry.parentPath, entry.name)).size;
  }
  return { files, folders, bytes };
}

const sampledFiles = 100;
const sampledBytes = 64 * 2 ** 20;

/**
 * Throws where a copy has another number of files, folders or bytes than the original, or where one of a hundred
 * files, as far as they are not huge, has other contents: a program that did nothing must not be called fast.
 */
export function assertSameTree(original: string, copy: string): void {
  const [expected, found] = [countTree(original), countTree(copy)];
  if (JSON.stringify(expected) !== JSON.stringify(found)) {
    throw new Error(`restored ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
  }
  const entries = readdirSync(original, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const every = Math.max(1, Math.floor(paths.length / sampledFiles));
  for (const path of paths.sort().filter((_, index) => index % every === 0)) {
    if (lstatSync(path).size > sampledBytes) continue;
    const name = relative(original, path);
    const [before, after] = [readFileSync(path), readFileSync(join(copy, name))];
    if (!before.equals(after)) throw new Error(`restored other contents of ${name}`);
  }
}

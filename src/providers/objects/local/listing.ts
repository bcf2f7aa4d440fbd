import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../../../base/errors.ts';
import type { ObjectInfo } from '../driver.ts';
import { compareKeys, isValidKey } from '../object-key.ts';
import { localError, systemCodeOf } from './local-error.ts';

/** Files whose facts are asked for at once. */
const FACTS_AT_ONCE = 64;

/** A name in a folder, as a key or, with a final slash, as the beginning of keys. */
type Entry = string;

/**
 * The regular files below the root as objects, in ascending byte order of keys. Temporary files, files whose names
 * are no keys and links are no objects; a link is followed only where it is a folder that the prefix names in full.
 * Memory is proportional to the largest folder.
 */
export async function* listObjects(
  root: string,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectInfo, void, undefined> {
  throwIfAborted(signal);
  const folderKey = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const entries = await readEntries(root, folderKey, prefix);
  for (let index = 0; index < entries.length;) {
    throwIfAborted(signal);
    const entry = entries[index] ?? '';
    if (entry.endsWith('/')) {
      yield* listObjects(root, entry, signal);
      index += 1;
      continue;
    }
    const files = leadingFiles(entries, index);
    for (const info of await Promise.all(files.map((key) => factsOf(root, key)))) {
      if (info !== undefined) yield info;
    }
    index += files.length;
  }
}

/** The folder's entries that start with the prefix, in the order of the keys that they stand for. */
async function readEntries(root: string, folderKey: string, prefix: string): Promise<Entry[]> {
  let found: Dirent[];
  try {
    found = await readdir(join(root, folderKey), { withFileTypes: true });
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw localError(error, 'list', prefix);
  }
  const entries: Entry[] = [];
  for (const entry of found) {
    const key = folderKey + entry.name;
    if (!(entry.isFile() || entry.isDirectory()) || !key.startsWith(prefix) || !isValidKey(key)) continue;
    // With its slash a folder sorts where its keys do: `a-b` before `a/b` before `a0`.
    entries.push(entry.isDirectory() ? `${key}/` : key);
  }
  return entries.sort(compareKeys);
}

function leadingFiles(entries: readonly Entry[], start: number): string[] {
  const files: string[] = [];
  for (let index = start; index < entries.length && files.length < FACTS_AT_ONCE; index += 1) {
    const entry = entries[index] ?? '';
    if (entry.endsWith('/')) break;
    files.push(entry);
  }
  return files;
}

/** Undefined when the file was deleted or replaced by no file since the folder was read. */
async function factsOf(root: string, key: string): Promise<ObjectInfo | undefined> {
  try {
    const status = await lstat(join(root, key));
    return status.isFile()
      ? { key, sizeBytes: status.size, modifiedMs: Math.trunc(status.mtimeMs) }
      : undefined;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw localError(error, 'list', key);
  }
}

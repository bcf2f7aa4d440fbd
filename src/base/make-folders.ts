import { mkdir, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it that are missing; returns the topmost one made, or undefined when all were there.
 * Node's own recursive mkdir never ends where a file system answers ENOENT below a folder that exists, as /proc does.
 * Rejects with the system's error.
 */
export async function makeFolders(path: string, mode: number): Promise<string | undefined> {
  const missing: string[] = [];
  let folder = resolve(path);
  let outcome = await makeOne(folder, mode);
  while (outcome === 'no parent' && dirname(folder) !== folder) {
    missing.push(folder);
    folder = dirname(folder);
    outcome = await makeOne(folder, mode);
  }
  let topmost = outcome === 'made' ? folder : undefined;
  for (const below of missing.toReversed()) {
    outcome = await makeOne(below, mode);
    if (outcome === 'no parent') throw noFolder(below);
    if (outcome === 'made') topmost ??= below;
  }
  return topmost;
}

async function makeOne(folder: string, mode: number): Promise<'made' | 'present' | 'no parent'> {
  try {
    await mkdir(folder, { mode });
    return 'made';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return 'no parent';
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return 'present';
    throw error;
  }
}

function noFolder(folder: string): Error {
  const message = `ENOENT: the file system takes no folder here, mkdir '${folder}'`;
  return Object.assign(new Error(message), {
    code: 'ENOENT',
    errno: -constants.errno.ENOENT,
    syscall: 'mkdir',
  });
}

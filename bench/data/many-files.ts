/** Data sets of many small files: filled by a plan, changed file by file. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { byteStream } from './byte-stream.ts';
import type { TreeChanges } from './tree-changes.ts';

export interface FilePlan {
  readonly seed: string;
  readonly files: number;
  readonly filesPerFolder: number;
  readonly minimumBytes: number;
  readonly maximumBytes: number;
}

/** A count at a scale, at least 1. */
export function scaledCount(count: number, scale: number): number {
  return Math.max(1, Math.round(count * scale));
}

export async function writeManyFiles(folder: string, plan: FilePlan): Promise<void> {
  const stream = byteStream(plan.seed);
  for (let index = 0; index < plan.files; index++) {
    const parent =
      plan.filesPerFolder >= plan.files
        ? folder
        : join(folder, `folder-${Math.floor(index / plan.filesPerFolder)}`);
    if (index % plan.filesPerFolder === 0) await mkdir(parent, { recursive: true });
    const size = plan.minimumBytes + stream.below(plan.maximumBytes - plan.minimumBytes + 1);
    await writeFile(join(parent, `file-${index}`), stream.noise(size));
  }
}

/** Regular files below a folder, relative to it, sorted. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/**
 * Every hundredth file, at least one: of ten of them eight get other contents of the same size, one goes, and beside
 * one comes a new one.
 */
export async function changeFiles(folder: string, changes: TreeChanges): Promise<void> {
  const stream = byteStream('change files');
  const files = await filesBelow(folder);
  const first = Math.min(50, files.length - 1);
  const chosen = files.filter((_, index) => index % 100 === first);
  for (const [index, path] of chosen.entries()) {
    const { byteLength } = await readFile(join(folder, path));
    if (index % 10 === 8) changes.remove(path);
    else if (index % 10 === 9) changes.add(join(dirname(path), `new-${index}`), stream.noise(byteLength));
    else changes.overwrite(path, 0, stream.noise(byteLength));
  }
}

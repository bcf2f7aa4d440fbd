import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** Root of the checkout. */
export const projectRoot = dirname(dirname(import.meta.dirname));

const notOurs = new Set(['node_modules', 'dist', 'coverage', '.git', 'results']);

/** Paths of the project's own files that match, relative to its root, sorted. */
export function projectFiles(...patterns: readonly string[]): string[] {
  const options = {
    cwd: projectRoot,
    withFileTypes: true,
    exclude: (entry: { readonly name: string }) => notOurs.has(entry.name),
  } as const;
  return globSync([...patterns], options)
    .filter((entry) => entry.isFile())
    .map((entry) => posix.relative(projectRoot, posix.join(entry.parentPath, entry.name)))
    .sort();
}

export function projectText(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8');
}

/** The source without its comments; lines keep their numbers. Good enough for rules, no parser. */
export function withoutComments(source: string): string {
  const lines = source.replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, '')).split('\n');
  return lines.map((line) => line.replace(/(^|\s)\/\/.*$/, '')).join('\n');
}

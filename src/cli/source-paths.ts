import { isUtf8 } from 'node:buffer';
import { lstatSync } from 'node:fs';
import { FileSystemError, UsageError } from '../base/errors.ts';
import type { Arguments } from './arguments.ts';
import type { OptionTable } from './option-table.ts';
import { readListFile } from './pattern-options.ts';

export const sourcePathOptions = {
  'files-from': {
    kind: 'list',
    placeholder: 'FILE',
    help: 'stage what the patterns in a file match, one a line, # begins a comment; - is standard input',
  },
  'files-from-verbatim': { kind: 'list', placeholder: 'FILE', help: 'stage the paths in a file, one a line' },
  'files-from-raw': {
    kind: 'list',
    placeholder: 'FILE',
    help: 'stage the paths in a file, each ended by a zero byte',
  },
} as const satisfies OptionTable;

const globCharacters = /[*?[\]{}]/;

/**
 * The paths that the command line names. An argument that holds glob characters and names nothing literally is
 * expanded; one that matches nothing stays as it is, so that the pass reports it.
 */
export async function sourcePaths(
  args: Arguments<typeof sourcePathOptions>,
  warn: (message: string) => void,
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const operand of args.operands) {
    const isPattern = globCharacters.test(operand) && !exists(operand);
    const found = isPattern ? await expand(operand) : [];
    paths.push(...(found.length === 0 ? [operand] : found));
  }
  for (const file of args.list('files-from')) paths.push(...(await pathsFromPatterns(file, warn)));
  for (const file of args.list('files-from-verbatim')) {
    paths.push(...textLines(await readListFile(sourceOf(file)), '\n', file));
  }
  for (const file of args.list('files-from-raw')) {
    paths.push(...textLines(await readListFile(sourceOf(file)), '\0', file));
  }
  if (paths.length === 0) throw new UsageError('nothing to stage was named');
  return [...new Set(paths)];
}

async function pathsFromPatterns(file: string, warn: (message: string) => void): Promise<string[]> {
  const paths: string[] = [];
  for (const line of textLines(await readListFile(sourceOf(file)), '\n', file)) {
    const pattern = line.trim();
    if (pattern === '' || pattern.startsWith('#')) continue;
    const found = exists(pattern) ? [pattern] : await expand(literalBraces(pattern));
    if (found.length === 0) warn(`nothing matches ${JSON.stringify(pattern)} of ${file}`);
    paths.push(...found);
  }
  return paths;
}

/** What a pattern matches, hidden files included, folders without what is in them, links not followed. */
async function expand(pattern: string): Promise<string[]> {
  const { default: glob } = await import('fast-glob');
  const found = await glob(pattern, {
    dot: true,
    onlyFiles: false,
    followSymbolicLinks: false,
    suppressErrors: true,
    extglob: false,
  });
  return found.sort();
}

/** restic's patterns know `*`, `?`, `[` and a backslash; what more a glob library knows is meant literally. */
function literalBraces(pattern: string): string {
  return pattern.replace(/(?<!\\)[{}()!@+|]/g, String.raw`\$&`);
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function sourceOf(file: string): string {
  return file === '-' ? '/dev/stdin' : file;
}

function textLines(bytes: Buffer, separator: string, file: string): string[] {
  if (!isUtf8(bytes)) {
    throw new FileSystemError('unsupported', 'a list of paths must be UTF-8', {
      where: file,
      advice: 'stage the folder above names in other encodings: what is below a path may have any name',
    });
  }
  return bytes
    .toString('utf8')
    .split(separator)
    .map((line) => (separator === '\n' ? line.replace(/\r$/, '') : line))
    .filter((line) => line !== '');
}

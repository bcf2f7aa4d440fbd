/**
 * Lists of exclude and include patterns that mean what restic's mean, over paths of any bytes. Time to match is bounded
 * by pattern length x path length, whatever the pattern: nothing here becomes a regular expression.
 */
import { UsageError } from '../../base/errors.ts';
import { compilePattern } from './pattern.ts';
import type { Pattern } from './pattern.ts';
import { toLowerCase } from './pattern-rune.ts';

/** Compiled patterns. */
export interface PatternList {
  readonly isEmpty: boolean;
  /** True when a path is selected exactly when one of its components, taken alone, is. */
  readonly isByName: boolean;
  /**
   * Whether the list selects the path. A later pattern with `!` takes back what earlier ones selected.
   * `path` must be absolute, `/`-separated and clean. A walker must not look below a directory that it left out.
   */
  matches(path: Uint8Array): boolean;
  /** Whether something below the directory may be selected: for includes, where a parent itself need not match. */
  mayMatchBelow(path: Uint8Array): boolean;
}

/** How patterns are read. */
export interface PatternOptions {
  /** As restic's `--iexclude` and `--iinclude`. Default false. */
  readonly caseInsensitive?: boolean | undefined;
}

/**
 * Patterns in restic's syntax: `*`, `?`, `[a-z]` within a name, `**` for any folders, a leading slash for the root, a
 * leading `!` to take back. Strings are taken as UTF-8; empty patterns are ignored, as restic ignores them.
 *
 * Throws UsageError that names every malformed pattern; restic reports some of them only when a path meets them.
 *
 * @example
 * const include = compilePatterns(['*.conf', '!/etc/**']);
 * await restore(repository, { snapshot: 'latest:/data', target: 'restored', include });
 */
export function compilePatterns(
  patterns: readonly (string | Uint8Array)[],
  options: PatternOptions = {},
): PatternList {
  const fold = options.caseInsensitive === true ? toLowerCase : (bytes: string): string => bytes;
  const compiled: Pattern[] = [];
  const malformed: string[] = [];
  for (const given of patterns) {
    if (given.length === 0) continue;
    const pattern = compilePattern(fold(Buffer.from(given).toString('latin1')));
    if (pattern === undefined) malformed.push(printable(given));
    else compiled.push(pattern);
  }
  if (malformed.length > 0) {
    throw new UsageError('malformed pattern', {
      where: malformed.join(' '),
      advice: 'close every [ with a ] and put \\ before a character that is meant literally',
    });
  }
  return {
    isEmpty: compiled.length === 0,
    isByName: compiled.every((pattern) => pattern.isByName && !pattern.isNegated),
    matches: (path) => selects(compiled, fold(byteString(path))),
    mayMatchBelow: (path) => maySelectBelow(compiled, fold(byteString(path))),
  };
}

/** A list that selects what any of the lists selects: `--exclude` and `--iexclude` together. */
export function anyOf(lists: readonly PatternList[]): PatternList {
  const used = lists.filter((list) => !list.isEmpty);
  return {
    isEmpty: used.length === 0,
    isByName: used.every((list) => list.isByName),
    matches: (path) => used.some((list) => list.matches(path)),
    mayMatchBelow: (path) => used.some((list) => list.mayMatchBelow(path)),
  };
}

function selects(patterns: readonly Pattern[], path: string): boolean {
  if (patterns.length === 0) return false;
  const components = path.slice(1).split('/');
  let selected = false;
  for (const pattern of patterns) {
    if (pattern.isNegated === selected && pattern.matches(components)) selected = !selected;
  }
  return selected;
}

function maySelectBelow(patterns: readonly Pattern[], path: string): boolean {
  const components = path === '/' ? [] : path.slice(1).split('/');
  let may = false;
  for (const pattern of patterns) {
    if (!pattern.isNegated) may ||= pattern.mayMatchBelow(components);
    else if (may && components.length > 0 && pattern.matches(components)) may = false;
  }
  return may;
}

function byteString(path: Uint8Array): string {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1');
}

function printable(pattern: string | Uint8Array): string {
  return JSON.stringify(Buffer.from(pattern).toString('utf8'));
}

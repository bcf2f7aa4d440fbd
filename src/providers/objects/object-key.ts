import { UsageError } from '../../base/errors.ts';

/** Longest key, in characters; every supported service takes 1,024 bytes, the rest is room for a prefix. */
export const MAX_KEY_LENGTH = 900;
/** Longest segment, in characters; what Linux file systems take as a name. */
export const MAX_SEGMENT_LENGTH = 255;
/** Drivers name unfinished objects with this mark, so no key may hold it. */
export const TEMPORARY_MARK = '-tmp-';

const ALLOWED_PREFIX = /^[A-Za-z0-9._/-]*$/;

/** True when every driver can store an object under this key. */
export function isValidKey(key: string): boolean {
  return problemOf(key) === undefined;
}

/** Throws UsageError unless the key is one that every driver can store; see ObjectDriver for the rule. */
export function checkKey(key: string): void {
  const problem = problemOf(key);
  if (problem !== undefined) throw new UsageError(`object key ${problem}`, { where: printable(key) });
}

/** Throws UsageError unless some valid key could start with the prefix; the empty prefix stands for every key. */
export function checkPrefix(prefix: string): void {
  if (prefix === '') return;
  // A prefix is a string, not a folder: its last segment may be the beginning of a longer one.
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const problem = ALLOWED_PREFIX.test(prefix)
    ? folder === ''
      ? undefined
      : problemOf(folder.slice(0, -1))
    : 'holds a character that no key may hold';
  if (problem !== undefined) throw new UsageError(`object prefix ${problem}`, { where: printable(prefix) });
}

/** Ascending byte order, which for the characters of a key is that of their code units. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function problemOf(key: string): string | undefined {
  if (key === '') return 'is empty';
  if (key.length > MAX_KEY_LENGTH) return `is longer than ${MAX_KEY_LENGTH} characters`;
  if (!ALLOWED_PREFIX.test(key))
    return 'holds a character outside A-Z, a-z, 0-9, dot, underscore, hyphen, slash';
  if (key.includes(TEMPORARY_MARK)) return `holds ${TEMPORARY_MARK}, the mark of unfinished objects`;
  for (const segment of key.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (segment === '.' || segment === '..') return 'has a segment of dots';
    if (segment.length > MAX_SEGMENT_LENGTH)
      return `has a segment longer than ${MAX_SEGMENT_LENGTH} characters`;
  }
  return undefined;
}

function printable(key: string): string {
  return JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}...` : key);
}

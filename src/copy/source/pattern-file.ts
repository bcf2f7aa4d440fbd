/**
 * Files of patterns, as restic's `--exclude-file` and `--include-file` read them: one pattern a line, white space
 * around it trimmed, empty lines and lines that start with `#` left out, `$NAME` and `${NAME}` replaced, `$$` a dollar.
 */
import { UsageError } from '../../base/errors.ts';
import { decodeRune } from './pattern-rune.ts';

export interface PatternFileOptions {
  /**
   * Gives the value of `$NAME`. Without it a variable is refused, since a pattern that silently lost its variable
   * would select something else. restic takes the environment, where an unset variable is empty.
   */
  readonly variable?: ((name: string) => string | undefined) | undefined;
}

const SPACES = new Set([
  0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
]);

/** Patterns as bytes, for {@link compilePatterns}. Takes UTF-8 or any bytes; a UTF-16 file must have its mark. */
export function parsePatternFile(contents: Uint8Array, options: PatternFileOptions = {}): Uint8Array[] {
  const patterns: Uint8Array[] = [];
  for (const line of decodeText(contents).split('\n')) {
    const pattern = trim(line);
    if (pattern === '' || pattern.startsWith('#')) continue;
    patterns.push(Buffer.from(expandVariables(pattern, options), 'latin1'));
  }
  return patterns;
}

function decodeText(contents: Uint8Array): string {
  const bytes = Buffer.from(contents.buffer, contents.byteOffset, contents.byteLength);
  const mark = bytes.subarray(0, 3).toString('hex');
  if (mark === 'efbbbf') return bytes.toString('latin1', 3);
  const encoding = mark.startsWith('feff') ? 'utf-16be' : mark.startsWith('fffe') ? 'utf-16le' : undefined;
  if (encoding === undefined) return bytes.toString('latin1');
  return Buffer.from(new TextDecoder(encoding).decode(bytes), 'utf8').toString('latin1');
}

function trim(line: string): string {
  let start = 0;
  let end = 0;
  for (let position = 0; position < line.length;) {
    const rune = decodeRune(line, position);
    position += rune.width;
    if (!isSpace(rune.value)) end = position;
    else if (end === 0) start = position;
  }
  return line.slice(start, end);
}

function isSpace(value: number): boolean {
  return SPACES.has(value) || (value >= 0x2000 && value <= 0x200a);
}

/** The forms of Go's os.Expand: `$name`, `${name}`, and one special character after `$`. */
function expandVariables(pattern: string, options: PatternFileOptions): string {
  return pattern.replace(
    /\$(?:\{([^{}]*)\}|([*#$@!?\-0-9]|[A-Za-z_][A-Za-z0-9_]*))/g,
    (found, braced, bare) => {
      const name = String(braced ?? bare);
      if (name === '$') return '$';
      if (options.variable === undefined) {
        throw new UsageError('variable in a pattern file', {
          where: found,
          advice: 'write the value itself, or $$ for a dollar sign',
        });
      }
      return Buffer.from(options.variable(name) ?? '', 'utf8').toString('latin1');
    },
  );
}

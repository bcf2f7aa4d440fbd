import { bufferView } from './buffer-view.ts';
import { RepositoryError } from '../../base/errors.ts';
import { isPrintable } from './printable.ts';
import { runeAt, runeLength } from './utf8.ts';

const shortEscapes: Readonly<Record<number, string>> = {
  0x07: '\\a',
  0x08: '\\b',
  0x09: '\\t',
  0x0a: '\\n',
  0x0b: '\\v',
  0x0c: '\\f',
  0x0d: '\\r',
  0x22: '\\"',
  0x5c: '\\\\',
};

/** 1 for each byte that quoting leaves as it is: printable ASCII without quote and backslash. */
const plainBytes = new Uint8Array(256).fill(1, 0x20, 0x7f);
plainBytes[0x22] = 0;
plainBytes[0x5c] = 0;

/**
 * What Go's `strconv.Quote` makes of the bytes, without the quotes around it. The result holds no control character,
 * no lone surrogate and no unescaped quote; {@link unquoteName} gives the same bytes back.
 */
export function quoteName(bytes: Uint8Array): string {
  for (let index = 0; index < bytes.length; index++) {
    if (plainBytes[bytes[index] ?? 0] === 0) return quoteBytes(bytes);
  }
  return latin1(bytes);
}

function latin1(bytes: Uint8Array): string {
  return bufferView(bytes).toString('latin1');
}

function quoteBytes(bytes: Uint8Array): string {
  let text = '';
  for (let index = 0; index < bytes.length;) {
    const rune = runeAt(bytes, index);
    if (rune < 0) {
      text += hexEscape('\\x', bytes[index] ?? 0, 2);
      index++;
    } else {
      text += quoteRune(rune);
      index += runeLength(rune);
    }
  }
  return text;
}

function quoteRune(rune: number): string {
  const short = shortEscapes[rune];
  if (short !== undefined) return short;
  if (isPrintable(rune)) return String.fromCodePoint(rune);
  if (rune < 0x80) return hexEscape('\\x', rune, 2);
  return rune < 0x10000 ? hexEscape('\\u', rune, 4) : hexEscape('\\U', rune, 8);
}

function hexEscape(prefix: string, value: number, digits: number): string {
  return prefix + value.toString(16).padStart(digits, '0');
}

const needsUnquoting = /[^\x20-!#-[\]-~]/;
const rawForbidden = /["\n]/;
const escape = /\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))?/g;
const shortBytes: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
  '\\': 0x5c,
  '"': 0x22,
};

/**
 * The bytes that Go's `strconv.Unquote` makes of the text between double quotes. Every escape form of Go is taken, also
 * those that quoting never gives (octal, \x of printable bytes). Throws RepositoryError `corrupt` on anything else.
 */
export function unquoteName(text: string, where?: string): Buffer {
  if (!needsUnquoting.test(text)) return Buffer.from(text, 'latin1');
  const parts: Buffer[] = [];
  let literalStart = 0;
  for (const match of text.matchAll(escape)) {
    parts.push(literalBytes(text.slice(literalStart, match.index), where));
    parts.push(escapedBytes(match, where));
    literalStart = match.index + match[0].length;
  }
  parts.push(literalBytes(text.slice(literalStart), where));
  return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
}

function literalBytes(text: string, where: string | undefined): Buffer {
  if (rawForbidden.test(text)) throw badQuoting(where);
  return Buffer.from(text, 'utf8');
}

function escapedBytes(match: RegExpExecArray, where: string | undefined): Buffer {
  const [, short, hexByte, shortRune, longRune, octalByte] = match;
  if (short !== undefined) return Buffer.of(shortBytes[short] ?? 0);
  if (hexByte !== undefined) return Buffer.of(Number.parseInt(hexByte, 16));
  if (octalByte !== undefined) {
    const value = Number.parseInt(octalByte, 8);
    if (value > 0xff) throw badQuoting(where);
    return Buffer.of(value);
  }
  const rune = Number.parseInt(shortRune ?? longRune ?? '', 16);
  // NaN stands for a backslash that starts no escape; the comparisons must refuse it too.
  if (!(rune <= 0x10ffff) || (rune >= 0xd800 && rune <= 0xdfff)) throw badQuoting(where);
  return Buffer.from(String.fromCodePoint(rune), 'utf8');
}

function badQuoting(where: string | undefined): RepositoryError {
  return new RepositoryError(
    'corrupt',
    'name is not quoted as a Go string',
    where === undefined ? {} : { where },
  );
}

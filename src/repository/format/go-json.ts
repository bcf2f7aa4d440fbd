import { bufferView } from './buffer-view.ts';
import { RepositoryError } from '../../base/errors.ts';
import { runeAt, runeLength } from './utf8.ts';

/**
 * Everything that Go's encoding/json does not write as it is; lone surrogates need the u flag to be told from pairs.
 */
const escaped = /["\\<>&\u2028\u2029\p{Cs}\x00-\x1f]/gu;
const needsLook = /[^ !#-%'-;=?-[\]-\x7f]/;

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** Values nested deeper than this are refused in both directions. */
export const maximumJsonDepth = 64;

/**
 * The text between the quotes of a JSON string, byte for byte as Go's `json.Marshal` writes it since Go 1.22: HTML
 * characters and U+2028, U+2029 as lower-case \u escapes, everything else that is printable or DEL literally.
 */
export function escapeJson(text: string): string {
  return needsLook.test(text) ? text.replace(escaped, escapeCharacter) : text;
}

/** A JSON string, quotes included. */
export function jsonString(text: string): string {
  return `"${escapeJson(text)}"`;
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  if (code >= 0xd800 && code <= 0xdfff) return '\\ufffd';
  return shortEscapes[character] ?? `\\u${code.toString(16).padStart(4, '0')}`;
}

/** The JSON string Go writes for a Go string of these bytes: each byte that is not valid UTF-8 becomes \ufffd. */
export function jsonStringOfBytes(bytes: Uint8Array): string {
  let text = '"';
  let validStart = 0;
  const buffer = bufferView(bytes);
  for (let index = 0; index < buffer.length;) {
    const rune = runeAt(buffer, index);
    if (rune < 0) {
      text += `${escapeJson(buffer.toString('utf8', validStart, index))}\\ufffd`;
      validStart = index + 1;
    }
    index += rune < 0 ? 1 : runeLength(rune);
  }
  return `${text}${escapeJson(buffer.toString('utf8', validStart))}"`;
}

/**
 * The JSON of a parsed value (null, boolean, finite number, string, array, plain object) with Go's escapes and keys in
 * their own order. Throws RepositoryError `invalid-argument` on any other value and beyond {@link maximumJsonDepth}.
 */
export function jsonValue(value: unknown, depth = 0): string {
  if (depth > maximumJsonDepth) throw notJson('value is nested too deep for JSON');
  if (typeof value === 'string') return jsonString(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: unknown) => jsonValue(item, depth + 1)).join(',')}]`;
  if (typeof value !== 'object') throw notJson('value has no JSON form');
  const members = Object.entries(value).map(
    ([key, item]) => `${jsonString(key)}:${jsonValue(item, depth + 1)}`,
  );
  return `{${members.join(',')}}`;
}

function notJson(what: string): RepositoryError {
  return new RepositoryError('invalid-argument', what);
}

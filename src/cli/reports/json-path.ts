import { isUtf8 } from 'node:buffer';

/**
 * A path as JSON can carry it: U+FFFD for bytes that are no UTF-8, as restic prints them, and then the bytes as well,
 * under a name of our own.
 */
export function jsonPath<Key extends string>(
  key: Key,
  path: Uint8Array,
): Readonly<Record<Key | 'path_base64', string>> | Readonly<Record<Key, string>>;
export function jsonPath(key: string, path: Uint8Array): Readonly<Record<string, string>> {
  const bytes = Buffer.from(path.buffer, path.byteOffset, path.byteLength);
  const text = bytes.toString('utf8');
  return isUtf8(bytes) ? { [key]: text } : { [key]: text, path_base64: bytes.toString('base64') };
}

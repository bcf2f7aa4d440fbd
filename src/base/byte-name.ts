import { isUtf8 } from 'node:buffer';
import { FileSystemError } from './errors.ts';
import { systemError } from './system-error.ts';

/** Longest path that Linux takes in one call, with its NUL (PATH_MAX of linux/limits.h). */
const PATH_MAX = 4096;
const ENAMETOOLONG = 36;
const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Bytes of a file name as text for a person: control characters and bytes that are no UTF-8 appear as `\xNN`.
 */
export function printableName(name: Uint8Array): string {
  const bytes = Buffer.from(name.buffer, name.byteOffset, name.byteLength);
  const text = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
  // oxlint-disable-next-line no-control-regex -- matching control characters is the point
  const escaped = isUtf8(bytes) ? /[\u0000-\u001f\u007f-\u009f]/g : /[\u0000-\u001f\u007f-\u00ff]/g;
  return text.replace(escaped, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function unsafe(reason: string, name: Uint8Array): FileSystemError {
  return new FileSystemError('unsafe-path', `unsafe file name, ${reason}`, {
    where: `'${printableName(name)}'`,
    advice: 'a file name must be one path component',
  });
}

function copyText(name: Latin1Name, scratch: Uint8Array): void {
  const { length } = name;
  for (let i = 0; i < length; i++) scratch[i] = name.charCodeAt(i);
}

function copyBytes(name: Uint8Array, scratch: Uint8Array): void {
  const { length } = name;
  for (let i = 0; i < length; i++) scratch[i] = name[i] ?? 0;
}

/** Why the bytes are not one path component: empty, '.' or '..', with a '/' or a NUL. */
function faultOf(bytes: Uint8Array, length: number): string | undefined {
  if (length === 0) return 'it is empty';
  if (bytes[0] === DOT && length === 1) return 'it names the directory itself';
  if (bytes[0] === DOT && bytes[1] === DOT && length === 2) return 'it names the parent directory';
  for (let i = 0; i < length; i++) {
    const byte = bytes[i];
    if (byte === 0) return 'it holds a NUL byte';
    if (byte === SLASH) return 'it holds a slash';
  }
  return undefined;
}

/**
 * A name's bytes as text, one character of U+0000 to U+00FF a byte. Where names come by the hundred thousand this is
 * the cheaper form: a Buffer takes some 100 bytes and three times as long to make.
 */
export type Latin1Name = string;

/** A holder of one NUL-terminated name, reused by every call so that a call allocates nothing. */
export class NameArgument {
  readonly #bytes: Uint8Array = new Uint8Array(new ArrayBuffer(PATH_MAX));

  /**
   * The name with a NUL behind it, valid until the next call on this holder.
   * Throws FileSystemError 'unsafe-path' unless the name is one path component.
   */
  set(name: Uint8Array | Latin1Name): Uint8Array {
    if (name.length >= PATH_MAX) {
      const start = bytesOf(name).subarray(0, 64);
      throw systemError(ENAMETOOLONG, 'use the name', `'${printableName(start)}...'`);
    }
    if (typeof name === 'string') copyText(name, this.#bytes);
    else copyBytes(name, this.#bytes);
    this.#bytes[name.length] = 0;
    const fault = faultOf(this.#bytes, name.length);
    if (fault !== undefined) throw unsafe(fault, bytesOf(name));
    return this.#bytes;
  }
}

/** The bytes of a name in either form. */
export function bytesOf(name: Uint8Array | Latin1Name): Uint8Array {
  return typeof name === 'string' ? Buffer.from(name, 'latin1') : name;
}

/**
 * Any path, link target or attribute name with a NUL behind it; throws 'unsafe-path' when it holds a NUL
 * itself.
 */
export function terminated(path: Uint8Array | string): Buffer {
  const bytes = typeof path === 'string' ? Buffer.from(path) : path;
  if (bytes.includes(0)) throw unsafe('it holds a NUL byte', bytes);
  const copy = Buffer.alloc(bytes.length + 1);
  copy.set(bytes);
  return copy;
}

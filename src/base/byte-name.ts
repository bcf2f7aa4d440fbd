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

function copyTerminated(bytes: Uint8Array, scratch: Uint8Array): void {
  const length = bytes.length;
  for (let i = 0; i < length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0) throw unsafe('it holds a NUL byte', bytes);
    if (byte === SLASH) throw unsafe('it holds a slash', bytes);
    scratch[i] = byte;
  }
  scratch[length] = 0;
}

/**
 * Throws FileSystemError 'unsafe-path' unless the bytes are one path component: not empty, '.' or '..', no
 * '/', no NUL.
 */
function checkNotSpecial(name: Uint8Array): void {
  if (name.length === 0) throw unsafe('it is empty', name);
  if (name[0] !== DOT) return;
  if (name.length === 1) throw unsafe('it names the directory itself', name);
  if (name.length === 2 && name[1] === DOT) throw unsafe('it names the parent directory', name);
}

/** A holder of one NUL-terminated name, reused by every call so that a call allocates nothing. */
export class NameArgument {
  readonly #bytes: Uint8Array = new Uint8Array(new ArrayBuffer(PATH_MAX));

  /**
   * The name with a NUL behind it, valid until the next call on this holder.
   * Throws FileSystemError 'unsafe-path' unless the name is one path component.
   */
  set(name: Uint8Array): Uint8Array {
    checkNotSpecial(name);
    if (name.length >= PATH_MAX) {
      throw systemError(ENAMETOOLONG, 'use the name', `'${printableName(name.subarray(0, 64))}...'`);
    }
    copyTerminated(name, this.#bytes);
    return this.#bytes;
  }
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

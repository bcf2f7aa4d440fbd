import { createHash } from 'node:crypto';
import { removeAt, renameAt, statAtIfPresent } from '../../base/file-system.ts';
import { removeEntry } from './removal.ts';

/**
 * The name under which the successor of an existing entry is made, in the same folder. It follows from the name
 * alone, so that a restore which was killed leaves nothing that its repetition does not clear away.
 */
export function temporaryName(name: Uint8Array): Buffer {
  return Buffer.from(`.tranship-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`);
}

/** The name to make an entry under: its own where nothing stands there, else a temporary one, cleared. */
export function nameToMake(directoryFd: number, name: Buffer): Buffer {
  if (statAtIfPresent(directoryFd, name) === undefined) return name;
  const temporary = temporaryName(name);
  removeEntry(directoryFd, temporary, false);
  return temporary;
}

/** Puts a complete entry in the place of what stands there; a directory gives way only when `mayRemoveDirectory`. */
export function putInPlace(
  directoryFd: number,
  made: Buffer,
  name: Buffer,
  mayRemoveDirectory: boolean,
): void {
  if (made.equals(name)) return;
  try {
    if (statAtIfPresent(directoryFd, name)?.type === 'directory') {
      removeEntry(directoryFd, name, mayRemoveDirectory);
    }
    renameAt(directoryFd, made, directoryFd, name);
  } catch (error) {
    removeAt(directoryFd, made);
    throw error;
  }
}

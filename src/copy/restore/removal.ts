import { FileSystemError } from '../../base/errors.ts';
import { close, openDirectoryAt, readDirectory, removeAt, statAtIfPresent } from '../../base/file-system.ts';

/** Removes what stands under the name: a directory with all below it only when `mayRemoveDirectory`. */
export function removeEntry(directoryFd: number, name: Uint8Array, mayRemoveDirectory: boolean): void {
  const status = statAtIfPresent(directoryFd, name);
  if (status === undefined) return;
  if (status.type !== 'directory') {
    removeAt(directoryFd, name);
    return;
  }
  if (!mayRemoveDirectory) {
    throw new FileSystemError('conflict', 'a directory is in the way', {
      where: Buffer.from(name).toString(),
      advice: 'remove it, or restore with --delete',
    });
  }
  removeFolder(directoryFd, name, Buffer.alloc(0), () => true);
}

/**
 * Removes an entry, and of a directory all that is selected below it. Returns false when something was kept, and the
 * directory with it.
 */
export function removeSelected(
  directoryFd: number,
  name: Uint8Array,
  path: Buffer,
  isSelected: (path: Buffer) => boolean,
): boolean {
  const status = statAtIfPresent(directoryFd, name);
  if (status === undefined) return true;
  if (status.type === 'directory') return removeFolder(directoryFd, name, path, isSelected);
  removeAt(directoryFd, name);
  return true;
}

interface Level {
  readonly parentFd: number;
  readonly name: Uint8Array;
  readonly path: Buffer;
  readonly fd: number;
  readonly names: Buffer[];
  isKept: boolean;
}

const slash = Buffer.from('/');

/** Depth first, by descriptors, never through a link; a list instead of recursion, for trees deeper than the stack. */
function removeFolder(
  parentFd: number,
  name: Uint8Array,
  path: Buffer,
  isSelected: (path: Buffer) => boolean,
): boolean {
  const root = openLevel(parentFd, name, path);
  const stack = [root];
  try {
    for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
      const child = level.names.pop();
      if (child === undefined) {
        stack.pop();
        close(level.fd);
        const parent = stack.at(-1);
        if (!level.isKept) removeAt(level.parentFd, level.name, { directory: true });
        else if (parent !== undefined) parent.isKept = true;
        continue;
      }
      const childPath = Buffer.concat([level.path, slash, child]);
      if (!isSelected(childPath)) level.isKept = true;
      else if (statAtIfPresent(level.fd, child)?.type === 'directory')
        stack.push(openLevel(level.fd, child, childPath));
      else removeAt(level.fd, child);
    }
  } finally {
    for (const level of stack) close(level.fd);
  }
  return !root.isKept;
}

function openLevel(parentFd: number, name: Uint8Array, path: Buffer): Level {
  const fd = openDirectoryAt(parentFd, name);
  return { parentFd, name, path, fd, names: readDirectory(fd).map((entry) => entry.name), isKept: false };
}

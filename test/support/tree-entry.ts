/** Reads a whole tree with its metadata, without following a link; for comparisons and for picking what to change. */
import {
  close,
  listExtendedAttributes,
  openDirectoryAt,
  openFileAt,
  openPathAt,
  openRoot,
  readAt,
  readDirectory,
  readLinkFd,
  statFd,
} from '../../src/base/file-system.ts';
import type { FileAttribute, FileStatus } from '../../src/base/file-system.ts';

export interface TreeEntry {
  /** Components below the root; none for the root itself. */
  readonly path: readonly Buffer[];
  readonly status: FileStatus;
  readonly attributes: readonly FileAttribute[];
  /** Target of a symbolic link. */
  readonly target: Buffer | undefined;
}

/** The root and all below it, parents first, names in byte order. */
export function readTree(root: string): TreeEntry[] {
  const entries: TreeEntry[] = [];
  const fd = openRoot(root);
  try {
    entries.push({ path: [], status: statFd(fd), attributes: listExtendedAttributes(fd), target: undefined });
    readBelow(fd, [], entries);
  } finally {
    close(fd);
  }
  return entries;
}

function readBelow(directoryFd: number, path: readonly Buffer[], entries: TreeEntry[]): void {
  const names = readDirectory(directoryFd).map(({ name }) => Buffer.copyBytesFrom(name));
  for (const name of names.toSorted((a, b) => a.compare(b))) {
    const entry = readEntry(directoryFd, [...path, name], name);
    entries.push(entry);
    if (entry.status.type !== 'directory') continue;
    const fd = openDirectoryAt(directoryFd, name);
    try {
      readBelow(fd, entry.path, entries);
    } finally {
      close(fd);
    }
  }
}

function readEntry(directoryFd: number, path: readonly Buffer[], name: Buffer): TreeEntry {
  const fd = openPathAt(directoryFd, name);
  try {
    const status = statFd(fd);
    const target = status.type === 'symlink' ? readLinkFd(fd) : undefined;
    return { path, status, attributes: listExtendedAttributes(fd), target };
  } finally {
    close(fd);
  }
}

/** Calls with the descriptor of the folder that holds the path, and the last name; the path must not be the root's. */
export function withParent<T>(
  root: string,
  path: readonly Buffer[],
  use: (fd: number, name: Buffer) => T,
): T {
  const name = path.at(-1);
  if (name === undefined) throw new Error('the root has no parent inside of the tree');
  let fd = openRoot(root);
  try {
    for (const folder of path.slice(0, -1)) {
      const inner = openDirectoryAt(fd, folder);
      close(fd);
      fd = inner;
    }
    return use(fd, name);
  } finally {
    close(fd);
  }
}

/** All bytes of a file. */
export function readContents(root: string, path: readonly Buffer[]): Buffer {
  return withParent(root, path, (directoryFd, name) => {
    const fd = openFileAt(directoryFd, name);
    try {
      const bytes = Buffer.allocUnsafe(statFd(fd).sizeBytes);
      return bytes.subarray(0, readAt(fd, bytes, 0));
    } finally {
      close(fd);
    }
  });
}

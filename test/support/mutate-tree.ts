/** Random changes to a tree, for incremental passes. */
import {
  close,
  listExtendedAttributes,
  makeDirectoryAt,
  makeHardLinkAt,
  makeSymlinkAt,
  openFileForUpdateAt,
  openPathAt,
  openRoot,
  printableName,
  removeAt,
  removeExtendedAttribute,
  renameAt,
  setTimes,
  statAtIfPresent,
  statFd,
  truncate,
  writeAt,
} from '../../src/base/file-system.ts';
import { createFile, randomContents, randomData } from './random-contents.ts';
import type { RandomTimeOptions } from './random-metadata.ts';
import { randomTimeNs, setRandomAttributes, setRandomMode } from './random-metadata.ts';
import { randomName, randomTarget } from './random-name.ts';
import { createRandom } from './seed.ts';
import type { Random } from './seed.ts';
import { removeTree } from './temporary-folder.ts';
import { readTree, withParent } from './tree-entry.ts';
import type { TreeEntry } from './tree-entry.ts';

export interface MutateOptions extends RandomTimeOptions {
  /** Number of changes. Default: 3 to 12. */
  readonly changes?: number | undefined;
}

interface Site {
  readonly root: string;
  readonly random: Random;
  readonly entries: readonly TreeEntry[];
  readonly times: RandomTimeOptions;
}

/** Makes one change and says which, or undefined when the tree has nothing that it could be made to. */
type Change = (site: Site) => string | undefined;

const MAX_NEW_BYTES = 64 * 1024;
const MAX_PATH_BYTES = 2500;

/** Changes the tree and says how, one line a change. The tree may become empty. */
export function mutateTree(root: string, seed: number, options: MutateOptions = {}): string[] {
  const random = createRandom(seed);
  const log: string[] = [];
  for (let left = options.changes ?? random.between(3, 12); left > 0; left--) {
    const change = random.pick(changes);
    const what = change({ root, random, entries: readTree(root), times: options });
    if (what !== undefined) log.push(what);
  }
  return log;
}

const changes: readonly [Change, ...Change[]] = [
  appendToFile,
  overwriteInPlace,
  overwriteKeepingMtime,
  replaceFile,
  resizeFile,
  removeEntry,
  addFile,
  addFile,
  addFolder,
  renameEntry,
  changeMode,
  touch,
  changeAttributes,
  addHardLink,
  replaceSymlink,
];

function appendToFile(site: Site): string | undefined {
  return changeFile(site, 'append to', (fd, size) => {
    writeAt(fd, randomData(site.random, site.random.between(1, MAX_NEW_BYTES)), size);
  });
}

function overwriteInPlace(site: Site): string | undefined {
  return changeFile(site, 'overwrite in', (fd, size) => overwritePart(site.random, fd, size));
}

/** Only ctime and contents tell of this one. */
function overwriteKeepingMtime(site: Site): string | undefined {
  return changeFile(site, 'overwrite without a new mtime in', (fd, size) => {
    const { atimeNs, mtimeNs } = statFd(fd);
    overwritePart(site.random, fd, size);
    setTimes(fd, atimeNs, mtimeNs);
  });
}

function resizeFile(site: Site): string | undefined {
  return changeFile(site, 'resize', (fd, size) => {
    truncate(
      fd,
      site.random.chance(0.6) ? site.random.below(size + 1) : size + site.random.below(MAX_NEW_BYTES),
    );
  });
}

function overwritePart(random: Random, fd: number, size: number): void {
  const start = random.below(size + 1);
  writeAt(fd, random.bytes(random.between(1, Math.max(1, Math.min(size - start, 20_000)))), start);
}

/** A new file under the old name, as editors save: another inode. */
function replaceFile(site: Site): string | undefined {
  const { root, random } = site;
  const entry = pickEntry(site, ({ status }) => status.type === 'file');
  if (entry === undefined) return undefined;
  withParent(root, entry.path, (directoryFd, name) => {
    removeAt(directoryFd, name);
    createFile(directoryFd, name, randomContents(random, MAX_NEW_BYTES));
  });
  return describe('replace', entry);
}

function removeEntry(site: Site): string | undefined {
  const entry = pickEntry(site);
  if (entry === undefined) return undefined;
  withParent(site.root, entry.path, (directoryFd, name) => {
    removeTree(Buffer.concat([Buffer.from(`/proc/self/fd/${directoryFd}/`), name]));
  });
  return describe('remove', entry);
}

function addFile(site: Site): string | undefined {
  return addNew(site, 'add the file', (directoryFd, name) => {
    createFile(directoryFd, name, randomContents(site.random, MAX_NEW_BYTES));
  });
}

function addFolder(site: Site): string | undefined {
  return addNew(site, 'add the folder', (directoryFd, name) => makeDirectoryAt(directoryFd, name, 0o755));
}

function addHardLink(site: Site): string | undefined {
  const entry = pickEntry(site, ({ status }) => status.type === 'file');
  if (entry === undefined) return undefined;
  return withEntry(site.root, entry, (fd) =>
    addNew(site, `${describe('link', entry)} as`, (directoryFd, name) =>
      makeHardLinkAt(fd, directoryFd, name),
    ),
  );
}

function renameEntry(site: Site): string | undefined {
  const entry = pickEntry(site);
  if (entry === undefined) return undefined;
  const inside = site.entries.filter(({ path }) => isWithin(path, entry.path));
  const outside = { ...site, entries: site.entries.filter((other) => !inside.includes(other)) };
  const belowBytes = Math.max(...inside.map(({ path }) => pathBytes(path))) - pathBytes(entry.path);
  return withParent(site.root, entry.path, (fromFd, fromName) => {
    const move = (toFd: number, toName: Buffer): void => renameAt(fromFd, fromName, toFd, toName);
    return addNew(outside, `${describe('rename', entry)} to`, move, belowBytes);
  });
}

function changeMode(site: Site): string | undefined {
  const entry = pickEntry(site, ({ status }) => status.type !== 'symlink');
  if (entry === undefined) return undefined;
  withEntry(site.root, entry, (fd) => setRandomMode(site.random, fd, entry.status.type));
  return describe('change the mode of', entry);
}

function touch(site: Site): string | undefined {
  const entry = pickEntry(site);
  if (entry === undefined) return undefined;
  withEntry(site.root, entry, (fd) =>
    setTimes(fd, randomTimeNs(site.random, site.times), randomTimeNs(site.random, site.times)),
  );
  return describe('touch', entry);
}

function changeAttributes(site: Site): string | undefined {
  const entry = pickEntry(site, ({ status }) => status.type === 'file' || status.type === 'directory');
  if (entry === undefined) return undefined;
  withEntry(site.root, entry, (fd) => {
    for (const { name } of listExtendedAttributes(fd)) {
      if (name.toString('latin1').startsWith('user.')) removeExtendedAttribute(fd, name);
    }
    setRandomAttributes(site.random, fd, entry.status.type);
  });
  return describe('change attributes of', entry);
}

function replaceSymlink(site: Site): string | undefined {
  const entry = pickEntry(site, ({ status }) => status.type === 'symlink');
  if (entry === undefined) return undefined;
  withParent(site.root, entry.path, (directoryFd, name) => {
    removeAt(directoryFd, name);
    makeSymlinkAt(randomTarget(site.random), directoryFd, name);
  });
  return describe('replace the link', entry);
}

function changeFile(
  site: Site,
  what: string,
  change: (fd: number, sizeBytes: number) => void,
): string | undefined {
  const entry = pickEntry(site, ({ status }) => status.type === 'file');
  if (entry === undefined) return undefined;
  withParent(site.root, entry.path, (directoryFd, name) => {
    const fd = openFileForUpdateAt(directoryFd, name);
    try {
      change(fd, entry.status.sizeBytes);
    } finally {
      close(fd);
    }
  });
  return describe(what, entry);
}

/** Makes something under a free name in a random folder; `belowBytes` is the longest path inside of it. */
function addNew(
  site: Site,
  what: string,
  make: (directoryFd: number, name: Buffer) => void,
  belowBytes = 0,
): string | undefined {
  const { root, random } = site;
  const folder = pickFolder(site);
  const path = [...folder.path, randomName(random)];
  if (pathBytes(path) + belowBytes > MAX_PATH_BYTES) return undefined;
  const made = withParent(root, path, (directoryFd, name) => {
    if (statAtIfPresent(directoryFd, name) !== undefined) return false;
    make(directoryFd, name);
    return true;
  });
  return made ? `${what} ${shown(path)}` : undefined;
}

function pickFolder(site: Site): Pick<TreeEntry, 'path'> {
  const folders = site.entries.filter(({ status }) => status.type === 'directory');
  return site.random.pick<Pick<TreeEntry, 'path'>>([{ path: [] }, ...folders]);
}

/** Never the root. */
function pickEntry(site: Site, accepts: (entry: TreeEntry) => boolean = () => true): TreeEntry | undefined {
  const [first, ...others] = site.entries.filter((entry) => entry.path.length > 0 && accepts(entry));
  return first === undefined ? undefined : site.random.pick([first, ...others]);
}

function withEntry<T>(root: string, entry: TreeEntry, use: (fd: number) => T): T {
  if (entry.path.length === 0) return withDescriptor(openRoot(root), use);
  return withParent(root, entry.path, (directoryFd, name) =>
    withDescriptor(openPathAt(directoryFd, name), use),
  );
}

function withDescriptor<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

function isWithin(path: readonly Buffer[], folder: readonly Buffer[]): boolean {
  return folder.every((name, i) => path[i]?.equals(name) === true);
}

function pathBytes(path: readonly Buffer[]): number {
  return path.reduce((sum, name) => sum + name.length + 1, 0);
}

function describe(what: string, entry: TreeEntry): string {
  return `${what} ${shown(entry.path)}`;
}

function shown(path: readonly Buffer[]): string {
  return path.map((name) => printableName(name)).join('/');
}

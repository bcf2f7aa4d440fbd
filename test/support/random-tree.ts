/** Random real trees for round trips. The same seed and options give the same tree on the same file system. */
import { mkdirSync } from 'node:fs';
import {
  close,
  makeDirectoryAt,
  makeHardLinkAt,
  makeNodeAt,
  makeSymlinkAt,
  openDirectoryAt,
  openPathAt,
  openRoot,
} from '../../src/base/file-system.ts';
import type { FileType } from '../../src/base/file-system.ts';
import { createFile, largeContents, randomContents } from './random-contents.ts';
import type { FileContents } from './random-contents.ts';
import { isPrivileged, setRandomMetadata } from './random-metadata.ts';
import type { RandomTimeOptions } from './random-metadata.ts';
import { randomName, randomTarget } from './random-name.ts';
import { createRandom } from './seed.ts';
import type { Random } from './seed.ts';

export { mutateTree } from './mutate-tree.ts';

export interface RandomTreeOptions extends RandomTimeOptions {
  /** Names in the tree, about. Default 40. */
  readonly entries?: number | undefined;
  /** Bytes of small files, at most. Default 512 KiB. */
  readonly budgetBytes?: number | undefined;
  /** Files of 1 to 3 MiB. Default: one in every fifth tree. */
  readonly largeFiles?: number | undefined;
  /** Bytes of the longest path below the root, so that tools that join paths can follow. Default 2,500. */
  readonly maxPathBytes?: number | undefined;
  /** Sockets, which no mover keeps. Default true. */
  readonly sockets?: boolean | undefined;
  /** Block and character devices; needs root. Default false. */
  readonly devices?: boolean | undefined;
  /** Hard links to symbolic links and FIFOs too, which restic does not link again. Default false. */
  readonly linkedSpecials?: boolean | undefined;
  /** Random owner, mode, times and attributes on the root itself. Default true. */
  readonly rootMetadata?: boolean | undefined;
}

export interface RandomTreeSummary {
  /** Names below the root. */
  readonly entries: number;
  readonly folders: number;
  readonly files: number;
  readonly hardLinks: number;
  /** Sum of the sizes of all files, holes included. */
  readonly sizeBytes: number;
}

interface Folder {
  readonly fd: number;
  readonly pathBytes: number;
  readonly depth: number;
  readonly names: Set<string>;
}

interface Inode {
  readonly folder: Folder;
  readonly name: Buffer;
  readonly type: FileType;
}

interface Builder {
  readonly random: Random;
  readonly options: RandomTreeOptions;
  readonly folders: [Folder, ...Folder[]];
  readonly inodes: Inode[];
  readonly contents: FileContents[];
  budgetBytes: number;
  hardLinks: number;
  sizeBytes: number;
}

const MAX_NAME_BYTES = 255;
const MAX_FOLDERS = 300;

/** Fills `root`, which is created when it is not there and should be empty. */
export function makeRandomTree(
  root: string,
  seed: number,
  options: RandomTreeOptions = {},
): RandomTreeSummary {
  mkdirSync(root, { recursive: true });
  const random = createRandom(seed);
  const top: Folder = { fd: openRoot(root), pathBytes: 0, depth: 0, names: new Set() };
  const builder: Builder = {
    random,
    options,
    folders: [top],
    inodes: [],
    contents: [],
    budgetBytes: options.budgetBytes ?? 512 * 1024,
    hardLinks: 0,
    sizeBytes: 0,
  };
  try {
    build(builder);
    // Metadata comes last: making an entry changes its folder's times.
    for (const inode of builder.inodes) setInodeMetadata(builder, inode);
    if (options.rootMetadata !== false) setRandomMetadata(random, top.fd, 'directory', options);
  } finally {
    for (const folder of builder.folders) close(folder.fd);
  }
  return summaryOf(builder);
}

function build(builder: Builder): void {
  const { random, options } = builder;
  const large = options.largeFiles ?? (random.chance(0.2) ? 1 : 0);
  for (let i = 0; i < large; i++) addFile(builder, largeContents(random));
  const entries = options.entries ?? 40;
  if (random.chance(0.1)) addChain(builder, Math.min(random.between(5, 30), Math.ceil(entries / 2)));
  while (builder.inodes.length + builder.hardLinks < entries) addEntry(builder);
}

function addEntry(builder: Builder): void {
  const { random, options } = builder;
  const roll = random.below(100);
  if (roll < 18) addFolder(builder, random.pick(builder.folders));
  else if (roll < 65) addFile(builder, nextContents(builder));
  else if (roll < 77) addHardLink(builder);
  else if (roll < 90) addSymlink(builder);
  else if (roll < 95) addNode(builder, 'fifo', 0n);
  else if (roll < 97 && options.sockets !== false) addNode(builder, 'socket', 0n);
  else if (options.devices === true && isPrivileged) addDevice(builder);
  else addFile(builder, nextContents(builder));
}

/** Now and then the contents of an earlier file again. */
function nextContents(builder: Builder): FileContents {
  const { random, contents } = builder;
  const [first, ...others] = contents;
  if (first !== undefined && random.chance(0.15)) return random.pick([first, ...others]);
  const created = randomContents(random, builder.budgetBytes);
  for (const part of created.parts)
    builder.budgetBytes = Math.max(0, builder.budgetBytes - part.bytes.length);
  return created;
}

/** A new name in the folder, or undefined where the path would become too long. */
function takeName(builder: Builder, folder: Folder): Buffer | undefined {
  const longest = (builder.options.maxPathBytes ?? 2500) - folder.pathBytes - 1;
  for (let attempt = 0; attempt < 50; attempt++) {
    const name = randomName(builder.random);
    const key = name.toString('latin1');
    if (name.length > longest || name.length > MAX_NAME_BYTES || folder.names.has(key)) continue;
    folder.names.add(key);
    return name;
  }
  return undefined;
}

function addFolder(builder: Builder, parent: Folder): Folder | undefined {
  if (builder.folders.length >= MAX_FOLDERS) return undefined;
  const name = takeName(builder, parent);
  if (name === undefined) return undefined;
  makeDirectoryAt(parent.fd, name, 0o700);
  const folder: Folder = {
    fd: openDirectoryAt(parent.fd, name),
    pathBytes: parent.pathBytes + 1 + name.length,
    depth: parent.depth + 1,
    names: new Set(),
  };
  builder.folders.push(folder);
  builder.inodes.push({ folder: parent, name, type: 'directory' });
  return folder;
}

/** Folders inside of folders. */
function addChain(builder: Builder, depth: number): void {
  let folder: Folder | undefined = builder.folders[0];
  for (let i = 0; i < depth && folder !== undefined; i++) folder = addFolder(builder, folder);
}

function addFile(builder: Builder, contents: FileContents): void {
  const added = addInode(builder, 'file', (folder, name) => createFile(folder.fd, name, contents));
  if (!added) return;
  builder.contents.push(contents);
  builder.sizeBytes += contents.sizeBytes;
}

function addSymlink(builder: Builder): void {
  const target = randomTarget(builder.random);
  addInode(builder, 'symlink', (folder, name) => makeSymlinkAt(target, folder.fd, name));
}

function addNode(builder: Builder, type: 'fifo' | 'socket', rdev: bigint): void {
  addInode(builder, type, (folder, name) => makeNodeAt(folder.fd, name, type, 0o600, rdev));
}

/** Devices that nothing opens by accident: the numbers belong to ranges for experiments (60 to 63, 240 to 254). */
function addDevice(builder: Builder): void {
  const { random } = builder;
  const type = random.pick(['block-device', 'character-device']);
  const rdev = BigInt((random.between(240, 254) << 8) | random.below(256));
  addInode(builder, type, (folder, name) => makeNodeAt(folder.fd, name, type, 0o600, rdev));
}

function addInode(builder: Builder, type: FileType, make: (folder: Folder, name: Buffer) => void): boolean {
  const folder = builder.random.pick(builder.folders);
  const name = takeName(builder, folder);
  if (name === undefined) return false;
  make(folder, name);
  builder.inodes.push({ folder, name, type });
  return true;
}

/** A further name for an inode, in its own folder or in another. */
function addHardLink(builder: Builder): void {
  const { random, options } = builder;
  const [first, ...others] = builder.inodes.filter(({ type }) =>
    isLinkable(type, options.linkedSpecials === true),
  );
  if (first === undefined) return;
  const inode = random.pick([first, ...others]);
  const folder = random.chance(0.3) ? inode.folder : random.pick(builder.folders);
  const name = takeName(builder, folder);
  if (name === undefined) return;
  const fd = openPathAt(inode.folder.fd, inode.name);
  try {
    makeHardLinkAt(fd, folder.fd, name);
  } finally {
    close(fd);
  }
  builder.hardLinks++;
}

function isLinkable(type: FileType, withSpecials: boolean): boolean {
  return type === 'file' || (withSpecials && (type === 'symlink' || type === 'fifo'));
}

function setInodeMetadata(builder: Builder, inode: Inode): void {
  const open = inode.type === 'directory' ? openDirectoryAt : openPathAt;
  const fd = open(inode.folder.fd, inode.name);
  try {
    setRandomMetadata(builder.random, fd, inode.type, builder.options);
  } finally {
    close(fd);
  }
}

function summaryOf(builder: Builder): RandomTreeSummary {
  const { inodes, hardLinks, sizeBytes, folders } = builder;
  return {
    entries: inodes.length + hardLinks,
    folders: folders.length - 1,
    files: inodes.filter(({ type }) => type === 'file').length,
    hardLinks,
    sizeBytes,
  };
}

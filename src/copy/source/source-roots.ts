import { realpathSync } from 'node:fs';
import { UsageError } from '../../base/errors.ts';
import { nameFault } from '../../repository/format/node-name.ts';

/** Bytes that are stored as one file. */
export interface StreamSource {
  readonly kind: 'stream';
  /** The path that it gets in the snapshot, `dump.sql` or `db/dump.sql`. */
  readonly name: string;
  readonly content: AsyncIterable<Uint8Array>;
  /** The file's modification time. */
  readonly timeNs: bigint;
}

/** A block device or a file, which is stored as one file. */
export interface ImageSource {
  readonly kind: 'image';
  readonly path: Buffer;
  /** The modification time of a device's contents. */
  readonly timeNs: bigint;
}

/** What is staged: whatever stands at a path, an image, or a stream. */
export type Source = { readonly kind: 'path'; readonly path: Buffer } | ImageSource | StreamSource;

/** A folder of the snapshot that leads to what is staged; `source` is set where something is staged. */
export interface RootFolder {
  readonly children: Map<string, RootFolder>;
  /** The path on this machine whose metadata the folder has; undefined for a folder that only a name given names. */
  readonly metadataPath: Buffer | undefined;
  /** All of this is staged, below this folder or as a file in its place. */
  source: Source | undefined;
}

export interface SourceRoots {
  readonly root: RootFolder;
  /** Absolute paths as the snapshot lists them. */
  readonly paths: readonly string[];
}

export interface PathRootsOptions {
  /** Absolute. */
  readonly paths: readonly string[];
  /** Stores the one path, links followed, under this name: a volume, whose path changes with every pod (design D1). */
  readonly storeAs: string | undefined;
  /** The paths are those of images; links are followed. */
  readonly image: boolean;
  readonly timeNs: bigint;
}

/** @throws UsageError when there is no path, or `storeAs` is no absolute path. */
export function pathRoots({ paths, storeAs, image, timeNs }: PathRootsOptions): SourceRoots {
  const sourceAt = (path: string): Source =>
    image
      ? { kind: 'image', path: Buffer.from(realpathSync(path)), timeNs }
      : { kind: 'path', path: Buffer.from(path) };
  const [path] = paths;
  if (path === undefined) throw new UsageError('nothing to stage', { advice: 'name at least one path' });
  if (storeAs === undefined) return rootsAt(paths, sourceAt);
  if (!storeAs.startsWith('/')) throw notAName(storeAs, 'give an absolute path such as /data');
  return namedRoot(storeAs, sourceAt(realpathSync(path)));
}

/** @throws UsageError when the stream's name names no file. */
export function streamRoots(source: StreamSource): SourceRoots {
  const { name } = source;
  if (name.endsWith('/')) throw notAName(name, 'give the name of a file such as dump.sql or db/dump.sql');
  return namedRoot(name, source);
}

/**
 * The paths of a snapshot as restic arranges them: absolute, from the root folder down, the folders on the way with
 * their real metadata. A path below another one is part of that one.
 */
function rootsAt(paths: readonly string[], sourceAt: (path: string) => Source): SourceRoots {
  const absolute = [...new Set(paths)].toSorted();
  const root = newFolder('/');
  for (const path of absolute) {
    let folder = root;
    let walked = '';
    for (const name of componentsOf(path)) {
      walked += `/${name}`;
      folder = childOf(folder, name, walked);
    }
    folder.source = sourceAt(path);
  }
  return { root, paths: absolute };
}

/** One source under a name of its own, `/a/b`, in folders that stand nowhere else. */
function namedRoot(storedAs: string, source: Source): SourceRoots {
  const names = componentsOf(storedAs);
  if (names.length === 0 || names.some((name) => nameFault(Buffer.from(name)) !== undefined)) {
    throw notAName(storedAs, 'give a path without . and .. such as /data');
  }
  const root = newFolder(undefined);
  let folder = root;
  for (const name of names) folder = childOf(folder, name, undefined);
  folder.source = source;
  return { root, paths: [`/${names.join('/')}`] };
}

function notAName(name: string, advice: string): UsageError {
  return new UsageError('not a name to store under', { where: JSON.stringify(name), advice });
}

function newFolder(metadataPath: string | undefined): RootFolder {
  return {
    children: new Map(),
    metadataPath: metadataPath === undefined ? undefined : Buffer.from(metadataPath),
    source: undefined,
  };
}

function childOf(folder: RootFolder, name: string, metadataPath: string | undefined): RootFolder {
  const known = folder.children.get(name);
  if (known !== undefined) return known;
  const child = newFolder(metadataPath);
  folder.children.set(name, child);
  return child;
}

function componentsOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

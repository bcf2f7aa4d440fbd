import { UsageError } from '../../base/errors.ts';

/** A folder of the snapshot that leads to what is staged; `sourcePath` is set where something real is staged. */
export interface RootFolder {
  readonly children: Map<string, RootFolder>;
  /** The path on this machine whose metadata the folder has; undefined for a folder that only `--as` names. */
  readonly metadataPath: Buffer | undefined;
  /** Everything below this path is staged. */
  sourcePath: Buffer | undefined;
}

export interface SourceRoots {
  readonly root: RootFolder;
  /** Absolute paths as the snapshot lists them. */
  readonly paths: readonly string[];
}

/**
 * The paths of a snapshot as restic arranges them: absolute, from the root folder down, the folders on the way with
 * their real metadata. The paths given must be absolute. A path below another one is part of that one.
 */
export function sourceRoots(paths: readonly string[]): SourceRoots {
  if (paths.length === 0) throw new UsageError('nothing to stage', { advice: 'name at least one path' });
  const absolute = [...new Set(paths)].toSorted();
  const root = newFolder('/');
  for (const path of absolute) {
    let folder = root;
    let walked = '';
    for (const name of componentsOf(path)) {
      walked += `/${name}`;
      folder = childOf(folder, name, walked);
    }
    folder.sourcePath = Buffer.from(path);
  }
  return { root, paths: absolute };
}

/** One path stored under another name, `/a/b`: a volume, whose path on the node changes with every pod (design D1). */
export function renamedRoot(path: string, storedAs: string): SourceRoots {
  const names = componentsOf(storedAs);
  const isPlain =
    storedAs.startsWith('/') && names.length > 0 && names.every((name) => name !== '.' && name !== '..');
  if (!isPlain) {
    throw new UsageError('not a name to store under', {
      where: storedAs,
      advice: 'give an absolute path such as /data',
    });
  }
  const sourcePath = Buffer.from(path);
  const root: RootFolder = newFolder(undefined);
  let folder = root;
  for (const [depth, name] of names.entries()) {
    const child = newFolder(depth === names.length - 1 ? sourcePath : undefined);
    folder.children.set(name, child);
    folder = child;
  }
  folder.sourcePath = sourcePath;
  return { root, paths: [`/${names.join('/')}`] };
}

function newFolder(metadataPath: string | Buffer | undefined): RootFolder {
  const path = typeof metadataPath === 'string' ? Buffer.from(metadataPath) : metadataPath;
  return { children: new Map(), metadataPath: path, sourcePath: undefined };
}

function childOf(folder: RootFolder, name: string, path: string): RootFolder {
  const known = folder.children.get(name);
  if (known !== undefined) return known;
  const child = newFolder(path);
  folder.children.set(name, child);
  return child;
}

function componentsOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

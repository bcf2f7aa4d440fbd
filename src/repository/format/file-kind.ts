import { isId } from './strict-json.ts';

/** The kinds of file a repository holds; `config` is one file, the others are folders of files named by id. */
export type FileKind = 'config' | 'keys' | 'data' | 'index' | 'snapshots' | 'locks';

/** The kinds whose files are named by the SHA-256 of their bytes. */
export type NamedFileKind = Exclude<FileKind, 'config'>;

export const namedFileKinds: readonly NamedFileKind[] = ['keys', 'data', 'index', 'snapshots', 'locks'];

export const configKey = 'config';

/** The prefix under which all files of a kind stand, with its trailing slash. */
export function prefixOf(kind: NamedFileKind): string {
  return `${kind}/`;
}

/** The object key of a file in restic's default layout: packs are sharded by the first two digits of their id. */
export function keyOf(kind: NamedFileKind, id: string): string {
  return kind === 'data' ? `data/${id.slice(0, 2)}/${id}` : `${kind}/${id}`;
}

/** The id in the key of a file of that kind, or undefined for a stranger's file, which every listing must skip. */
export function idOf(kind: NamedFileKind, key: string): string | undefined {
  const id = key.slice(key.lastIndexOf('/') + 1);
  return isId(id) && key === keyOf(kind, id) ? id : undefined;
}

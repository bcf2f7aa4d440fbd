import { createHash } from 'node:crypto';
import { unixPermissionsOf } from '../../repository/format/file-mode.ts';
import { parseTimestamp, zeroTimestamp } from '../../repository/format/timestamp.ts';
import type { ExtendedAttribute, TreeNode } from '../../repository/format/tree-node.ts';
import { aclText } from './acl-text.ts';
import type { TarEntry, TarRecord } from './tar-header.ts';

/** Names the entries of an archive by their nodes: further names of a file become links to its first one. */
export class TarEntries {
  /** First names of files with several, by the inode they had. */
  readonly #linked = new Map<string, { readonly path: Uint8Array; readonly content: string }>();

  /** Undefined for what an archive cannot hold: a socket, a thing of unknown kind. */
  entryOf(node: TreeNode, path: Uint8Array, sizeBytes: number): TarEntry | undefined {
    const { type, mtime, uid, gid, user, group } = node;
    if (type === 'socket' || type === 'irregular') return undefined;
    const common = {
      path,
      mode: unixPermissionsOf(node.mode),
      uid,
      gid,
      user,
      group,
      // The zero time stands for an unknown one.
      mtimeNs: mtime === zeroTimestamp ? 0n : parseTimestamp(mtime),
      device: node.device,
    };
    const first = type === 'file' ? this.#firstName(node, path) : undefined;
    if (first !== undefined) return { ...common, type: 'link', sizeBytes: 0, linkTarget: first };
    const records = (node.extendedAttributes ?? []).map(recordOf);
    return { ...common, type, sizeBytes, linkTarget: node.linkTarget, records };
  }

  /** A hostile tree may claim one inode for different files: only equal contents are linked. */
  #firstName(node: TreeNode, path: Uint8Array): Uint8Array | undefined {
    if ((node.links ?? 1) <= 1) return undefined;
    const key = `${node.deviceId}:${node.inode}`;
    const hash = createHash('sha256');
    for (const id of node.content ?? []) hash.update(id);
    const content = hash.digest('base64');
    const first = this.#linked.get(key);
    if (first === undefined) this.#linked.set(key, { path, content });
    return first?.content === content ? first.path : undefined;
  }
}

const aclKeys: Readonly<Record<string, string>> = {
  'system.posix_acl_access': 'SCHILY.acl.access',
  'system.posix_acl_default': 'SCHILY.acl.default',
};

/** The records of star, which GNU tar and libarchive read; an ACL is text there. */
function recordOf({ name, value }: ExtendedAttribute): TarRecord {
  const key = aclKeys[name];
  const text = key === undefined ? undefined : aclText(value);
  if (key !== undefined && text !== undefined) return { key, value: Buffer.from(text) };
  // An equals sign would end the key: GNU tar's escapes.
  const escaped = name.replaceAll('%', '%25').replaceAll('=', '%3D');
  return { key: `SCHILY.xattr.${escaped}`, value };
}

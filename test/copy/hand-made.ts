/** Snapshots whose trees are written by hand, with the key but past the checks of the encoder. */
import { putIndex, putPack, sha256 } from '../repository/small-repository.ts';
import type { IndexedPack } from '../../src/repository/format/blob.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { saveSnapshot } from '../../src/repository/snapshots.ts';

const time = '2026-01-01T00:00:00Z';

/** Trees and file contents that are not in the repository yet. */
export class HandMade {
  readonly #repository: Repository;
  readonly #blobs: Record<'data' | 'tree', Map<string, Buffer>> = { data: new Map(), tree: new Map() };

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  data(contents: string | Buffer): string {
    return this.#add('data', Buffer.from(contents));
  }

  /** A tree of nodes, each a JSON text; or of any text at all. */
  tree(nodes: readonly string[] | string): string {
    return this.#add(
      'tree',
      Buffer.from(typeof nodes === 'string' ? nodes : `{"nodes":[${nodes.join(',')}]}\n`),
    );
  }

  /** A file with these contents. */
  file(name: string, contents: string, more: Readonly<Record<string, unknown>> = {}): string {
    return fileNode(name, [this.data(contents)], contents.length, more);
  }

  /** Writes packs, an index and a snapshot with that root; returns its id. */
  async save(root: string): Promise<string> {
    const packs: IndexedPack[] = [];
    for (const type of ['data', 'tree'] as const) {
      const blobs = [...this.#blobs[type].values()];
      for (let first = 0; first < blobs.length; first += blobsPerPack) {
        packs.push(await putPack(this.#repository, type, blobs.slice(first, first + blobsPerPack)));
      }
    }
    await putIndex(this.#repository, packs);
    return saveSnapshot(this.#repository, {
      time,
      tree: root,
      paths: ['/'],
      hostname: 'host',
      uid: 0,
      gid: 0,
    });
  }

  #add(type: 'data' | 'tree', bytes: Buffer): string {
    const id = sha256(bytes);
    this.#blobs[type].set(id, bytes);
    return id;
  }
}

const blobsPerPack = 1000;

/** The JSON of a node; `name` is put between quotes as it is. */
export function rawNode(name: string, type: string, more: Readonly<Record<string, unknown>> = {}): string {
  const fields = { type, mode: 0o644, mtime: time, atime: time, ctime: time, uid: 0, gid: 0, ...more };
  return `{"name":"${name}",${JSON.stringify(fields).slice(1)}`;
}

export function fileNode(
  name: string,
  content: readonly string[],
  size: number,
  more: Readonly<Record<string, unknown>> = {},
): string {
  return rawNode(name, 'file', { content, size, ...more });
}

export function folderNode(
  name: string,
  subtree: string,
  more: Readonly<Record<string, unknown>> = {},
): string {
  return rawNode(name, 'dir', { mode: 0x800001ed, subtree, ...more });
}

export function linkNode(name: string, target: string): string {
  return rawNode(name, 'symlink', { mode: 0x080001ff, linktarget: target });
}

/** A small repository in memory, put together from blobs, and ways to look at and damage what a store holds. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { encodeIndexFile } from '../../src/repository/format/index-file.ts';
import type { IndexedPack } from '../../src/repository/format/blob.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { encodeTree } from '../../src/repository/format/tree.ts';
import type { TreeNode } from '../../src/repository/format/tree-node.ts';
import { PackBuilder } from '../../src/repository/pack-builder.ts';
import { Repository } from '../../src/repository/repository.ts';
import { saveSnapshot } from '../../src/repository/snapshots.ts';
import { password } from './lock-fixtures.ts';
import { weakScrypt } from '../support/weak-key.ts';

export interface SmallRepository {
  readonly repository: Repository;
  readonly driver: MemoryDriver;
  /** Each with two data blobs, the first in the packs. */
  readonly dataPacks: readonly [string, string];
  readonly treePack: string;
  readonly indexFiles: readonly string[];
  /** The first snapshot uses both data packs, the second one only the second. */
  readonly snapshots: readonly [string, string];
  readonly trees: { readonly first: string; readonly shared: string; readonly second: string };
  readonly blobs: Readonly<Record<'a1' | 'a2' | 'b1' | 'b2', string>>;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function smallRepository(): Promise<SmallRepository> {
  const driver = new MemoryDriver();
  const store = new ObjectStore(driver);
  const repository = await Repository.init(store, { password, scryptCost: weakScrypt });
  const contents = {
    a1: Buffer.from('the first file, first half; '.repeat(20)),
    a2: Buffer.from('the first file, second half'),
    b1: Buffer.from('shared by both snapshots '.repeat(50)),
    b2: Buffer.from([0, 1, 2, 255]),
  };
  const blobs = {
    a1: sha256(contents.a1),
    a2: sha256(contents.a2),
    b1: sha256(contents.b1),
    b2: sha256(contents.b2),
  };
  const packA = await putPack(repository, 'data', [contents.a1, contents.a2]);
  const packB = await putPack(repository, 'data', [contents.b1, contents.b2]);
  const sharedTree = encodeTree([
    node({ name: 'b1', content: [blobs.b1], size: contents.b1.length }),
    node({ name: 'b2', content: [blobs.b2, blobs.b2], size: 8 }),
    node({ name: 'empty', content: [], size: 0 }),
  ]);
  const shared = sha256(sharedTree);
  const firstTree = encodeTree([
    node({ name: 'a', content: [blobs.a1, blobs.a2], size: contents.a1.length + contents.a2.length }),
    node({ name: 'dir', type: 'dir', mode: 0x800001ed, content: null, subtree: shared }),
  ]);
  const secondTree = encodeTree([
    node({ name: 'dir', type: 'dir', mode: 0x800001ed, content: null, subtree: shared }),
  ]);
  const trees = { first: sha256(firstTree), shared, second: sha256(secondTree) };
  const treePack = await putPack(repository, 'tree', [sharedTree, firstTree, secondTree]);
  const indexFiles = [await putIndex(repository, [packA]), await putIndex(repository, [packB, treePack])];
  const snapshot = { paths: ['/'], hostname: 'host', uid: 0, gid: 0 };
  const snapshots = [
    await saveSnapshot(repository, { ...snapshot, time: '2026-01-01T00:00:00Z', tree: trees.first }),
    await saveSnapshot(repository, { ...snapshot, time: '2026-01-02T00:00:00Z', tree: trees.second }),
  ] as const;
  const dataPacks = [packA.id, packB.id] as const;
  return { repository, driver, dataPacks, treePack: treePack.id, indexFiles, snapshots, trees, blobs };
}

export function node(values: Partial<Omit<TreeNode, 'name'>> & { readonly name: string }): TreeNode {
  const time = '2026-01-01T00:00:00Z';
  const common = {
    type: 'file' as const,
    mode: 0o644,
    mtime: time,
    atime: time,
    ctime: time,
    uid: 0,
    gid: 0,
  };
  return { ...common, content: null, ...values, name: Buffer.from(values.name) };
}

export async function putPack(
  repository: Repository,
  type: 'data' | 'tree',
  plaintexts: readonly Uint8Array[],
): Promise<IndexedPack> {
  const builder = new PackBuilder(type, new ArrayBuffer(2 ** 20));
  for (const plaintext of plaintexts) {
    const frame = repository.compressor.compress(plaintext, 3);
    const isSmaller = type === 'tree' || frame.length < plaintext.length;
    const stored = isSmaller ? frame : plaintext;
    builder.add(repository.cipher, sha256(plaintext), stored, isSmaller ? plaintext.length : undefined);
  }
  const { id, bytes, blobs } = builder.finish(repository.cipher);
  await repository.store.put(keyOf('data', id), bytes, { sha256: id });
  return { id, blobs };
}

export async function putIndex(
  repository: Repository,
  packs: readonly IndexedPack[],
  packsToDelete: readonly IndexedPack[] = [],
): Promise<string> {
  return repository.saveDocument('index', encodeIndexFile({ packs, packsToDelete }));
}

/** What a store holds, to be damaged. */
export type Objects = Map<string, Buffer>;

export function objectOf(objects: Objects, key: string): Buffer {
  const bytes = objects.get(key);
  assert.ok(bytes !== undefined, `no object ${key}`);
  return bytes;
}

/** The same objects in a store of their own, to be damaged. */
export function copyOf(driver: MemoryDriver): Objects {
  return new Map([...driver.contents()].map(([key, bytes]) => [key, Buffer.from(bytes)]));
}

/** Every file below a folder, by its relative path. */
export function filesBelow(folder: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const entries: Dirent[] = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path), readFileSync(path));
  }
  return files;
}

export function flipBit(bytes: Uint8Array, position: number, bit = 0): void {
  bytes[position] = (bytes[position] ?? 0) ^ (1 << bit);
}

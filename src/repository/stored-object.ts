import { createHash } from 'node:crypto';
import { RepositoryError } from '../base/errors.ts';
import { TimeSlice } from '../base/time-slice.ts';
import { loadBlob } from './blob-reader.ts';
import { encodeConfig } from './format/config.ts';
import { keyOf } from './format/file-kind.ts';
import type { NamedFileKind } from './format/file-kind.ts';
import { indentJson } from './format/json-indent.ts';
import { encodeKeyFile, encodeMasterKey } from './format/key-file.ts';
import { decodeLockFile, encodeLockFile } from './format/lock-file.ts';
import { encodeSnapshot } from './format/snapshot.ts';
import { isId } from './format/strict-json.ts';
import { idByPrefix } from './id-prefix.ts';
import type { IdWords } from './id-prefix.ts';
import { loadKey } from './keys.ts';
import { loadIndex } from './loaded-index.ts';
import type { LoadedIndex } from './loaded-index.ts';
import type { Repository } from './repository.ts';
import { nodeAt, parseSnapshotPath } from './snapshot-path.ts';
import { findSnapshot } from './snapshots.ts';
import { TreeLoader } from './tree-loader.ts';

export type StoredObjectKind =
  'config' | 'masterkey' | 'key' | 'snapshot' | 'index' | 'lock' | 'pack' | 'blob' | 'tree';

export interface StoredObjectOptions {
  /** Told of a pack whose bytes do not hash to its name, when it has come whole. */
  readonly onWarning: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
}

const newline = Buffer.from('\n');

/**
 * An object as `restic cat` prints it: documents as indented JSON with a newline, an index, a tree and a blob as the
 * bytes they were sealed from, a pack as it is stored. `id` is an id or the beginning of one, of a tree
 * `SNAPSHOT[:/PATH]`; `config` and `masterkey` have none. Takes no lock.
 * Throws UsageError for what is no id, RepositoryError `not-found` or `corrupt`, StoreError.
 */
export async function* readStoredObject(
  repository: Repository,
  kind: StoredObjectKind,
  id: string,
  options: StoredObjectOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (kind === 'pack') yield* readPack(repository, id, options);
  else if (kind === 'index') yield* readIndexFile(repository, id, options.signal);
  else if (kind === 'blob') yield await readBlob(repository, id, options.signal);
  else if (kind === 'tree') yield await readTree(repository, id, options.signal);
  else {
    const json = await readDocument(repository, kind, id, options.signal);
    yield Buffer.from(`${indentJson(json.toString('utf8'))}\n`);
  }
}

async function readDocument(
  repository: Repository,
  kind: 'config' | 'masterkey' | 'key' | 'snapshot' | 'lock',
  id: string,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  switch (kind) {
    case 'config':
      return encodeConfig(repository.config);
    case 'masterkey':
      return encodeMasterKey(repository.masterKey);
    case 'snapshot':
      return encodeSnapshot(await findSnapshot(repository, id, {}, signal));
    case 'key':
      return encodeKeyFile(await readKey(repository, id, signal));
    case 'lock': {
      const lockId = await fileId(repository, 'locks', id, signal);
      const json = await repository.loadDocument('locks', lockId, signal);
      return encodeLockFile(decodeLockFile(json, keyOf('locks', lockId)));
    }
  }
}

async function readKey(repository: Repository, id: string, signal: AbortSignal | undefined) {
  const files = await repository.listFiles('keys', signal);
  const ids = files.map((file) => file.id);
  const wanted = idByPrefix(ids, id, wordsFor('key'));
  const sizeBytes = files.find((file) => file.id === wanted)?.sizeBytes ?? 0;
  return loadKey(repository.store, { id: wanted, sizeBytes }, signal);
}

async function* readIndexFile(
  repository: Repository,
  id: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const json = await repository.loadDocument('index', await fileId(repository, 'index', id, signal), signal);
  yield json;
  if (json.at(-1) !== newline[0]) yield newline;
}

async function* readPack(
  repository: Repository,
  id: string,
  { onWarning, signal }: StoredObjectOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const packId = await fileId(repository, 'data', id, signal);
  const hash = createHash('sha256');
  for await (const piece of repository.store.stream(keyOf('data', packId), { signal })) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest('hex') !== packId)
    onWarning(`the pack does not hash to its name: ${keyOf('data', packId)}`);
}

async function readBlob(
  repository: Repository,
  id: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const index = await loadIndex(repository, signal);
  const blobId = isId(id) ? id : await blobByPrefix(repository, index, id, signal);
  for (const type of ['data', 'tree'] as const) {
    if (index.blobs.has(type, blobId)) return loadBlob(repository, index, type, blobId, signal);
  }
  throw new RepositoryError('not-found', 'there is no blob of this id', { where: blobId });
}

async function blobByPrefix(
  repository: Repository,
  index: LoadedIndex,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const slice = new TimeSlice(() => repository.clock.monotonicMs(), signal);
  const matching = new Set<string>();
  for (let row = 0; row < index.blobs.size; row++) {
    const id = index.blobs.idAt(row).toString('hex');
    if (id.startsWith(prefix)) matching.add(id);
    if (slice.isOver) await slice.pause();
  }
  return idByPrefix([...matching], prefix, wordsFor('blob'));
}

async function readTree(
  repository: Repository,
  text: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const path = parseSnapshotPath(text);
  const snapshot = await findSnapshot(repository, path.snapshot, {}, signal);
  const index = await loadIndex(repository, signal);
  const node = await nodeAt(new TreeLoader(repository, index, signal), snapshot, path.names);
  const tree = node === undefined ? snapshot.tree : node.subtree;
  if (tree !== undefined) return loadBlob(repository, index, 'tree', tree, signal);
  throw new RepositoryError('unsupported', `not a folder, but a node of type ${node?.type ?? 'dir'}`, {
    where: text,
  });
}

/** The whole id, without a listing where it was given whole. */
async function fileId(
  repository: Repository,
  kind: NamedFileKind,
  id: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (isId(id)) return id;
  const noun = kind === 'data' ? 'pack' : kind === 'locks' ? 'lock' : 'index file';
  return idByPrefix(await repository.listIds(kind, signal), id, wordsFor(noun));
}

function wordsFor(noun: string): IdWords {
  const form = 'give an id of hex digits, or the beginning of one';
  return noun === 'key' ? { noun, form, listing: 'tranship key list' } : { noun, form };
}

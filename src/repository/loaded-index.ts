import pLimit from 'p-limit';
import { throwIfAborted } from '../base/errors.ts';
import { BlobIndex } from './blob-index.ts';
import { DocumentRoom } from './document-room.ts';
import { IndexColumns } from './format/index-columns.ts';
import { decodeIndexFile, readIndexFile } from './format/index-file.ts';
import type { IndexFile } from './format/index-file.ts';
import type { IndexedPack } from './format/blob.ts';
import { idBytes } from './id-hash.ts';
import { PackTable } from './pack-table.ts';
import type { Repository, RepositoryFile } from './repository.ts';

/** Index files fetched at once; they are decoded one by one on this thread. */
const parallelLoads = 8;

/**
 * At most a blob's share of an index file: compressed, as its id does not compress and the rest nearly vanishes (43 are
 * usual), and as text, as version 1 has it. Memory is reserved once by that; with too little the table would grow.
 */
const storedBytesPerBlob = { 1: 110, 2: 40 } as const;

/** Where a blob is to be read. */
export interface PackSlice {
  readonly packId: string;
  /** Where the last blob of the pack ends. */
  readonly packBlobsBytes: number;
  readonly offset: number;
  readonly length: number;
  /** 0 for a blob that is stored raw. */
  readonly uncompressedLength: number;
}

/** What all index files of a repository say together, at the moment they were listed. */
export class LoadedIndex {
  readonly blobs: BlobIndex;
  readonly packs = new PackTable();
  /** The index files this was made of. */
  readonly fileIds = new Set<string>();
  /** Packs that a two-phase prune marked for deletion; no new snapshot may rely on them. */
  readonly markedPacks = new Set<string>();

  constructor(expectedBlobs = 0) {
    this.blobs = BlobIndex.create(expectedBlobs);
  }

  addPack(pack: IndexedPack): void {
    const lastEnd = pack.blobs.reduce((end, blob) => Math.max(end, blob.offset + blob.length), 0);
    const packNumber = this.packs.add(pack.id, lastEnd);
    for (const blob of pack.blobs) {
      this.blobs.setLocation(blob.type, blob.id, {
        packNumber,
        offset: blob.offset,
        length: blob.length,
        uncompressedLength: blob.uncompressedLength ?? 0,
      });
    }
  }

  /** Adds an index file. Blobs of the packs in `ignored` are as good as not there. */
  addFile(id: string, file: IndexColumns, ignored: ReadonlySet<string> = new Set()): void {
    this.fileIds.add(id);
    for (let pack = 0; pack < file.packCount; pack++) {
      if (file.isMarked(pack)) this.markedPacks.add(file.packIdAt(pack));
      else if (ignored.size === 0 || !ignored.has(file.packIdAt(pack))) this.#addColumns(file, pack);
    }
  }

  #addColumns(file: IndexColumns, pack: number): void {
    const end = file.endOf(pack);
    let lastEnd = 0;
    for (let blob = file.firstBlobOf(pack); blob < end; blob++) {
      lastEnd = Math.max(lastEnd, file.offsetAt(blob) + file.lengthAt(blob));
    }
    const packId = file.packIds.subarray(pack * idBytes, (pack + 1) * idBytes);
    // One object for all blobs, as 10 million of them would be garbage.
    const location = {
      packNumber: this.packs.add(packId, lastEnd),
      offset: 0,
      length: 0,
      uncompressedLength: 0,
    };
    for (let blob = file.firstBlobOf(pack); blob < end; blob++) {
      location.offset = file.offsetAt(blob);
      location.length = file.lengthAt(blob);
      location.uncompressedLength = file.uncompressedLengthAt(blob);
      const type = file.isTreeAt(blob) ? 'tree' : 'data';
      this.blobs.setLocationOfBytesAt(type, file.blobIds, blob * idBytes, location);
    }
  }

  locate(type: 'data' | 'tree', id: string | Uint8Array): PackSlice | undefined {
    const location = this.blobs.locate(type, id);
    if (location === undefined) return undefined;
    const { offset, length, uncompressedLength } = location;
    const { packNumber } = location;
    const packId = this.packs.idOf(packNumber);
    return {
      packId,
      packBlobsBytes: this.packs.blobsBytesOf(packNumber),
      offset,
      length,
      uncompressedLength,
    };
  }
}

/** How many blobs index files of these sizes list, rather too many than too few. */
export function expectedBlobsOf(repository: Repository, files: readonly RepositoryFile[]): number {
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return totalBytes / storedBytesPerBlob[repository.config.version];
}

/** What `write` builds on must outlast a prune: blobs of packs that are marked for deletion are left out. */
export type IndexUse = 'read' | 'write';

/** Calls `visit` with every index file, one after the other; fetching runs ahead by a bounded number. */
export async function visitIndexFiles(
  repository: Repository,
  ids: readonly string[],
  visit: (id: string, file: IndexFile) => void,
  signal?: AbortSignal,
): Promise<void> {
  const limit = pLimit(parallelLoads);
  await limit.map(ids, async (id) => {
    throwIfAborted(signal);
    const json = await repository.loadDocument('index', id, signal);
    visit(id, decodeIndexFile(json, `index/${id}`));
  });
}

async function addIndexFiles(
  loaded: LoadedIndex,
  repository: Repository,
  ids: readonly string[],
  ignored: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const columns = new IndexColumns();
  const room = new DocumentRoom();
  await pLimit(parallelLoads).map(ids, async (id) => {
    throwIfAborted(signal);
    const sealed = await repository.fetchDocument('index', id, signal);
    readIndexFile(repository.openDocument('index', id, sealed, room), `index/${id}`, columns);
    loaded.addFile(id, columns, ignored);
  });
}

/**
 * Reads every index file. A reader of snapshots must have listed them before it calls this: a snapshot is written
 * after its index, so an index that is listed later holds all that the snapshot needs.
 */
export async function loadIndex(
  repository: Repository,
  signal?: AbortSignal,
  use: IndexUse = 'read',
): Promise<LoadedIndex> {
  const files = await repository.listFiles('index', signal);
  const expectedBlobs = expectedBlobsOf(repository, files);
  const ids = files.map((file) => file.id);
  const loaded = new LoadedIndex(expectedBlobs);
  await addIndexFiles(loaded, repository, ids, new Set(), signal);
  if (use === 'read' || loaded.markedPacks.size === 0) return loaded;
  // An interrupted prune may have marked packs that another index file still lists as ordinary ones.
  const unmarked = new LoadedIndex(expectedBlobs);
  await addIndexFiles(unmarked, repository, ids, loaded.markedPacks, signal);
  return unmarked;
}

import pLimit from 'p-limit';
import { throwIfAborted } from '../base/errors.ts';
import { BlobIndex } from './blob-index.ts';
import { damageOf } from './check-report.ts';
import type { CheckFindings } from './check-report.ts';
import type { IndexedPack } from './format/blob.ts';
import { keyOf } from './format/file-kind.ts';
import { decodeIndexFile } from './format/index-file.ts';
import type { IndexFilePack } from './format/index-file.ts';
import { computePackSize } from './format/pack.ts';
import { LoadedIndex, expectedBlobsOf } from './loaded-index.ts';
import type { Repository } from './repository.ts';

const parallelLoads = 8;

/** A pack as the index has it, and what the store was found to hold of it. */
export interface CheckedPack {
  /** In {@link LoadedIndex}. */
  readonly packNumber: number;
  /** The file's size if it holds exactly the blobs that the index lists. */
  readonly sizeBytes: number;
  readonly blobCount: number;
  /** Undefined until the store was listed, and where the pack is missing. */
  foundBytes?: number | undefined;
}

/** All readable index files, with what a check needs beyond {@link LoadedIndex}. */
export interface CheckedIndex {
  readonly loaded: LoadedIndex;
  readonly packs: Map<string, CheckedPack>;
  /** Blobs that stand in packs which are marked for deletion. */
  readonly marked: BlobIndex;
  /** The files that could be read. */
  readonly fileIds: readonly string[];
}

/** Reads every index file; those that cannot be read, and what contradicts itself, become findings. */
export async function loadCheckedIndex(
  repository: Repository,
  findings: CheckFindings,
  signal: AbortSignal | undefined,
): Promise<CheckedIndex> {
  const files = await repository.listFiles('index', signal);
  const fileIds: string[] = [];
  const index: CheckedIndex = {
    loaded: new LoadedIndex(expectedBlobsOf(repository, files)),
    packs: new Map(),
    marked: BlobIndex.create(),
    fileIds,
  };
  await pLimit(parallelLoads).map(files, async ({ id }) => {
    throwIfAborted(signal);
    try {
      const json = await repository.loadDocument('index', id, signal);
      const file = decodeIndexFile(json, keyOf('index', id));
      for (const pack of file.packs) addPack(index, pack, findings, repository.config.version);
      for (const pack of file.packsToDelete) addMarkedPack(index, pack);
      fileIds.push(id);
    } catch (error) {
      findings.error('index-damaged', keyOf('index', id), damageOf(error));
    }
  });
  for (const id of index.loaded.markedPacks) {
    findings.hint('marked-pack', keyOf('data', id), 'the pack is marked for deletion by a two-phase prune');
  }
  findings.counts.indexFiles = files.length;
  findings.counts.packs = index.packs.size;
  findings.counts.blobs = index.loaded.blobs.size;
  return index;
}

function addPack(index: CheckedIndex, pack: IndexedPack, findings: CheckFindings, version: number): void {
  const { loaded, packs } = index;
  const where = keyOf('data', pack.id);
  const known = packs.get(pack.id);
  const sizeBytes = computePackSize(pack.blobs);
  if (known !== undefined) {
    if (isSameList(index, known, pack, sizeBytes)) {
      findings.hint('duplicate-pack', where, 'several index files list the pack');
    } else {
      findings.error('index-conflict', where, 'two index files list different contents of the pack');
    }
    return;
  }
  packs.set(pack.id, { packNumber: loaded.packs.size, sizeBytes, blobCount: pack.blobs.length });
  loaded.addPack(pack);
  const types = new Set(pack.blobs.map(({ type }) => type));
  if (version >= 2 && types.size > 1) findings.hint('mixed-pack', where, 'the pack holds data and trees');
}

/** Compares what is still known of the first list: sizes, and the places of blobs that no other pack holds too. */
function isSameList(index: CheckedIndex, known: CheckedPack, pack: IndexedPack, sizeBytes: number): boolean {
  if (known.sizeBytes !== sizeBytes || known.blobCount !== pack.blobs.length) return false;
  return pack.blobs.every((blob) => {
    const location = index.loaded.blobs.locate(blob.type, blob.id);
    if (location === undefined) return false;
    return location.packNumber !== known.packNumber || location.offset === blob.offset;
  });
}

function addMarkedPack(index: CheckedIndex, pack: IndexFilePack): void {
  index.loaded.markedPacks.add(pack.id);
  for (const { id, type, offset, length } of pack.blobs) {
    index.marked.setLocation(type, id, { packNumber: 0, offset, length, uncompressedLength: 0 });
  }
}

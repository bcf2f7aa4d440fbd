import { createHash } from 'node:crypto';
import { openBlob } from './blob-reader.ts';
import { damageOf } from './check-report.ts';
import type { PackedBlob } from './format/blob.ts';
import { keyOf } from './format/file-kind.ts';
import type { IndexFilePack } from './format/index-file.ts';
import { readPackHeader } from './pack-header-reader.ts';
import type { Repository } from './repository.ts';

/** Read at once; rustic's packs may have 4 GiB. */
const segmentBytes = 32 * 2 ** 20;

export interface PackDamage {
  /** What is wrong with the file as a whole. */
  readonly pack: readonly string[];
  readonly blobs: readonly { readonly blob: PackedBlob; readonly message: string }[];
}

interface Segment {
  readonly start: number;
  end: number;
  readonly blobs: PackedBlob[];
}

/**
 * Reads a whole pack and holds it against its name, its header against the index, and every blob against its id. What a
 * first reading finds wrong is read once more, since a damaged download is not a damaged file.
 */
export async function checkPackData(
  repository: Repository,
  pack: IndexFilePack,
  foundBytes: number,
  signal: AbortSignal | undefined,
): Promise<PackDamage> {
  const damage = await readPack(repository, pack, foundBytes, signal);
  if (damage.pack.length === 0 && damage.blobs.length === 0) return damage;
  return readPack(repository, pack, foundBytes, signal);
}

async function readPack(
  repository: Repository,
  pack: IndexFilePack,
  foundBytes: number,
  signal: AbortSignal | undefined,
): Promise<PackDamage> {
  const key = keyOf('data', pack.id);
  const sorted = pack.blobs.toSorted((a, b) => a.offset - b.offset);
  const hash = createHash('sha256');
  const packFaults: string[] = [];
  const blobFaults: { blob: PackedBlob; message: string }[] = [];
  try {
    for (const segment of segmentsOf(sorted, foundBytes)) {
      const range = { start: segment.start, end: segment.end };
      const bytes = await repository.store.get(key, { range, signal });
      hash.update(bytes);
      for (const blob of segment.blobs) {
        const sealed = bytes.subarray(blob.offset - segment.start, blob.offset - segment.start + blob.length);
        const message = faultOfBlob(repository, pack.id, blob, sealed);
        if (message !== undefined) blobFaults.push({ blob, message });
      }
    }
    if (hash.digest('hex') !== pack.id) packFaults.push('the pack does not hash to its name');
    const header = await readPackHeader(repository, pack.id, foundBytes, signal);
    if (!isSameList(header, sorted)) packFaults.push('the header of the pack is not what the index says');
  } catch (error) {
    packFaults.push(damageOf(error));
  }
  for (const blob of sorted) {
    if (blob.offset + blob.length > foundBytes)
      blobFaults.push({ blob, message: 'the pack ends before the blob' });
  }
  return { pack: packFaults, blobs: blobFaults };
}

/** The file from its first to its last byte, cut between blobs. Blobs beyond the end of the file are left out. */
function segmentsOf(sorted: readonly PackedBlob[], foundBytes: number): Segment[] {
  let current: Segment = { start: 0, end: foundBytes, blobs: [] };
  const segments = [current];
  for (const blob of sorted) {
    if (blob.offset + blob.length > foundBytes) break;
    if (current.blobs.length > 0 && blob.offset + blob.length - current.start > segmentBytes) {
      current.end = blob.offset;
      current = { start: blob.offset, end: foundBytes, blobs: [] };
      segments.push(current);
    }
    current.blobs.push(blob);
  }
  return segments;
}

function faultOfBlob(
  repository: Repository,
  packId: string,
  blob: PackedBlob,
  sealed: Uint8Array,
): string | undefined {
  try {
    openBlob(sealed, { id: blob.id, uncompressedLength: blob.uncompressedLength ?? 0 }, packId, repository);
    return undefined;
  } catch (error) {
    return damageOf(error);
  }
}

function isSameList(header: readonly PackedBlob[], indexed: readonly PackedBlob[]): boolean {
  if (header.length !== indexed.length) return false;
  return header.every((blob, position) => {
    const other = indexed[position];
    return (
      other !== undefined &&
      blob.id === other.id &&
      blob.type === other.type &&
      blob.offset === other.offset &&
      blob.length === other.length &&
      blob.uncompressedLength === other.uncompressedLength
    );
  });
}

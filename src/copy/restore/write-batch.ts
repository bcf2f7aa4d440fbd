import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { BlobToWrite, ChunkTarget } from '../pipeline/protocol.ts';
import type { ChunkReference } from './chunk-references.ts';

/** Files that one job may keep open. */
const referencesPerBatch = 256;

/** A blob of a batch, with the reference that each of its targets came from. */
export interface BatchBlob {
  readonly blob: BlobToWrite;
  readonly references: readonly ChunkReference[];
}

export function* batchesOf(references: readonly ChunkReference[]): Generator<readonly ChunkReference[]> {
  for (let first = 0; first < references.length; first += referencesPerBatch) {
    yield references.slice(first, first + referencesPerBatch);
  }
}

/** References to the same blob, which stand next to each other, become targets of one; offsets count from `start`. */
export function blobsToWrite(
  references: readonly ChunkReference[],
  start: number,
  index: LoadedIndex,
  targetOf: (reference: ChunkReference) => ChunkTarget,
): BatchBlob[] {
  const blobs: BatchBlob[] = [];
  for (let first = 0; first < references.length;) {
    const row = references[first]?.row ?? 0;
    let next = first + 1;
    while (references[next]?.row === row) next++;
    const own = references.slice(first, next);
    first = next;
    const location = index.blobs.locationAt(row);
    if (location === undefined) continue;
    const { offset, length, uncompressedLength } = location;
    const id = index.blobs.idAt(row).toString('hex');
    const targets = own.map(targetOf);
    const blob = { id, offset: offset - start, length, uncompressedLength, targets };
    blobs.push({ blob, references: own });
  }
  return blobs;
}

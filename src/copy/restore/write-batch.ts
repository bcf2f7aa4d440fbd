import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { BlobToWrite, ChunkTarget } from '../pipeline/protocol.ts';
import type { ChunkReference, PackSpan } from './chunk-references.ts';

/** Files that one job may keep open: a span of small files would otherwise need thousands of descriptors at once. */
const referencesPerBatch = 256;

/** A part of a span with bytes of its own, which can be transferred to a worker. */
export interface WriteBatch {
  /** Offset of `bytes` in the pack. */
  readonly start: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly references: readonly ChunkReference[];
}

/** A blob of a batch, with the reference that each of its targets came from. */
export interface BatchBlob {
  readonly blob: BlobToWrite;
  readonly references: readonly ChunkReference[];
}

export function* splitSpan(span: PackSpan, bytes: Uint8Array, index: LoadedIndex): Generator<WriteBatch> {
  for (let first = 0; first < span.references.length; first += referencesPerBatch) {
    const references = span.references.slice(first, first + referencesPerBatch);
    let start = span.end;
    let end = span.start;
    for (const { row } of references) {
      const location = index.blobs.locationAt(row);
      if (location === undefined) continue;
      start = Math.min(start, location.offset);
      end = Math.max(end, location.offset + location.length);
    }
    const isWhole =
      references.length === span.references.length && bytes.byteLength === bytes.buffer.byteLength;
    const own =
      isWhole && bytes.buffer instanceof ArrayBuffer
        ? new Uint8Array(bytes.buffer)
        : new Uint8Array(bytes.subarray(start - span.start, end - span.start));
    yield { start: isWhole ? span.start : start, bytes: own, references };
  }
}

/** References to the same blob, which stand next to each other, become targets of one. */
export function blobsToWrite(
  references: readonly ChunkReference[],
  batch: WriteBatch,
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
    const blob = { id, offset: offset - batch.start, length, uncompressedLength, targets };
    blobs.push({ blob, references: own });
  }
  return blobs;
}

import { chunkSizes } from '../../repository/chunker/chunker.ts';
import { envelopeOverheadBytes } from '../../repository/crypto/cipher.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';

/** Chunks of a pack that stand near each other are fetched with one request; a larger gap is not fetched along. */
const largestGapBytes = 2 ** 20;
/**
 * A request's span, which any chunk fits in as it is sealed. Its bytes are held in memory until they are written:
 * smaller ones hide the latency of a store behind more requests.
 */
export const largestSpanBytes = chunkSizes.maximumBytes + envelopeOverheadBytes;

/** One chunk of one file. */
export interface ChunkReference {
  readonly row: number;
  readonly file: number;
  readonly position: number;
}

/** A part of a pack, and the chunks it serves; several may have the same row. */
export interface PackSpan {
  readonly packId: string;
  readonly start: number;
  readonly end: number;
  readonly references: readonly ChunkReference[];
}

/** All chunks that a restore needs: 16 bytes each, since a volume may have millions. */
export class ChunkReferences {
  #rows = new Uint32Array(1024);
  #files = new Uint32Array(1024);
  #positions = new Float64Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(reference: ChunkReference): void {
    if (this.#count === this.#rows.length) this.#grow();
    this.#rows[this.#count] = reference.row;
    this.#files[this.#count] = reference.file;
    this.#positions[this.#count] = reference.position;
    this.#count++;
  }

  /** Packs in the order in which files first need them, each in ascending parts: a file is open for a short time. */
  *spans(index: LoadedIndex): Generator<PackSpan> {
    const packOrder = new Map<number, number>();
    const packs = new Uint32Array(this.#count);
    const offsets = new Uint32Array(this.#count);
    for (let i = 0; i < this.#count; i++) {
      const location = index.blobs.locationAt(this.#rows[i] ?? 0);
      const pack = location?.packNumber ?? 0;
      if (!packOrder.has(pack)) packOrder.set(pack, packOrder.size);
      packs[i] = packOrder.get(pack) ?? 0;
      offsets[i] = location?.offset ?? 0;
    }
    const order = Uint32Array.from({ length: this.#count }, (_, i) => i).sort(
      (a, b) => (packs[a] ?? 0) - (packs[b] ?? 0) || (offsets[a] ?? 0) - (offsets[b] ?? 0) || a - b,
    );
    yield* this.#group(order, index);
  }

  *#group(order: Uint32Array, index: LoadedIndex): Generator<PackSpan> {
    let open: { packNumber: number; start: number; end: number; references: ChunkReference[] } | undefined;
    for (const i of order) {
      const row = this.#rows[i] ?? 0;
      const location = index.blobs.locationAt(row);
      if (location === undefined) continue;
      const end = location.offset + location.length;
      const joins =
        open?.packNumber === location.packNumber &&
        location.offset - open.end <= largestGapBytes &&
        end - open.start <= largestSpanBytes;
      if (open === undefined || !joins) {
        if (open !== undefined) yield { ...open, packId: index.packs.idOf(open.packNumber) };
        open = { packNumber: location.packNumber, start: location.offset, end, references: [] };
      }
      open.end = Math.max(open.end, end);
      open.references.push({ row, file: this.#files[i] ?? 0, position: this.#positions[i] ?? 0 });
    }
    if (open !== undefined) yield { ...open, packId: index.packs.idOf(open.packNumber) };
  }

  #grow(): void {
    const rows = new Uint32Array(this.#rows.length * 2);
    const files = new Uint32Array(this.#rows.length * 2);
    const positions = new Float64Array(this.#rows.length * 2);
    rows.set(this.#rows);
    files.set(this.#files);
    positions.set(this.#positions);
    this.#rows = rows;
    this.#files = files;
    this.#positions = positions;
  }
}

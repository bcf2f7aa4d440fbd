import { toHex } from '../../base/hex.ts';

const idBytes = 32;
/** Offset, length, uncompressed length. */
const numbersPerBlob = 3;

/**
 * The contents of one index file as columns, which take 45 bytes a blob and no object. Meant to be cleared and used
 * again: what was read from it is gone then.
 */
export class IndexColumns {
  packCount = 0;
  blobCount = 0;
  /** 32 bytes a pack. */
  packIds = new Uint8Array(0);
  /** Number of the blob behind the pack's last one; its first is where the pack before ends. */
  packEnds = new Uint32Array(0);
  /** 1 for a pack of `packs_to_delete`; they come last. */
  packMarks = new Uint8Array(0);
  /** 32 bytes a blob. */
  blobIds = new Uint8Array(0);
  /** 1 for a tree, 0 for data. */
  blobTrees = new Uint8Array(0);
  /** Offset, length and uncompressed length (0: stored raw) of every blob. */
  blobNumbers = new Uint32Array(0);

  clear(): void {
    this.packCount = 0;
    this.blobCount = 0;
  }

  /** The next pack, whose 32 bytes of id the caller writes; its blobs follow. */
  addPack(isMarked: boolean): number {
    const pack = this.packCount++;
    if (pack >= this.packMarks.length) {
      const packs = pack * 2 + 64;
      this.packIds = enlarged(this.packIds, new Uint8Array(packs * idBytes));
      this.packEnds = enlarged(this.packEnds, new Uint32Array(packs));
      this.packMarks = enlarged(this.packMarks, new Uint8Array(packs));
    }
    this.packMarks[pack] = isMarked ? 1 : 0;
    this.packEnds[pack] = this.blobCount;
    return pack;
  }

  /** The last pack's next blob, whose 32 bytes of id the caller writes, and the rest by {@link setBlob}. */
  addBlob(): number {
    const blob = this.blobCount++;
    if (blob >= this.blobTrees.length) this.#growBlobs(blob * 2 + 1024);
    this.packEnds[this.packCount - 1] = this.blobCount;
    return blob;
  }

  setBlob(blob: number, isTree: boolean, offset: number, length: number, uncompressedLength: number): void {
    this.blobTrees[blob] = isTree ? 1 : 0;
    const base = blob * numbersPerBlob;
    this.blobNumbers[base] = offset;
    this.blobNumbers[base + 1] = length;
    this.blobNumbers[base + 2] = uncompressedLength;
  }

  packIdAt(pack: number): string {
    return toHex(this.packIds.subarray(pack * idBytes, (pack + 1) * idBytes));
  }

  firstBlobOf(pack: number): number {
    return pack === 0 ? 0 : (this.packEnds[pack - 1] ?? 0);
  }

  endOf(pack: number): number {
    return this.packEnds[pack] ?? 0;
  }

  isMarked(pack: number): boolean {
    return this.packMarks[pack] === 1;
  }

  isTreeAt(blob: number): boolean {
    return this.blobTrees[blob] === 1;
  }

  offsetAt(blob: number): number {
    return this.blobNumbers[blob * numbersPerBlob] ?? 0;
  }

  lengthAt(blob: number): number {
    return this.blobNumbers[blob * numbersPerBlob + 1] ?? 0;
  }

  uncompressedLengthAt(blob: number): number {
    return this.blobNumbers[blob * numbersPerBlob + 2] ?? 0;
  }

  #growBlobs(blobs: number): void {
    this.blobIds = enlarged(this.blobIds, new Uint8Array(blobs * idBytes));
    this.blobTrees = enlarged(this.blobTrees, new Uint8Array(blobs));
    this.blobNumbers = enlarged(this.blobNumbers, new Uint32Array(blobs * numbersPerBlob));
  }
}

function enlarged<Column extends Uint8Array | Uint32Array>(old: Column, larger: Column): Column {
  larger.set(old);
  return larger;
}

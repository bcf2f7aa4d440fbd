/** A blob is the unit of deduplication: file data, or one directory listing. */
export type BlobType = 'data' | 'tree';

/** Where one blob stands inside a pack. */
export interface PackedBlob {
  /** SHA-256 of the plaintext, hex. */
  readonly id: string;
  readonly type: BlobType;
  /** Byte offset of the sealed blob in the pack. */
  readonly offset: number;
  /** Length of the sealed blob in the pack, envelope included. */
  readonly length: number;
  /** Length of the plaintext when the blob is zstd-compressed; undefined when it is stored raw. */
  readonly uncompressedLength?: number | undefined;
}

/** A pack as an index file lists it. */
export interface IndexedPack {
  readonly id: string;
  readonly blobs: readonly PackedBlob[];
}

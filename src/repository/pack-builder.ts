import { createHash } from 'node:crypto';
import { UsageError } from '../base/errors.ts';
import type { Cipher } from './crypto/cipher.ts';
import type { BlobType, PackedBlob } from './format/blob.ts';
import {
  compressedEntryBytes,
  encodePackHeader,
  encodePackTrailer,
  headerEntryBytes,
  maximumHeaderBytes,
  packOverheadBytes,
} from './format/pack.ts';

/** restic's default and bounds for the size at which a pack is closed. */
export const packSizeBytes = { minimum: 4 * 2 ** 20, default: 16 * 2 ** 20, maximum: 128 * 2 ** 20 } as const;

/** Throws UsageError for a size at which no pack is closed. */
export function checkPackSize(sizeBytes: number = packSizeBytes.default): void {
  if (sizeBytes >= packSizeBytes.minimum && sizeBytes <= packSizeBytes.maximum) return;
  throw new UsageError('a pack size must be 4 to 128 MiB', { where: String(sizeBytes) });
}

/** Offsets and lengths are 32 bits wide. */
const maximumPackBytes = 2 ** 32 - 1;

/** A blob that was sealed under the repository's key elsewhere. */
export interface CopiedBlob {
  readonly id: string;
  readonly envelope: Uint8Array;
  /** Undefined for a blob that is stored raw. */
  readonly uncompressedLength: number | undefined;
}

/** The sealed blobs of a pack that has no header yet, and room for it; can be posted to another thread. */
export interface OpenPack {
  readonly type: BlobType;
  readonly buffer: ArrayBufferLike;
  readonly lengthBytes: number;
  readonly blobs: readonly PackedBlob[];
}

/** A pack as it is uploaded: `bytes` is a view of the first part of its buffer. */
export interface FinishedPack {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly blobs: readonly PackedBlob[];
}

/** Collects sealed blobs of one type in one buffer, with room kept for the header. */
export class PackBuilder {
  readonly type: BlobType;
  readonly #bytes: Uint8Array;
  #lengthBytes = 0;
  #headerBytes = packOverheadBytes;
  #blobs: PackedBlob[] = [];

  constructor(type: BlobType, buffer: ArrayBufferLike) {
    this.type = type;
    this.#bytes = new Uint8Array(buffer);
  }

  /** Goes on with a pack that another builder had begun, in its buffer and with its list. */
  static resume(pack: OpenPack): PackBuilder {
    const builder = new PackBuilder(pack.type, pack.buffer);
    builder.#blobs = [...pack.blobs];
    builder.#lengthBytes = pack.lengthBytes;
    for (const blob of pack.blobs) builder.#headerBytes += headerEntryBytes(blob);
    return builder;
  }

  /** Bytes of the pack if it were finished now. */
  get sizeBytes(): number {
    return this.#lengthBytes + this.#headerBytes;
  }

  /** True when a blob whose sealed form has this length still fits into the buffer. */
  fits(sealedBytes: number): boolean {
    return (
      this.#hasRoom(sealedBytes, 1) &&
      this.sizeBytes + sealedBytes + compressedEntryBytes <= this.#bytes.length
    );
  }

  /** True when the blobs of another pack fit into the buffer and do not make this one larger than `targetBytes`. */
  takes(pack: OpenPack, targetBytes: number): boolean {
    const count = pack.blobs.length;
    return (
      this.#hasRoom(pack.lengthBytes, count) &&
      this.sizeBytes + pack.lengthBytes + count * compressedEntryBytes <=
        Math.min(targetBytes, this.#bytes.length)
    );
  }

  /** The format bounds a header, which many tiny blobs reach before the pack is large. */
  #hasRoom(sealedBytes: number, blobs: number): boolean {
    const headerBytes = this.#headerBytes + blobs * compressedEntryBytes;
    return headerBytes <= maximumHeaderBytes && this.#lengthBytes + sealedBytes <= maximumPackBytes;
  }

  /**
   * Seals `stored` (the plaintext, or its zstd frame when `uncompressedLength` is given) and returns the envelope's
   * view.
   */
  add(cipher: Cipher, id: string, stored: Uint8Array, uncompressedLength: number | undefined): Uint8Array {
    const offset = this.#lengthBytes;
    const length = cipher.sealInto(stored, this.#bytes, offset);
    this.#record(id, length, uncompressedLength);
    return this.#bytes.subarray(offset, offset + length);
  }

  /**
   * Takes over one sealed blob as it is, unless `damageIn` finds any in it where it now stands: that is returned, and
   * the next blob takes its place.
   */
  addSealed<Damage>(
    { id, envelope, uncompressedLength }: CopiedBlob,
    damageIn: (placed: Uint8Array) => Damage | undefined,
  ): Damage | undefined {
    this.#bytes.set(envelope, this.#lengthBytes);
    const damage = damageIn(this.#bytes.subarray(this.#lengthBytes, this.#lengthBytes + envelope.length));
    if (damage === undefined) this.#record(id, envelope.length, uncompressedLength);
    return damage;
  }

  #record(id: string, length: number, uncompressedLength: number | undefined): void {
    const blob = { id, type: this.type, offset: this.#lengthBytes, length, uncompressedLength };
    this.#blobs.push(blob);
    this.#lengthBytes += length;
    this.#headerBytes += headerEntryBytes(blob);
  }

  /** Takes over sealed blobs as they are: where a blob stands in a pack is not part of its envelope. */
  append(pack: OpenPack): void {
    this.#bytes.set(new Uint8Array(pack.buffer, 0, pack.lengthBytes), this.#lengthBytes);
    for (const blob of pack.blobs) {
      this.#blobs.push({ ...blob, offset: blob.offset + this.#lengthBytes });
      this.#headerBytes += headerEntryBytes(blob);
    }
    this.#lengthBytes += pack.lengthBytes;
  }

  /** The blobs without a header, for another thread to merge; the builder must not be used afterwards. */
  release(): OpenPack {
    const pack = {
      type: this.type,
      buffer: this.#bytes.buffer,
      lengthBytes: this.#lengthBytes,
      blobs: this.#blobs,
    };
    this.#blobs = [];
    return pack;
  }

  /** Appends the header; the builder must not be used afterwards. */
  finish(cipher: Cipher): FinishedPack {
    const header = encodePackHeader(this.#blobs);
    const headerLength = cipher.sealInto(header, this.#bytes, this.#lengthBytes);
    const end = this.#lengthBytes + headerLength;
    const trailer = encodePackTrailer(headerLength);
    this.#bytes.set(trailer, end);
    const bytes = this.#bytes.subarray(0, end + trailer.length);
    return { id: createHash('sha256').update(bytes).digest('hex'), bytes, blobs: this.#blobs };
  }
}

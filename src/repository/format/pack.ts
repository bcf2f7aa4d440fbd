import { bufferView } from './buffer-view.ts';
import { RepositoryError } from '../../base/errors.ts';
import { envelopeOverheadBytes } from '../crypto/cipher.ts';
import type { PackedBlob } from './blob.ts';
import { corrupt, isId, maximumUint32 } from './strict-json.ts';

/** Header entry of a raw blob: type (1), length (4), id (32). */
export const rawEntryBytes = 37;
/** Header entry of a compressed blob: type (1), length (4), uncompressed length (4), id (32). */
export const compressedEntryBytes = 41;
/** The little-endian length of the sealed header, the last bytes of every pack. */
export const packTrailerBytes = 4;
/** What a pack holds besides blobs and header entries: the header's envelope and the trailer. */
export const packOverheadBytes = envelopeOverheadBytes + packTrailerBytes;
/** The longest sealed header that restic reads. */
export const maximumHeaderBytes = 16 * 1024 * 1024;
/** The smallest pack: one raw blob of zero sealed bytes. */
export const minimumPackBytes = rawEntryBytes + packOverheadBytes;
/** Readers that fetch this much of a pack's end get the header of a pack of up to 15 blobs in one request. */
export const eagerTailBytes = 15 * compressedEntryBytes + packOverheadBytes;

/** What the header has to say of a blob. */
export type HeaderBlob = Pick<PackedBlob, 'id' | 'type' | 'length' | 'uncompressedLength'>;

const treeBit = 1;
const compressedBit = 2;

export function headerEntryBytes(blob: Pick<PackedBlob, 'uncompressedLength'>): number {
  return blob.uncompressedLength === undefined ? rawEntryBytes : compressedEntryBytes;
}

/** The size that a pack file of exactly these blobs has. */
export function computePackSize(blobs: readonly HeaderBlob[]): number {
  return blobs.reduce((size, blob) => size + blob.length + headerEntryBytes(blob), packOverheadBytes);
}

/**
 * The plaintext of a pack's header. The blobs must stand in the order of the pack, without gaps, from offset 0, since
 * readers take the offsets from the lengths. Throws RepositoryError `invalid-argument`.
 */
export function encodePackHeader(blobs: readonly PackedBlob[]): Buffer {
  const header = Buffer.alloc(blobs.reduce((size, blob) => size + headerEntryBytes(blob), 0));
  if (blobs.length === 0 || header.length + envelopeOverheadBytes > maximumHeaderBytes) {
    throw new RepositoryError('invalid-argument', `pack cannot hold ${blobs.length} blobs`);
  }
  let position = 0;
  let offset = 0;
  for (const blob of blobs) {
    assertStorable(blob, offset);
    position = writeEntry(header, position, blob);
    offset += blob.length;
  }
  return header;
}

function assertStorable(blob: PackedBlob, offset: number): void {
  const isStorable =
    isId(blob.id) &&
    isUint32(blob.length) &&
    (blob.uncompressedLength === undefined ||
      (isUint32(blob.uncompressedLength) && blob.uncompressedLength > 0)) &&
    blob.offset === offset &&
    isUint32(offset + blob.length);
  if (!isStorable)
    throw new RepositoryError('invalid-argument', 'blob cannot stand in this pack', { where: blob.id });
}

function isUint32(value: number): boolean {
  return value >>> 0 === value;
}

function writeEntry(header: Buffer, position: number, blob: PackedBlob): number {
  const isCompressed = blob.uncompressedLength !== undefined;
  header[position] = (blob.type === 'tree' ? treeBit : 0) | (isCompressed ? compressedBit : 0);
  let next = header.writeUInt32LE(blob.length, position + 1);
  if (blob.uncompressedLength !== undefined) next = header.writeUInt32LE(blob.uncompressedLength, next);
  return next + header.write(blob.id, next, 'hex');
}

/** The last four bytes of a pack, for a sealed header of that length. */
export function encodePackTrailer(sealedHeaderBytes: number): Buffer {
  const trailer = Buffer.alloc(packTrailerBytes);
  trailer.writeUInt32LE(sealedHeaderBytes);
  return trailer;
}

/**
 * The length of the sealed header, from the last bytes of a pack (at least four). Guaranteed: the header lies inside
 * the pack and has room for one entry. Throws RepositoryError `corrupt`.
 */
export function decodePackTrailer(tail: Uint8Array, packSizeBytes: number, where: string): number {
  if (packSizeBytes < minimumPackBytes || tail.length < packTrailerBytes)
    throw corrupt('pack is too short', where);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const length = view.getUint32(tail.length - packTrailerBytes, true);
  const isPossible =
    length >= rawEntryBytes + envelopeOverheadBytes &&
    length <= maximumHeaderBytes &&
    length <= packSizeBytes - packTrailerBytes;
  if (!isPossible) throw corrupt(`pack claims a header of ${length} bytes`, where);
  return length;
}

/**
 * The blobs that a header's plaintext lists, in the order of the pack. Guaranteed: they fill the pack of that size up
 * to its header exactly, and each is long enough for an envelope. Throws RepositoryError `corrupt`.
 */
export function decodePackHeader(header: Uint8Array, packSizeBytes: number, where: string): PackedBlob[] {
  const buffer = bufferView(header);
  const blobs: PackedBlob[] = [];
  let offset = 0;
  for (let position = 0; position < buffer.length;) {
    const blob = readEntry(buffer, position, offset, where);
    blobs.push(blob);
    offset += blob.length;
    position += headerEntryBytes(blob);
  }
  if (blobs.length === 0) throw corrupt('pack header is empty', where);
  if (offset > maximumUint32 || offset + buffer.length + packOverheadBytes !== packSizeBytes) {
    throw corrupt(
      `pack header lists ${offset} bytes of blobs, which a pack of ${packSizeBytes} cannot hold`,
      where,
    );
  }
  return blobs;
}

function readEntry(header: Buffer, position: number, offset: number, where: string): PackedBlob {
  const kind = header[position] ?? 0;
  if (kind > (treeBit | compressedBit))
    throw corrupt(`pack header has an entry of unknown type ${kind}`, where);
  const isCompressed = (kind & compressedBit) !== 0;
  const end = position + (isCompressed ? compressedEntryBytes : rawEntryBytes);
  if (end > header.length) throw corrupt('pack header is truncated', where);
  const length = header.readUInt32LE(position + 1);
  const uncompressedLength = isCompressed ? header.readUInt32LE(position + 5) : undefined;
  if (length < envelopeOverheadBytes || uncompressedLength === 0) {
    throw corrupt('pack header lists a blob of impossible length', where);
  }
  return {
    id: header.toString('hex', end - 32, end),
    type: (kind & treeBit) !== 0 ? 'tree' : 'data',
    offset,
    length,
    uncompressedLength,
  };
}

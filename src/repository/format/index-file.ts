import type { BlobType, IndexedPack, PackedBlob } from './blob.ts';
import { bufferView } from './buffer-view.ts';
import { envelopeOverheadBytes } from '../crypto/cipher.ts';
import { RepositoryError } from '../../base/errors.ts';
import { jsonString } from './go-json.ts';
import type { IndexColumns } from './index-columns.ts';
import { scanIndexFile } from './index-scanner.ts';
import { minimumPackBytes } from './pack.ts';
import {
  arrayOrEmpty,
  asObject,
  corrupt,
  isId,
  isObject,
  maximumUint32,
  parseJson,
  requiredId,
} from './strict-json.ts';
import type { JsonObject } from './strict-json.ts';
import { isTimestamp } from './timestamp.ts';

const idBytes = 32;

/** A pack as an index file lists it, with rustic's time: when it was written or, in `packsToDelete`, marked. */
export interface IndexFilePack extends IndexedPack {
  /** RFC 3339. */
  readonly time?: string | undefined;
}

/** Contents of one index file. */
export interface IndexFile {
  readonly packs: readonly IndexFilePack[];
  /** Packs that nothing needs, to be deleted when the grace after their time has passed (rustic's field). */
  readonly packsToDelete?: readonly IndexFilePack[] | undefined;
  /** Written by restic before 0.17 and honoured by nobody since. */
  readonly supersedes?: readonly string[] | undefined;
}

/** What {@link visitIndexFile} reports: a pack, then its blobs; all of `packs` before `packs_to_delete`. */
export interface IndexFileVisitor {
  pack(id: string, isMarked: boolean, time: string | undefined): void;
  /** `uncompressedLength` is 0 for a blob that is stored raw. */
  blob(id: string, type: BlobType, offset: number, length: number, uncompressedLength: number): void;
}

/** The JSON of an index file, as restic writes it, LF included; ids and lengths must be valid. */
export function encodeIndexFile(file: IndexFile): Buffer {
  const { packs, packsToDelete = [], supersedes = [] } = file;
  const superseded = supersedes.length === 0 ? '' : `"supersedes":[${supersedes.map(jsonString).join(',')}],`;
  const marked = packsToDelete.length === 0 ? '' : `,"packs_to_delete":${packListText(packsToDelete)}`;
  return Buffer.from(`{${superseded}"packs":${packListText(packs)}${marked}}\n`);
}

function packListText(packs: readonly IndexFilePack[]): string {
  return `[${packs.map(packText).join(',')}]`;
}

function packText(pack: IndexFilePack): string {
  const time = pack.time === undefined ? '' : `,"time":${jsonString(pack.time)}`;
  assertStorable(isId(pack.id), pack.id);
  return `{"id":"${pack.id}","blobs":[${pack.blobs.map(blobText).join(',')}]${time}}`;
}

function blobText(blob: PackedBlob): string {
  const { id, type, offset, length, uncompressedLength } = blob;
  assertStorable(isId(id) && isUint32(offset) && isUint32(length) && isUint32(uncompressedLength ?? 0), id);
  const tail = uncompressedLength === undefined ? '' : `,"uncompressed_length":${uncompressedLength}`;
  return `{"id":"${id}","type":"${type}","offset":${offset},"length":${length}${tail}}`;
}

function isUint32(value: number): boolean {
  return value >>> 0 === value;
}

function assertStorable(isStorable: boolean, where: string): void {
  if (!isStorable) throw new RepositoryError('invalid-argument', 'index entry cannot be stored', { where });
}

/** {@link visitIndexFile} into lists. */
export function decodeIndexFile(
  bytes: Uint8Array,
  where: string,
): { readonly packs: readonly IndexFilePack[]; readonly packsToDelete: readonly IndexFilePack[] } {
  const packs: IndexFilePack[] = [];
  const packsToDelete: IndexFilePack[] = [];
  let blobs: PackedBlob[] = [];
  visitIndexFile(bytes, where, {
    pack: (id, isMarked, time) => {
      blobs = [];
      const pack = time === undefined ? { id, blobs } : { id, blobs, time };
      (isMarked ? packsToDelete : packs).push(pack);
    },
    blob: (id, type, offset, length, uncompressedLength) => {
      blobs.push({ id, type, offset, length, uncompressedLength: uncompressedLength || undefined });
    },
  });
  return { packs, packsToDelete };
}

/**
 * Reads an index file's JSON into `columns`, which are cleared first. Guaranteed is what {@link visitIndexFile} does.
 * Times of packs are checked and left out. Throws RepositoryError `corrupt`; the columns then hold nothing of use.
 */
export function readIndexFile(bytes: Uint8Array, where: string, columns: IndexColumns): void {
  if (!scanIndexFile(bytes, columns)) visitIndexFile(bytes, where, columnFiller(columns));
}

function columnFiller(columns: IndexColumns): IndexFileVisitor {
  columns.clear();
  return {
    pack: (id, isMarked) => {
      const pack = columns.addPack(isMarked);
      bufferView(columns.packIds).write(id, pack * idBytes, 'hex');
    },
    blob: (id, type, offset, length, uncompressedLength) => {
      const blob = columns.addBlob();
      columns.setBlob(blob, type === 'tree', offset, length, uncompressedLength);
      bufferView(columns.blobIds).write(id, blob * idBytes, 'hex');
    },
  };
}

/**
 * Reads an index file's JSON. Guaranteed: all numbers are unsigned 32-bit integers, no two blobs of a pack overlap,
 * none reaches beyond what a pack can address, no pack stands twice in a list. Throws RepositoryError `corrupt`; the
 * visitor may by then have got all that stands in front of the bad pack's blobs.
 */
export function visitIndexFile(bytes: Uint8Array, where: string, visitor: IndexFileVisitor): void {
  const json = asObject(parseJson(bytes, 'index', where), 'index', where);
  visitPacks(json['packs'], false, where, visitor);
  visitPacks(json['packs_to_delete'], true, where, visitor);
}

function visitPacks(value: unknown, isMarked: boolean, where: string, visitor: IndexFileVisitor): void {
  const seen = new Set<string>();
  for (const item of arrayOrEmpty(value, 'index list of packs', where)) {
    const pack = asObject(item, 'index pack', where);
    const id = requiredId(pack['id'], 'index pack', where);
    if (seen.has(id)) throw corrupt(`index lists pack ${id} twice`, where);
    seen.add(id);
    visitor.pack(id, isMarked, packTime(pack['time'], where));
    visitBlobs(arrayOrEmpty(pack['blobs'], 'index list of blobs', where), id, where, visitor);
  }
}

function packTime(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || !isTimestamp(value))
    throw corrupt('index pack time is not RFC 3339', where);
  return value;
}

function visitBlobs(
  blobs: readonly unknown[],
  packId: string,
  where: string,
  visitor: IndexFileVisitor,
): void {
  if (!blobs.every(isBlob)) throw corrupt(`index lists a malformed blob in pack ${packId}`, where);
  if (overlaps(blobs)) throw corrupt(`index lists overlapping blobs in pack ${packId}`, where);
  for (const { id, type, offset, length, uncompressed_length: uncompressedLength } of blobs) {
    visitor.blob(id, type, offset, length, uncompressedLength ?? 0);
  }
}

function overlaps(blobs: readonly BlobJson[]): boolean {
  let end = 0;
  for (const blob of blobs) {
    if (blob.offset < end) return overlapsSorted(blobs);
    end = blob.offset + blob.length;
  }
  return false;
}

function overlapsSorted(blobs: readonly BlobJson[]): boolean {
  const sorted = blobs.toSorted((a, b) => a.offset - b.offset);
  return sorted.some((blob, index) => {
    const previous = sorted[index - 1];
    return previous !== undefined && blob.offset < previous.offset + previous.length;
  });
}

interface BlobJson extends JsonObject {
  readonly id: string;
  readonly type: BlobType;
  readonly offset: number;
  readonly length: number;
  readonly uncompressed_length?: number | null | undefined;
}

function isBlob(value: unknown): value is BlobJson {
  if (!isObject(value)) return false;
  const { id, type, offset, length, uncompressed_length: uncompressedLength } = value;
  return (
    isId(id) &&
    (type === 'data' || type === 'tree') &&
    isUnsigned32(offset) &&
    isUnsigned32(length) &&
    length >= envelopeOverheadBytes &&
    offset + length <= maximumUint32 - minimumPackBytes &&
    (uncompressedLength === undefined || uncompressedLength === null || isUnsigned32(uncompressedLength))
  );
}

function isUnsigned32(value: unknown): value is number {
  return typeof value === 'number' && value >>> 0 === value;
}

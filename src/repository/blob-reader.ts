import { hash } from 'node:crypto';
import { RepositoryError, StoreError } from '../base/errors.ts';
import { envelopeOverheadBytes } from './crypto/cipher.ts';
import type { Cipher } from './crypto/cipher.ts';
import type { Compressor } from './compression/compressor.ts';
import { keyOf } from './format/file-kind.ts';
import type { BlobType } from './format/blob.ts';
import type { LoadedIndex } from './loaded-index.ts';
import type { Repository } from './repository.ts';

/** Above this a blob's stated length is hostile: restic refuses to write trees nearly as large. */
const plaintextLimitBytes = 2 ** 30;

export interface SealedBlob {
  readonly id: string;
  /** 0 for a blob that is stored raw. */
  readonly uncompressedLength: number;
}

/** Where a blob is opened: two buffers of at least these lengths, whose contents nobody needs any more. */
export interface BlobRoom {
  readonly decrypted: (lengthBytes: number) => Buffer;
  readonly decompressed: (lengthBytes: number) => Buffer;
}

const ownRoom: BlobRoom = {
  decrypted: (lengthBytes) => Buffer.allocUnsafe(lengthBytes),
  decompressed: (lengthBytes) => Buffer.allocUnsafe(lengthBytes),
};

/**
 * Decrypts, decompresses and checks one blob. Guaranteed: the bytes returned hash to the id; they stand in `room`, by
 * default in buffers of their own. Throws RepositoryError `corrupt` naming the blob and the pack.
 */
export function openBlob(
  sealed: Uint8Array,
  blob: SealedBlob,
  packId: string,
  tools: { readonly cipher: Cipher; readonly compressor: Compressor },
  room = ownRoom,
): Buffer {
  const where = `data/${packId.slice(0, 2)}/${packId}, blob ${blob.id}`;
  if (blob.uncompressedLength > plaintextLimitBytes) {
    throw new RepositoryError('corrupt', `the blob claims ${blob.uncompressedLength} bytes`, { where });
  }
  let plaintext: Buffer;
  try {
    const decrypted = room.decrypted(Math.max(0, sealed.byteLength - envelopeOverheadBytes));
    plaintext = decrypted.subarray(0, tools.cipher.openInto(sealed, decrypted));
    if (blob.uncompressedLength > 0) {
      const out = room.decompressed(blob.uncompressedLength).subarray(0, blob.uncompressedLength);
      const length = tools.compressor.decompressInto(plaintext, out);
      plaintext = out.subarray(0, length);
      if (length !== blob.uncompressedLength) {
        throw new RepositoryError('corrupt', `the blob decompresses to ${length} bytes, not ${out.length}`, {
          where,
        });
      }
    }
  } catch (cause) {
    if (cause instanceof RepositoryError && cause.where !== undefined) throw cause;
    throw new RepositoryError('corrupt', 'the blob cannot be decrypted or decompressed', { where, cause });
  }
  if (hash('sha256', plaintext, 'hex') !== blob.id) {
    throw new RepositoryError('corrupt', 'the blob does not hash to its id', { where });
  }
  return plaintext;
}

/** Fetches and opens one blob by itself. A damaged answer is fetched once more before it is an error. */
export async function loadBlob(
  repository: Repository,
  index: LoadedIndex,
  type: BlobType,
  id: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  const slice = index.locate(type, id);
  if (slice === undefined) throw missingBlob(type, id);
  const key = keyOf('data', slice.packId);
  const load = async (): Promise<Buffer> => {
    const range = { start: slice.offset, end: slice.offset + slice.length };
    const sealed = await repository.store.get(key, { range, signal });
    return openBlob(sealed, { id, uncompressedLength: slice.uncompressedLength }, slice.packId, repository);
  };
  try {
    return await load();
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  try {
    return await load();
  } catch (cause) {
    if (!(cause instanceof StoreError) || !isDamage(cause)) throw cause;
    throw new RepositoryError('corrupt', `a pack is missing or too short for ${type} blob ${id}`, {
      where: key,
      cause,
    });
  }
}

/** True for what the repository's bytes are to blame for, not the way to them. */
export function isDamage(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'corrupt' || error.code === 'not-found';
  return error instanceof RepositoryError;
}

export function missingBlob(type: BlobType, id: string): RepositoryError {
  return new RepositoryError('corrupt', `the index knows no ${type} blob of this id`, {
    where: id,
    advice: 'run `tranship check` to learn what is affected',
  });
}

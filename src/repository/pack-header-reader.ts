import type { PackedBlob } from './format/blob.ts';
import { keyOf } from './format/file-kind.ts';
import { decodePackHeader, decodePackTrailer, packTrailerBytes } from './format/pack.ts';
import type { Repository } from './repository.ts';

/** What a pack of `packBytes` says that it holds. Throws RepositoryError `corrupt`, StoreError. */
export async function readPackHeader(
  repository: Repository,
  packId: string,
  packBytes: number,
  signal?: AbortSignal,
): Promise<PackedBlob[]> {
  const key = keyOf('data', packId);
  const trailerStart = Math.max(0, packBytes - packTrailerBytes);
  const trailer = await repository.store.get(key, {
    range: { start: trailerStart, end: packBytes },
    signal,
  });
  const headerBytes = decodePackTrailer(trailer, packBytes, key);
  const range = { start: trailerStart - headerBytes, end: trailerStart };
  const sealed = await repository.store.get(key, { range, signal });
  return decodePackHeader(repository.cipher.open(sealed), packBytes, key);
}

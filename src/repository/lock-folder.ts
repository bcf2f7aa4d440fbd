import { createHash } from 'node:crypto';
import { RepositoryError, StoreError } from '../base/errors.ts';
import type { ObjectStore } from '../providers/objects/store.ts';
import type { Compressor } from './compression/compressor.ts';
import { putConfirmed } from './confirmed-put.ts';
import type { Cipher } from './crypto/cipher.ts';
import type { RepositoryVersion } from './format/config.ts';
import { idOf, keyOf } from './format/file-kind.ts';
import { decodeLockFile, encodeLockFile } from './format/lock-file.ts';
import type { LockFile } from './format/lock-file.ts';
import { decodeUnpacked, encodeUnpacked } from './format/unpacked.ts';

/** A lock holds some 300 bytes. */
const lockLimitBytes = 64 * 1024;

/** What reading and writing locks takes; an open Repository has it all, and so has a thread that was given the key. */
export interface LockFolderTools {
  readonly store: ObjectStore;
  readonly cipher: Cipher;
  readonly compressor: Compressor;
  /** Of the repository: version 1 knows no compression. */
  readonly version: RepositoryVersion;
}

/** A file in `locks/`, not read yet. */
export interface LockEntry {
  readonly id: string;
  readonly sizeBytes: number;
  /** When it was written, by the store's clock. */
  readonly modifiedMs: number;
}

/** A lock as it will be stored: its id is known before it exists. */
export interface SealedLock {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** The files in `locks/`. */
export class LockFolder {
  readonly #tools: LockFolderTools;

  constructor(tools: LockFolderTools) {
    this.#tools = tools;
  }

  async list(signal?: AbortSignal): Promise<LockEntry[]> {
    const entries: LockEntry[] = [];
    for await (const { key, sizeBytes, modifiedMs } of this.#tools.store.list('locks/', { signal })) {
      const id = idOf('locks', key);
      if (id !== undefined) entries.push({ id, sizeBytes, modifiedMs });
    }
    return entries;
  }

  /** Undefined when the lock is gone. `corrupt` when it is not a lock. */
  async load(entry: LockEntry, signal?: AbortSignal): Promise<LockFile | undefined> {
    const key = keyOf('locks', entry.id);
    if (entry.sizeBytes > lockLimitBytes) {
      throw new RepositoryError('corrupt', `the lock is larger than ${lockLimitBytes} bytes`, { where: key });
    }
    let sealed: Buffer;
    try {
      sealed = await this.#tools.store.get(key, { signal });
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not-found') return undefined;
      throw error;
    }
    if (sha256Of(sealed) !== entry.id) {
      throw new RepositoryError('corrupt', 'the file does not hash to its name', { where: key });
    }
    return decodeLockFile(
      decodeUnpacked(this.#open(sealed, key), this.#tools.compressor, lockLimitBytes, key),
      key,
    );
  }

  seal(lock: LockFile): SealedLock {
    const { cipher, compressor, version } = this.#tools;
    const bytes = cipher.seal(encodeUnpacked(encodeLockFile(lock), version, compressor));
    return { id: sha256Of(bytes), bytes };
  }

  async put(lock: SealedLock, signal?: AbortSignal): Promise<void> {
    await putConfirmed(this.#tools.store, keyOf('locks', lock.id), lock.bytes, { sha256: lock.id, signal });
  }

  async exists(id: string, signal?: AbortSignal): Promise<boolean> {
    return this.#tools.store.exists(keyOf('locks', id), { signal });
  }

  /** When the lock was written, by the store's clock. */
  async writtenAtMs(id: string, signal?: AbortSignal): Promise<number> {
    return (await this.#tools.store.head(keyOf('locks', id), { signal })).modifiedMs;
  }

  async remove(id: string, signal?: AbortSignal): Promise<void> {
    await this.#tools.store.delete(keyOf('locks', id), { signal });
  }

  #open(sealed: Uint8Array, where: string): Buffer {
    try {
      return this.#tools.cipher.open(sealed);
    } catch (cause) {
      throw new RepositoryError('corrupt', 'the lock cannot be decrypted', { where, cause });
    }
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

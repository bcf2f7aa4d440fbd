import { packError } from '../../base/error-transport.ts';
import { RepositoryError } from '../../base/errors.ts';
import { BlobOpener } from '../../repository/blob-opener.ts';
import { isSameKey } from '../../repository/crypto/same-key.ts';
import type { BlobSealer } from './blob-sealer.ts';
import type { BlobToCopy, Jobs, WorkerSetup } from './protocol.ts';

/**
 * Takes data blobs of one repository over into packs of another. Under the same key they go as they are sealed, when
 * their MAC has shown that they are whole; else they are opened, compared with their ids and sealed anew. What is
 * compressed keeps its zstd frame, where the repository may have any.
 */
export class BlobCopier {
  readonly #sealer: BlobSealer;
  readonly #opener: BlobOpener;
  readonly #isSameKey: boolean;
  readonly #hasCompression: boolean;

  constructor({ sourceKey, secrets }: WorkerSetup, sealer: BlobSealer) {
    if (sourceKey === undefined) throw new Error('a worker was started without a source to copy from');
    this.#sealer = sealer;
    this.#opener = new BlobOpener(sourceKey);
    this.#isSameKey = isSameKey(sourceKey, secrets.masterKey);
    this.#hasCompression = secrets.compression;
  }

  async copy(request: Jobs['copy-blobs']['request']): Promise<Jobs['copy-blobs']['response']> {
    const failures: { id: string; error: ReturnType<typeof packError> }[] = [];
    for (const blob of request.blobs) {
      const sealed = request.bytes.subarray(blob.offset, blob.offset + blob.length);
      const error = await this.#copyBlob(sealed, blob, request.packId);
      if (error !== undefined) failures.push({ id: blob.id, error: packError(error) });
    }
    return failures;
  }

  close(): void {
    this.#opener.close();
  }

  /** Returns what is wrong with the blob; throws what is wrong with storing it. */
  async #copyBlob(
    sealed: Uint8Array,
    blob: BlobToCopy,
    packId: string,
  ): Promise<RepositoryError | undefined> {
    const isCompressed = blob.uncompressedLength > 0;
    if (this.#isSameKey && (this.#hasCompression || !isCompressed)) {
      const damage = damageOf(() => this.#opener.authenticate(sealed, blob, packId));
      if (damage instanceof RepositoryError) return damage;
      const uncompressedLength = isCompressed ? blob.uncompressedLength : undefined;
      await this.#sealer.storeSealed('data', blob.id, sealed, uncompressedLength);
      return undefined;
    }
    const opened = damageOf(() => this.#opener.openWithFrame(sealed, blob, packId));
    if (opened instanceof RepositoryError) return opened;
    const { plaintext, frame: made } = opened;
    const fingerprint = this.#sealer.fingerprint(plaintext);
    await this.#sealer.storeClaimed('data', { id: blob.id, plaintext, fingerprint, made });
    return undefined;
  }
}

function damageOf<T>(open: () => T): T | RepositoryError {
  try {
    return open();
  } catch (error) {
    if (error instanceof RepositoryError) return error;
    throw error;
  }
}

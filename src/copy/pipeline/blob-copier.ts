import { packError } from '../../base/error-transport.ts';
import { RepositoryError } from '../../base/errors.ts';
import { BlobOpener } from '../../repository/blob-opener.ts';
import type { OpenedBlob } from '../../repository/blob-opener.ts';
import { isSameKey } from '../../repository/crypto/same-key.ts';
import type { BlobSealer } from './blob-sealer.ts';
import type { BlobToCopy, Jobs, WorkerSetup } from './protocol.ts';

/**
 * Takes data blobs of one repository over into packs of another. Each is opened and compared with its id: an envelope
 * that is whole may be another blob's. Under the same key it goes as it is sealed, and is opened where it stands in the
 * pack; else it is sealed anew. What is compressed keeps its zstd frame, where the repository may have any.
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
      const uncompressedLength = isCompressed ? blob.uncompressedLength : undefined;
      return this.#sealer.storeSealed(
        'data',
        { id: blob.id, envelope: sealed, uncompressedLength },
        (placed) => {
          const opened = this.#open(placed, blob, packId);
          return opened instanceof RepositoryError ? opened : undefined;
        },
      );
    }
    const opened = this.#open(sealed, blob, packId);
    if (opened instanceof RepositoryError) return opened;
    const { plaintext, frame: made } = opened;
    const fingerprint = this.#sealer.fingerprint(plaintext);
    await this.#sealer.storeClaimed('data', { id: blob.id, plaintext, fingerprint, made });
    return undefined;
  }

  /** Returns what is wrong with the blob. */
  #open(sealed: Uint8Array, blob: BlobToCopy, packId: string): OpenedBlob | RepositoryError {
    try {
      return this.#opener.openWithFrame(sealed, blob, packId);
    } catch (error) {
      if (error instanceof RepositoryError) return error;
      throw error;
    }
  }
}

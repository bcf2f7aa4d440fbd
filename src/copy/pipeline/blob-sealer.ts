import { hash } from 'node:crypto';
import type { RepositoryError } from '../../base/errors.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { chunkSizes } from '../../repository/chunker/chunker.ts';
import type { Compressor } from '../../repository/compression/compressor.ts';
import { createCompressor } from '../../repository/compression/open-compressor.ts';
import { isCompressible } from '../../repository/compression/probe.ts';
import type { Cipher } from '../../repository/crypto/cipher.ts';
import { envelopeOverheadBytes } from '../../repository/crypto/cipher.ts';
import { createCipher } from '../../repository/crypto/open-cipher.ts';
import type { Fingerprint } from '../../repository/fingerprint.ts';
import type { BlobType } from '../../repository/format/blob.ts';
import { PackBuilder } from '../../repository/pack-builder.ts';
import type { CopiedBlob, FinishedPack, OpenPack } from '../../repository/pack-builder.ts';
import type { PackBuffers } from './pack-buffers.ts';
import type { Compression, WorkerSetup } from './protocol.ts';
import { SealedBlobCheck } from './sealed-blob-check.ts';

const zstdLevels: Readonly<Record<Exclude<Compression, 'off'>, number>> = {
  fastest: 1,
  auto: 3,
  better: 7,
  max: 15,
};

/** A blob that the caller has claimed, and must now store. */
export interface ClaimedBlob {
  readonly id: string;
  readonly plaintext: Uint8Array;
  /** Of the plaintext before it was hashed; undefined when the sealed blob is not to be opened again. */
  readonly fingerprint: Fingerprint | undefined;
  /** Its zstd frame, where it has one already; scratch as the plaintext is. */
  readonly made?: Uint8Array | undefined;
}

export interface SealedInto {
  readonly id: string;
  /** Bytes the blob takes in its pack; 0 when it was known already. */
  readonly addedBytes: number;
}

/**
 * Turns plaintext into packs: hash, look up, compress, seal, open again, collect. A full pack goes to `onPack`, whose
 * buffer comes back through the PackBuffers.
 */
export class BlobSealer {
  readonly #setup: WorkerSetup;
  readonly #index: BlobIndex;
  readonly #cipher: Cipher;
  readonly #compressor: Compressor;
  readonly #buffers: PackBuffers;
  readonly #onPack: (pack: FinishedPack) => void;
  readonly #builders = new Map<BlobType, PackBuilder>();
  /** Undefined when what was sealed is not to be opened again. */
  readonly #check: SealedBlobCheck | undefined;
  #compressed = Buffer.alloc(0);

  constructor(setup: WorkerSetup, buffers: PackBuffers, onPack: (pack: FinishedPack) => void) {
    this.#setup = setup;
    this.#index = BlobIndex.attach(setup.index);
    this.#cipher = createCipher(setup.secrets.masterKey);
    this.#compressor = createCompressor();
    this.#check = setup.verifySealed ? new SealedBlobCheck(this.#cipher, this.#compressor) : undefined;
    this.#buffers = buffers;
    this.#onPack = onPack;
  }

  /** Stores a blob unless the repository has it. The plaintext is scratch until this has resolved. */
  async store(type: BlobType, plaintext: Uint8Array): Promise<SealedInto> {
    // Before the hash, so that whatever changes afterwards shows.
    const fingerprint = this.fingerprint(plaintext);
    const id = hash('sha256', plaintext, 'hex');
    if (!this.#index.claim(type, id)) return { id, addedBytes: 0 };
    return { id, addedBytes: await this.storeClaimed(type, { id, plaintext, fingerprint }) };
  }

  /** As the storing of a claimed blob takes it; to be taken before the plaintext is hashed, where that is possible. */
  fingerprint(plaintext: Uint8Array): Fingerprint | undefined {
    return this.#check?.fingerprint(plaintext);
  }

  /**
   * Stores a blob that is known to be new and returns the bytes it takes. Throws RepositoryError `corrupt` when it does
   * not open again; then the pack that it was put into is gone, and blobs that were claimed with it.
   */
  async storeClaimed(type: BlobType, { id, plaintext, fingerprint, made }: ClaimedBlob): Promise<number> {
    const mayKeep = made !== undefined && this.#setup.secrets.compression;
    const frame = mayKeep ? made : this.#compress(type, plaintext);
    const stored = frame ?? plaintext;
    const builder = await this.#builderFor(type, stored.length + envelopeOverheadBytes);
    const envelope = builder.add(
      this.#cipher,
      id,
      stored,
      frame === undefined ? undefined : plaintext.length,
    );
    if (fingerprint !== undefined) {
      try {
        this.#check?.assertOpens({ id, envelope, frame, plaintext, fingerprint });
      } catch (error) {
        // With all that is in it: a job that runs after this one must not finish the pack that the bad blob is in.
        this.#builders.delete(type);
        throw error;
      }
    }
    if (builder.sizeBytes >= this.#setup.packSizeBytes) this.#finish(builder);
    return envelope.length;
  }

  /**
   * Takes over a blob that is known to be new and was sealed under this repository's key, unless `damageIn` finds any
   * in the envelope as it stands in the pack: then that comes back, and the blob is not stored.
   */
  async storeSealed(
    type: BlobType,
    blob: CopiedBlob,
    damageIn: (placed: Uint8Array) => RepositoryError | undefined,
  ): Promise<RepositoryError | undefined> {
    const builder = await this.#builderFor(type, blob.envelope.length);
    const damage = builder.addSealed(blob, damageIn);
    if (builder.sizeBytes >= this.#setup.packSizeBytes) this.#finish(builder);
    return damage;
  }

  /** The packs that are not full, with their buffers; nothing is left behind. */
  release(): OpenPack[] {
    const open = [...this.#builders.values()].map((builder) => builder.release());
    this.#builders.clear();
    for (const { buffer } of open) this.#buffers.forget(buffer);
    return open.filter(({ blobs }) => blobs.length > 0);
  }

  close(): void {
    this.#cipher.close();
    this.#compressor.close();
  }

  async #builderFor(type: BlobType, sealedBytes: number): Promise<PackBuilder> {
    const current = this.#builders.get(type);
    if (current?.fits(sealedBytes) === true) return current;
    if (current !== undefined) this.#finish(current);
    const builder = new PackBuilder(type, await this.#buffers.take(sealedBytes));
    this.#builders.set(type, builder);
    return builder;
  }

  #finish(builder: PackBuilder): void {
    this.#builders.delete(builder.type);
    this.#onPack(builder.finish(this.#cipher));
  }

  /**
   * The zstd frame, or undefined when the blob is better stored raw. Trees are always compressed: prune repacks others.
   */
  #compress(type: BlobType, plaintext: Uint8Array): Uint8Array | undefined {
    if (!this.#setup.secrets.compression || plaintext.length === 0) return undefined;
    const compression = this.#setup.compression;
    if (type === 'data' && (compression === 'off' || !isCompressible(plaintext))) return undefined;
    const level = compression === 'off' ? zstdLevels.auto : zstdLevels[compression];
    // Room for a frame that is larger than its input, as a small tree's may be.
    this.#compressed = roomIn(this.#compressed, plaintext.length + (plaintext.length >>> 7) + 1024);
    const length = this.#compressor.compressInto(plaintext, this.#compressed, level);
    if (length < 0 || (type === 'data' && length >= plaintext.length)) return undefined;
    return this.#compressed.subarray(0, length);
  }
}

function roomIn(buffer: Buffer<ArrayBuffer>, neededBytes: number): Buffer<ArrayBuffer> {
  if (buffer.length >= neededBytes) return buffer;
  return Buffer.allocUnsafeSlow(Math.max(neededBytes, Math.min(buffer.length * 2, chunkSizes.maximumBytes)));
}

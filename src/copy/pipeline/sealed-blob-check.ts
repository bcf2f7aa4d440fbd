import { RepositoryError } from '../../base/errors.ts';
import type { Compressor } from '../../repository/compression/compressor.ts';
import type { Cipher } from '../../repository/crypto/cipher.ts';
import { fingerprintFunction } from '../../repository/fingerprint.ts';
import type { Fingerprint } from '../../repository/fingerprint.ts';

/** A blob as it was put into a pack, with what it was made of. */
export interface SealedBlob {
  readonly id: string;
  readonly envelope: Uint8Array;
  /** The zstd frame in the envelope; undefined for a blob that is stored raw. */
  readonly frame: Uint8Array | undefined;
  readonly plaintext: Uint8Array;
  /** Of the plaintext, taken before it was hashed. */
  readonly fingerprint: Fingerprint;
}

/**
 * The look at a blob before it is uploaded, while its plaintext is there (flipped bits and a faulty compressor have
 * both reached restic's users: its issue 4523).
 *
 * Guaranteed: what the envelope opens to, decrypted and decompressed, has the fingerprint that the plaintext had before
 * its id was computed. So a bit that flips in memory from then on, in the plaintext, its frame or the envelope, and an
 * error of the cipher or the compressor are caught. Not caught: what changed before, while it was read; a processor
 * that computes the id itself wrong; and an error that sealing and opening share, as both apply the same keystream
 * under the same key. `check --read-data` on another machine finds the last two.
 */
export class SealedBlobCheck {
  readonly fingerprint = fingerprintFunction();
  readonly #cipher: Cipher;
  readonly #compressor: Compressor;

  constructor(cipher: Cipher, compressor: Compressor) {
    this.#cipher = cipher;
    this.#compressor = compressor;
  }

  /**
   * Opens the blob back into the places that it came from, which are wiped first: frame and plaintext hold the same
   * bytes afterwards. Throws RepositoryError `corrupt` where they would not.
   */
  assertOpens({ id, envelope, frame, plaintext, fingerprint }: SealedBlob): void {
    const stored = frame ?? plaintext;
    stored.fill(0);
    let length = this.#cipher.openInto(envelope, stored);
    if (frame !== undefined) {
      plaintext.fill(0);
      length = this.#compressor.decompressInto(frame, plaintext);
    }
    if (length === plaintext.length && this.fingerprint(plaintext) === fingerprint) return;
    throw new RepositoryError('corrupt', 'a blob changed between hashing and sealing', {
      where: id,
      advice: 'nothing of it was uploaded; check this machine’s memory, then run the pass again',
    });
  }
}

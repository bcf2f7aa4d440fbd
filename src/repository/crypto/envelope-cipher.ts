import { timingSafeEqual } from 'node:crypto';

import { RepositoryError, UsageError } from '../../base/errors.ts';
import { envelopeOverheadBytes } from './cipher.ts';
import type { Cipher, CipherImplementation } from './cipher.ts';
import { takeIv } from './iv-pool.ts';

/** Bytes of an IV and of a MAC alike. */
const blockBytes = 16;

/** The two algorithms of an envelope under one key. Implementations trust their caller: lengths are checked before. */
export interface EnvelopeAlgorithms {
  readonly implementation: CipherImplementation;
  /** AES-256-CTR: writes `input` XOR keystream to `output`, which is as long as `input` and not empty. */
  applyKeystream(iv: Uint8Array, input: Uint8Array, output: Uint8Array): void;
  /** Poly1305-AES: writes the 16-byte MAC of `message`, which may be empty, under `iv` to `mac`. */
  computeMac(iv: Uint8Array, message: Uint8Array, mac: Uint8Array): void;
  /** Wipes the key and frees memory. Called once; nothing is called afterwards. */
  close(): void;
}

/**
 * restic's envelope, `IV (16) | ciphertext | MAC (16)`, the MAC over the ciphertext alone (restic's design document,
 * "Keys, Encryption and MAC"). All rules about IVs, lengths and the order of checks stand here, once for every
 * implementation of the algorithms.
 */
export class EnvelopeCipher implements Cipher {
  readonly implementation: CipherImplementation;
  readonly #algorithms: EnvelopeAlgorithms;
  readonly #iv = Buffer.alloc(blockBytes);
  readonly #storedMac = Buffer.alloc(blockBytes);
  readonly #computedMac = Buffer.alloc(blockBytes);
  #closed = false;

  constructor(algorithms: EnvelopeAlgorithms) {
    this.implementation = algorithms.implementation;
    this.#algorithms = algorithms;
  }

  sealInto(plaintext: Uint8Array, out: Uint8Array, outOffset: number): number {
    this.#assertOpen();
    const length = plaintext.byteLength + envelopeOverheadBytes;
    // Native code writes without bounds, so this check is the only one there is.
    if (!Number.isSafeInteger(outOffset) || outOffset < 0 || outOffset + length > out.byteLength) {
      throw new UsageError('no room for the envelope in the output');
    }
    const ciphertextStart = outOffset + blockBytes;
    const ciphertextEnd = ciphertextStart + plaintext.byteLength;
    const ciphertext = out.subarray(ciphertextStart, ciphertextEnd);
    takeIv(this.#iv);
    if (plaintext.byteLength > 0) this.#algorithms.applyKeystream(this.#iv, plaintext, ciphertext);
    this.#algorithms.computeMac(this.#iv, ciphertext, this.#computedMac);
    out.set(this.#iv, outOffset);
    out.set(this.#computedMac, ciphertextEnd);
    return length;
  }

  openInto(envelope: Uint8Array, out: Uint8Array): number {
    this.#assertOpen();
    const length = plaintextLength(envelope);
    if (length > out.byteLength) throw new UsageError('no room for the plaintext in the output');
    this.#iv.set(envelope.subarray(0, blockBytes));
    if (this.#iv.every((byte) => byte === 0)) throw corrupt('encrypted data has an all-zero IV');
    const ciphertext = envelope.subarray(blockBytes, blockBytes + length);
    this.#algorithms.computeMac(this.#iv, ciphertext, this.#computedMac);
    this.#storedMac.set(envelope.subarray(blockBytes + length));
    if (!timingSafeEqual(this.#computedMac, this.#storedMac)) {
      throw corrupt('encrypted data does not match its MAC');
    }
    if (length > 0) this.#algorithms.applyKeystream(this.#iv, ciphertext, out.subarray(0, length));
    return length;
  }

  seal(plaintext: Uint8Array): Buffer {
    const out = Buffer.allocUnsafe(plaintext.byteLength + envelopeOverheadBytes);
    this.sealInto(plaintext, out, 0);
    return out;
  }

  open(envelope: Uint8Array): Buffer {
    const out = Buffer.allocUnsafe(plaintextLength(envelope));
    this.openInto(envelope, out);
    return out;
  }

  close(): void {
    if (!this.#closed) this.#algorithms.close();
    this.#closed = true;
  }

  /** Past this line a closed cipher would use freed memory, or seal under a wiped, all-zero key. */
  #assertOpen(): void {
    if (this.#closed) throw new UsageError('the cipher is closed');
  }
}

function plaintextLength(envelope: Uint8Array): number {
  const length = envelope.byteLength - envelopeOverheadBytes;
  if (length < 0) throw corrupt('encrypted data is shorter than its IV and MAC');
  return length;
}

function corrupt(what: string): RepositoryError {
  return new RepositoryError('corrupt', what);
}

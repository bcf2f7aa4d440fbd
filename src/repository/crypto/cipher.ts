/**
 * The three secrets every item of a repository is sealed with (restic's design document, "Keys, Encryption and MAC").
 */
export interface MasterKey {
  /** 32 bytes, AES-256. */
  readonly encrypt: Uint8Array;
  /** 16 bytes, AES-128 key that turns the IV into Poly1305's nonce. */
  readonly macK: Uint8Array;
  /** 16 bytes, Poly1305's r, unclamped. */
  readonly macR: Uint8Array;
}

/** Bytes an envelope adds to its plaintext: IV (16) in front, MAC (16) behind. */
export const envelopeOverheadBytes = 32;

/** `native`: the OpenSSL inside Node, called without copies. `portable`: node:crypto and Poly1305 in JavaScript. */
export type CipherImplementation = 'native' | 'portable';

/** Seals and opens envelopes under one key. Not shared between threads; each thread makes its own. */
export interface Cipher {
  readonly implementation: CipherImplementation;
  /**
   * Writes IV, ciphertext and MAC to `out` at `outOffset` and returns the bytes written. The IV is fresh random bytes.
   * `out` must not overlap the plaintext; it may lie in a SharedArrayBuffer or in WebAssembly memory.
   */
  sealInto(plaintext: Uint8Array, out: Uint8Array, outOffset: number): number;
  /**
   * Writes the plaintext to `out` at offset 0 and returns its length. Throws RepositoryError `corrupt` when the
   * envelope is too short, its IV is all zero, or its MAC does not match; `out` then holds nothing of the plaintext.
   * `out` must not overlap the envelope.
   */
  openInto(envelope: Uint8Array, out: Uint8Array): number;
  /** sealInto into a new buffer. */
  seal(plaintext: Uint8Array): Buffer;
  /** openInto into a new buffer. */
  open(envelope: Uint8Array): Buffer;
  /**
   * Frees native memory and wipes the key; the cipher must not be used afterwards. A cipher that is garbage collected
   * frees itself, but one that lives until its worker thread ends is leaked unless it is closed. Idempotent.
   */
  close(): void;
}

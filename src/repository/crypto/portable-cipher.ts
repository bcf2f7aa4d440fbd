import { createCipheriv } from 'node:crypto';
import type { Cipheriv } from 'node:crypto';

import { Poly1305 } from '@noble/ciphers/_poly1305.js';

import type { MasterKey } from './cipher.ts';
import type { EnvelopeAlgorithms } from './envelope-cipher.ts';

/** The envelope's algorithms by node:crypto and Poly1305 in JavaScript: slower, but it runs wherever Node does. */
export class PortableAlgorithms implements EnvelopeAlgorithms {
  readonly implementation = 'portable';
  readonly #encryptKey: Buffer;
  /** ECB keeps no state from block to block, so one cipher object serves every IV. */
  readonly #nonceCipher: Cipheriv;
  /** Poly1305's one-time key: r, which is fixed, then the encrypted IV. */
  readonly #oneTimeKey = Buffer.alloc(32);

  constructor(key: MasterKey) {
    this.#encryptKey = Buffer.from(key.encrypt);
    this.#nonceCipher = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
    this.#oneTimeKey.set(key.macR);
  }

  applyKeystream(iv: Uint8Array, input: Uint8Array, output: Uint8Array): void {
    output.set(createCipheriv('aes-256-ctr', this.#encryptKey, iv).update(input));
  }

  computeMac(iv: Uint8Array, message: Uint8Array, mac: Uint8Array): void {
    this.#oneTimeKey.set(this.#nonceCipher.update(iv), 16);
    const poly1305 = new Poly1305(this.#oneTimeKey);
    mac.set(poly1305.update(message).digest());
  }

  close(): void {
    this.#encryptKey.fill(0);
    this.#oneTimeKey.fill(0);
  }
}

import type { LibraryHandle } from 'koffi';

import { RepositoryError } from '../../base/errors.ts';
import { openNodeLibrary } from '../../base/node-library.ts';
import type { NativePointer } from '../../base/node-library.ts';
import type { MasterKey } from './cipher.ts';
import type { EnvelopeAlgorithms } from './envelope-cipher.ts';

/** EVP_EncryptUpdate counts in a C int. */
const maxUpdateBytes = 2 ** 30;

/**
 * The part of OpenSSL's EVP interface that an envelope needs. `new` and `fetch` return null on failure.
 */
interface OpenSsl {
  readonly cipherContextNew: () => NativePointer | null;
  readonly cipherContextFree: (context: NativePointer) => void;
  readonly aes256Ctr: () => NativePointer;
  readonly aes128Ecb: () => NativePointer;
  readonly encryptInit: (
    context: NativePointer,
    cipher: NativePointer | null,
    engine: null,
    key: Uint8Array | null,
    iv: Uint8Array | null,
  ) => number;
  readonly setPadding: (context: NativePointer, padding: number) => number;
  readonly encryptUpdate: (
    context: NativePointer,
    out: Uint8Array,
    outLength: Uint8Array,
    input: Uint8Array,
    inputLength: number,
  ) => number;
  readonly macFetch: (library: null, name: string, properties: null) => NativePointer | null;
  readonly macFree: (mac: NativePointer) => void;
  readonly macContextNew: (mac: NativePointer) => NativePointer | null;
  readonly macContextFree: (context: NativePointer) => void;
  readonly macInit: (context: NativePointer, key: Uint8Array, keyLength: number, parameters: null) => number;
  readonly macUpdate: (context: NativePointer, data: Uint8Array, length: number) => number;
  readonly macFinal: (context: NativePointer, out: Uint8Array, outLength: null, outSize: number) => number;
}

let openSsl: OpenSsl | undefined;

function bindOpenSsl(library: LibraryHandle): OpenSsl {
  return {
    cipherContextNew: library.func('void *EVP_CIPHER_CTX_new()'),
    cipherContextFree: library.func('void EVP_CIPHER_CTX_free(void *context)'),
    aes256Ctr: library.func('void *EVP_aes_256_ctr()'),
    aes128Ecb: library.func('void *EVP_aes_128_ecb()'),
    encryptInit: library.func(
      'int EVP_EncryptInit_ex(void *context, void *cipher, void *engine, void *key, void *iv)',
    ),
    setPadding: library.func('int EVP_CIPHER_CTX_set_padding(void *context, int padding)'),
    encryptUpdate: library.func(
      'int EVP_EncryptUpdate(void *context, void *out, void *outLength, void *input, int inputLength)',
    ),
    macFetch: library.func('void *EVP_MAC_fetch(void *library, const char *name, const char *properties)'),
    macFree: library.func('void EVP_MAC_free(void *mac)'),
    macContextNew: library.func('void *EVP_MAC_CTX_new(void *mac)'),
    macContextFree: library.func('void EVP_MAC_CTX_free(void *context)'),
    macInit: library.func('int EVP_MAC_init(void *context, void *key, size_t keyLength, void *parameters)'),
    macUpdate: library.func('int EVP_MAC_update(void *context, void *data, size_t length)'),
    macFinal: library.func('int EVP_MAC_final(void *context, void *out, void *outLength, size_t outSize)'),
  };
}

/** Native memory of one cipher. Held apart from it, so that the finalizer does not keep the cipher alive. */
class Contexts {
  readonly #ssl: OpenSsl;
  readonly #cipherContexts: NativePointer[] = [];
  #macContext: NativePointer | undefined;

  constructor(ssl: OpenSsl) {
    this.#ssl = ssl;
  }

  newCipherContext(cipher: NativePointer, key: Uint8Array): NativePointer {
    const context = present(this.#ssl.cipherContextNew(), 'EVP_CIPHER_CTX_new');
    this.#cipherContexts.push(context);
    check(this.#ssl.encryptInit(context, cipher, null, key, null), 'EVP_EncryptInit_ex');
    check(this.#ssl.setPadding(context, 0), 'EVP_CIPHER_CTX_set_padding');
    return context;
  }

  newMacContext(algorithm: string): NativePointer {
    const mac = present(this.#ssl.macFetch(null, algorithm, null), 'EVP_MAC_fetch');
    try {
      this.#macContext = present(this.#ssl.macContextNew(mac), 'EVP_MAC_CTX_new');
      return this.#macContext;
    } finally {
      this.#ssl.macFree(mac);
    }
  }

  /** Idempotent; OpenSSL wipes the keys as it frees. */
  free(): void {
    for (const context of this.#cipherContexts.splice(0)) this.#ssl.cipherContextFree(context);
    if (this.#macContext !== undefined) this.#ssl.macContextFree(this.#macContext);
    this.#macContext = undefined;
  }
}

const abandoned = new FinalizationRegistry<Contexts>((contexts) => {
  contexts.free();
});

/**
 * The envelope's algorithms by the OpenSSL inside Node. Key schedules are computed once; an item costs six calls and no
 * copy. The constructor throws where OpenSSL's symbols are not exported.
 */
export class NativeAlgorithms implements EnvelopeAlgorithms {
  readonly implementation = 'native';
  readonly #ssl: OpenSsl;
  readonly #contexts: Contexts;
  readonly #keystream: NativePointer;
  readonly #nonce: NativePointer;
  readonly #mac: NativePointer;
  /** Poly1305's one-time key: r, which is fixed, then the encrypted IV. */
  readonly #oneTimeKey = Buffer.alloc(32);
  readonly #oneTimeNonce = this.#oneTimeKey.subarray(16);
  readonly #writtenLength = Buffer.alloc(8);

  constructor(key: MasterKey) {
    const library = openNodeLibrary();
    if (library === undefined) throw new RepositoryError('unsupported', 'native code cannot be called here');
    openSsl ??= bindOpenSsl(library);
    this.#ssl = openSsl;
    this.#contexts = new Contexts(openSsl);
    abandoned.register(this, this.#contexts, this);
    this.#keystream = this.#contexts.newCipherContext(openSsl.aes256Ctr(), key.encrypt);
    this.#nonce = this.#contexts.newCipherContext(openSsl.aes128Ecb(), key.macK);
    this.#mac = this.#contexts.newMacContext('POLY1305');
    this.#oneTimeKey.set(key.macR);
  }

  applyKeystream(iv: Uint8Array, input: Uint8Array, output: Uint8Array): void {
    check(this.#ssl.encryptInit(this.#keystream, null, null, null, iv), 'EVP_EncryptInit_ex');
    if (input.byteLength <= maxUpdateBytes) {
      this.#encrypt(this.#keystream, input, output);
      return;
    }
    for (let start = 0; start < input.byteLength; start += maxUpdateBytes) {
      const end = Math.min(input.byteLength, start + maxUpdateBytes);
      this.#encrypt(this.#keystream, input.subarray(start, end), output.subarray(start, end));
    }
  }

  computeMac(iv: Uint8Array, message: Uint8Array, mac: Uint8Array): void {
    this.#encrypt(this.#nonce, iv, this.#oneTimeNonce);
    check(this.#ssl.macInit(this.#mac, this.#oneTimeKey, 32, null), 'EVP_MAC_init');
    if (message.byteLength > 0) {
      check(this.#ssl.macUpdate(this.#mac, message, message.byteLength), 'EVP_MAC_update');
    }
    check(this.#ssl.macFinal(this.#mac, mac, null, 16), 'EVP_MAC_final');
  }

  close(): void {
    abandoned.unregister(this);
    this.#contexts.free();
    this.#oneTimeKey.fill(0);
  }

  #encrypt(context: NativePointer, input: Uint8Array, output: Uint8Array): void {
    const status = this.#ssl.encryptUpdate(context, output, this.#writtenLength, input, input.byteLength);
    check(status, 'EVP_EncryptUpdate');
  }
}

function present(pointer: NativePointer | null, name: string): NativePointer {
  if (pointer === null) throw failed(name);
  return pointer;
}

function check(status: number, name: string): void {
  if (status !== 1) throw failed(name);
}

function failed(name: string): RepositoryError {
  return new RepositoryError('unsupported', 'OpenSSL refused an operation', { where: name });
}

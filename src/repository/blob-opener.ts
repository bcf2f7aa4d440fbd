import { openBlob } from './blob-reader.ts';
import type { BlobRoom, SealedBlob } from './blob-reader.ts';
import { chunkSizes } from './chunker/chunker.ts';
import { createCompressor } from './compression/open-compressor.ts';
import type { MasterKey } from './crypto/cipher.ts';
import { createCipher } from './crypto/open-cipher.ts';

/** Opens one blob after the other in the same memory. Not shared between threads. */
export class BlobOpener {
  readonly #tools;
  readonly #room: BlobRoom;

  constructor(masterKey: MasterKey) {
    this.#tools = { cipher: createCipher(masterKey), compressor: createCompressor() };
    this.#room = { decrypted: reusedBuffer(), decompressed: reusedBuffer() };
  }

  /** As {@link openBlob}; the bytes are valid until the next call. */
  open(sealed: Uint8Array, blob: SealedBlob, packId: string): Buffer {
    return openBlob(sealed, blob, packId, this.#tools, this.#room);
  }

  close(): void {
    this.#tools.cipher.close();
    this.#tools.compressor.close();
  }
}

/** A buffer that grows to a chunk's greatest length; what is longer, as only a hostile blob is, is not kept. */
function reusedBuffer(): (lengthBytes: number) => Buffer {
  let kept = Buffer.allocUnsafeSlow(2 ** 16);
  return (lengthBytes) => {
    if (lengthBytes <= kept.length) return kept;
    if (lengthBytes > chunkSizes.maximumBytes) return Buffer.allocUnsafeSlow(lengthBytes);
    kept = Buffer.allocUnsafeSlow(Math.min(chunkSizes.maximumBytes, Math.max(lengthBytes, kept.length * 2)));
    return kept;
  };
}

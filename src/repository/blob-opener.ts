import { openBlob } from './blob-reader.ts';
import type { BlobRoom, SealedBlob } from './blob-reader.ts';
import { chunkSizes } from './chunker/chunker.ts';
import { createCompressor } from './compression/open-compressor.ts';
import { envelopeOverheadBytes } from './crypto/cipher.ts';
import type { MasterKey } from './crypto/cipher.ts';
import { createCipher } from './crypto/open-cipher.ts';

export interface OpenedBlob {
  readonly plaintext: Buffer;
  /** What the plaintext came from; undefined for a blob that is stored raw. */
  readonly frame: Buffer | undefined;
}

/** Opens one blob after the other in the same memory. Not shared between threads. */
export class BlobOpener {
  readonly #tools;
  readonly #room: BlobRoom;
  /** What was decrypted last stands in it. */
  #decrypted: Buffer = Buffer.alloc(0);

  constructor(masterKey: MasterKey) {
    this.#tools = { cipher: createCipher(masterKey), compressor: createCompressor() };
    const decrypted = reusedBuffer();
    this.#room = {
      decrypted: (lengthBytes) => (this.#decrypted = decrypted(lengthBytes)),
      decompressed: reusedBuffer(),
    };
  }

  /** As {@link openBlob}; the bytes are valid until the next call. */
  open(sealed: Uint8Array, blob: SealedBlob, packId: string): Buffer {
    return openBlob(sealed, blob, packId, this.#tools, this.#room);
  }

  /** As `open`, with the zstd frame. */
  openWithFrame(sealed: Uint8Array, blob: SealedBlob, packId: string): OpenedBlob {
    const plaintext = this.open(sealed, blob, packId);
    if (blob.uncompressedLength === 0) return { plaintext, frame: undefined };
    return { plaintext, frame: this.#decrypted.subarray(0, sealed.byteLength - envelopeOverheadBytes) };
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

import type { Compressor } from './compression/compressor.ts';
import { findFrames } from './compression/frames.ts';
import type { Cipher } from './crypto/cipher.ts';

/**
 * Memory in which one document after the other is opened. An index of a million blobs is 150 MiB of JSON, which in
 * buffers of their own waits for the garbage collector; so it takes 8 MiB.
 */
export class DocumentRoom {
  #plaintext = Buffer.alloc(0);
  #json = Buffer.alloc(0);

  open(cipher: Cipher, sealed: Uint8Array): Uint8Array {
    if (this.#plaintext.length < sealed.length) this.#plaintext = roomFor(sealed.length);
    return this.#plaintext.subarray(0, cipher.openInto(sealed, this.#plaintext));
  }

  decompressorOf(compressor: Compressor): Pick<Compressor, 'decompress'> {
    return {
      decompress: (frames, limitBytes) => {
        const bound = findFrames(frames).reduce((total, frame) => total + frame.boundBytes, 0);
        const neededBytes = Math.min(bound, limitBytes);
        if (this.#json.length < neededBytes) this.#json = roomFor(neededBytes);
        const out = this.#json.subarray(0, neededBytes);
        return out.subarray(0, compressor.decompressInto(frames, out));
      },
    };
  }
}

function roomFor(bytes: number): Buffer<ArrayBuffer> {
  return Buffer.allocUnsafeSlow(bytes + (bytes >>> 3));
}

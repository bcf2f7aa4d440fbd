import { RepositoryError } from '../base/errors.ts';
import { toHex } from '../base/hex.ts';

const idBytes = 32;

/** Numbers packs, so that the blob index can name a pack in 31 bits. 36 bytes a pack. */
export class PackTable {
  #ids = Buffer.alloc(1024 * idBytes);
  #blobsBytes = new Uint32Array(1024);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** Gives the pack the next number; its id is hex or 32 bytes. `blobsBytes` is where its last blob ends. */
  add(id: string | Uint8Array, blobsBytes: number): number {
    if ((this.#count + 1) * idBytes > this.#ids.length) {
      const larger = Buffer.alloc(this.#ids.length * 2);
      this.#ids.copy(larger);
      this.#ids = larger;
      const moreBytes = new Uint32Array(this.#blobsBytes.length * 2);
      moreBytes.set(this.#blobsBytes);
      this.#blobsBytes = moreBytes;
    }
    if (typeof id === 'string') this.#ids.write(id, this.#count * idBytes, 'hex');
    else this.#ids.set(id, this.#count * idBytes);
    this.#blobsBytes[this.#count] = blobsBytes;
    return this.#count++;
  }

  blobsBytesOf(packNumber: number): number {
    return this.#blobsBytes[packNumber] ?? 0;
  }

  idOf(packNumber: number): string {
    if (packNumber >= this.#count)
      throw new RepositoryError('corrupt', `pack number ${packNumber} is not known`);
    return toHex(this.#ids.subarray(packNumber * idBytes, (packNumber + 1) * idBytes));
  }
}

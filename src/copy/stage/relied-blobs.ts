import { BlobIndex } from '../../repository/blob-index.ts';
import { growShared } from '../../repository/grow-shared.ts';

const idBytes = 32;

/**
 * Which blobs of the index a snapshot will refer to, one bit a row, in shared memory: whichever thread finds that a
 * file stands in the parent's tree as it is notes its blobs.
 */
export class ReliedBlobs {
  readonly blobs: BlobIndex;
  /** Can be posted to another thread, which makes a set of its own of it. */
  readonly memory: SharedArrayBuffer;
  #words: Int32Array;

  constructor(blobs: BlobIndex, memory = emptyMemory()) {
    this.blobs = blobs;
    this.memory = memory;
    this.#words = viewOf(memory);
  }

  add(type: 'data' | 'tree', id: string): void {
    const row = this.blobs.rowOf(type, id);
    if (row >= 0) this.#set(row);
  }

  /**
   * Adds a file's content, given as ids one after the other: all of it or, where the index lacks a blob, nothing. False
   * then.
   */
  addContent(ids: Uint8Array): boolean {
    const { blobs } = this;
    const firstRow = ids.length === 0 ? -1 : blobs.rowOfBytesAt('data', ids, 0);
    if (ids.length === 0) return true;
    if (firstRow < 0) return false;
    for (let start = idBytes; start < ids.length; start += idBytes) {
      if (blobs.rowOfBytesAt('data', ids, start) < 0) return false;
    }
    this.#set(firstRow);
    for (let start = idBytes; start < ids.length; start += idBytes) {
      this.#set(blobs.rowOfBytesAt('data', ids, start));
    }
    return true;
  }

  *rows(): Generator<number> {
    for (const [word, bits] of viewOf(this.memory).entries()) {
      for (let bit = 0; bit < 32; bit++) if (((bits >>> bit) & 1) === 1) yield word * 32 + bit;
    }
  }

  #set(row: number): void {
    const word = row >>> 5;
    if (word >= this.#words.length) {
      growShared(this.memory, (word + 1) * 4);
      this.#words = viewOf(this.memory);
    }
    const bit = 1 << (row & 31);
    if (((this.#words[word] ?? 0) & bit) === 0) Atomics.or(this.#words, word, bit);
  }
}

function emptyMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(1024, { maxByteLength: BlobIndex.maximumRows / 8 });
}

/** Of a fixed length, as the blob index's views: those that track the length are several times slower. */
function viewOf(memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory, 0, Math.floor(memory.byteLength / 4));
}

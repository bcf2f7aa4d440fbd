import { createCipheriv } from 'node:crypto';
import type { Chunker } from '../../src/repository/chunker/chunker.ts';
import { chunkSizes } from '../../src/repository/chunker/chunker.ts';

/**
 * The AES-256-CTR keystream under a key of `keyByte`s from a zero counter block on: the same bytes on every machine.
 */
export function keystream(sizeBytes: number, keyByte = 0): Buffer {
  const cipher = createCipheriv('aes-256-ctr', Buffer.alloc(32, keyByte), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(sizeBytes));
}

/**
 * Chunks a file as an engine does: fills the window, takes chunks while a maximum is there, moves the rest to the
 * front.
 * `fillBytes` says up to how much of the window the next reads fill it; at least a maximum chunk.
 */
export function chunkFile(
  chunker: Chunker,
  file: Uint8Array,
  fillBytes: () => number = () => chunker.window.length,
): number[] {
  const lengths: number[] = [];
  let position = 0;
  let start = 0;
  let end = 0;
  for (;;) {
    chunker.window.copyWithin(0, start, end);
    end -= start;
    start = 0;
    const read = file.subarray(position, position + Math.max(0, fillBytes() - end));
    chunker.window.set(read, end);
    end += read.length;
    position += read.length;
    const isLast = position === file.length;
    const enoughBytes = isLast ? 1 : chunkSizes.maximumBytes;
    while (end - start >= enoughBytes) {
      const length = chunker.nextChunk(start, end, isLast);
      if (length === 0) throw new Error(`no chunk in ${end - start} bytes`);
      lengths.push(length);
      start += length;
    }
    if (isLast) return lengths;
  }
}

/** The chunks themselves. */
export function slices(file: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let offset = 0;
  return lengths.map((length) => file.subarray(offset, (offset += length)));
}

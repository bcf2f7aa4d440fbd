import { readOnceAt } from '../../base/file-system.ts';
import { chunkSizes } from '../../repository/chunker/chunker.ts';
import type { ByteSource } from './protocol.ts';

/** One read; larger reads gain nothing measurable and leave the processor's cache. */
const readBytes = 2 ** 20;

/**
 * A view that moves over an open file or a section, in a chunker's window. Refills when less than a maximum chunk is
 * left, so that the bytes which are moved to the front stay a fraction of those read.
 */
export class FileWindow {
  readonly #window: Uint8Array;
  readonly #source: ByteSource;
  readonly #expectedEnd: number | undefined;
  /** File offset of the window's first byte. */
  #base: number;
  #start = 0;
  #end = 0;
  #isEnd = false;

  /**
   * Where `expectedEnd` is given, a read that comes out short just there is taken for the end of the file: a small
   * file then needs no second read that returns nothing. Whoever reads must look at the size again afterwards.
   */
  constructor(window: Uint8Array, source: ByteSource, position: number, expectedEnd?: number) {
    this.#window = window;
    this.#source = source;
    this.#base = position;
    this.#expectedEnd = expectedEnd;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  /** True when the window reaches to the end of the file. */
  get isEnd(): boolean {
    return this.#isEnd;
  }

  /** File offset of `start`. */
  get position(): number {
    return this.#base + this.#start;
  }

  /** True when the next chunk can be told without a refill. */
  get isReady(): boolean {
    return this.#isEnd || this.#end - this.#start >= chunkSizes.maximumBytes;
  }

  /** Guaranteed afterwards: a maximum chunk stands at `start`, or all that is left of the file. */
  refill(): void {
    this.#window.copyWithin(0, this.#start, this.#end);
    this.#base += this.#start;
    this.#end -= this.#start;
    this.#start = 0;
    while (this.#end < this.#window.length && !this.#isEnd) {
      const room = this.#window.subarray(this.#end, Math.min(this.#window.length, this.#end + readBytes));
      const got = readFrom(this.#source, room, this.#base + this.#end);
      this.#end += got;
      this.#isEnd = got === 0 || (got < room.length && this.#base + this.#end === this.#expectedEnd);
    }
  }

  chunk(lengthBytes: number): Uint8Array {
    return this.#window.subarray(this.#start, this.#start + lengthBytes);
  }

  advance(lengthBytes: number): void {
    this.#start += lengthBytes;
  }

  /** Goes on behind `lengthBytes` that need not be read; what was read ahead is dropped. */
  skip(lengthBytes: number): void {
    this.#base = this.position + lengthBytes;
    this.#start = 0;
    this.#end = 0;
    this.#isEnd = false;
  }
}

/** Reads until `into` is full or the source ends; returns the bytes read. */
export function readFully(source: ByteSource, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.length) {
    const got = readFrom(source, into.subarray(done, done + readBytes), position + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

function readFrom(source: ByteSource, into: Uint8Array, position: number): number {
  if (source.kind === 'file') return readOnceAt(source.fd, into, position);
  const length = Math.max(0, Math.min(into.length, source.lengthBytes - position));
  into.set(new Uint8Array(source.buffer, Math.min(position, source.lengthBytes), length));
  return length;
}

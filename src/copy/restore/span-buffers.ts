import { largestSpanBytes } from './chunk-references.ts';

/** Room for any span but one of a single outsize blob; of a buffer only what is used is touched. */
const bufferBytes = largestSpanBytes;

/** As much as the spans in memory may take together. */
const keptBuffers = 12;

/** Shared memory for spans, used again and again: workers read there what this thread has fetched, without a copy. */
export class SpanBuffers {
  readonly #free: SharedArrayBuffer[] = [];

  take(lengthBytes: number): Uint8Array<SharedArrayBuffer> {
    const kept = lengthBytes <= bufferBytes ? this.#free.pop() : undefined;
    return new Uint8Array(kept ?? new SharedArrayBuffer(Math.max(lengthBytes, bufferBytes)), 0, lengthBytes);
  }

  /** The jobs that read it have ended. */
  giveBack({ buffer }: Uint8Array<SharedArrayBuffer>): void {
    if (buffer.byteLength === bufferBytes && this.#free.length < keptBuffers) this.#free.push(buffer);
  }
}

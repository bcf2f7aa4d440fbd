import { chunkSizes } from '../../repository/chunker/chunker.ts';

/** Room behind the target size for the blob that crosses it, its envelope, and the header. */
const slackBytes = chunkSizes.maximumBytes + 2 ** 20;

/** One a type being filled, and one on its way to the store: more would only add memory. */
const buffersPerWorker = 3;

/**
 * The pack buffers of one worker, in shared memory: transferring ordinary ones cost a sixth of the wall time of a first
 * pass over 1 GiB and a quarter of its peak memory, most of it in the garbage collector. They go to the uploading
 * thread and come back, but for those of unfinished packs; when all are away, `take` waits, which is what keeps a fast
 * reader from filling the memory before a slow store.
 */
export class PackBuffers {
  readonly #bufferBytes: number;
  readonly #free: SharedArrayBuffer[] = [];
  readonly #waiting: ((buffer: SharedArrayBuffer) => void)[] = [];
  #allocated = 0;

  constructor(packSizeBytes: number) {
    this.#bufferBytes = packSizeBytes + slackBytes;
  }

  /** A buffer in which a blob of this sealed length fits; an outsize blob (a vast directory) gets one of its own. */
  async take(sealedBytes: number): Promise<SharedArrayBuffer> {
    if (sealedBytes > slackBytes) return new SharedArrayBuffer(sealedBytes + slackBytes);
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#allocated < buffersPerWorker) {
      this.#allocated++;
      return new SharedArrayBuffer(this.#bufferBytes);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** For a buffer that was taken and does not come back: another may be made instead. To be called between jobs. */
  forget(buffer: ArrayBufferLike): void {
    if (buffer.byteLength === this.#bufferBytes) this.#allocated--;
  }

  giveBack(buffer: SharedArrayBuffer): void {
    if (buffer.byteLength !== this.#bufferBytes) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#free.push(buffer);
    else waiting(buffer);
  }
}

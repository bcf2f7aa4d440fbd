import { unpackError } from '../../base/error-transport.ts';
import { RepositoryError, asError, throwIfAborted } from '../../base/errors.ts';
import { isDamage } from '../../repository/blob-reader.ts';
import { keyOf } from '../../repository/format/file-kind.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { Repository } from '../../repository/repository.ts';
import type { BlobToCopy } from '../pipeline/protocol.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import { ChunkReferences } from '../restore/chunk-references.ts';
import type { PackSpan } from '../restore/chunk-references.ts';
import { SpanBuffers } from '../restore/span-buffers.ts';

/** Spans in memory, fetched or being worked on. */
const aheadBytes = 96 * 2 ** 20;
/** Bounds the memory of what is noted, where blobs are small. */
const mostNotedBlobs = 2 ** 18;

export interface DataCopierOptions {
  readonly source: Repository;
  readonly index: LoadedIndex;
  readonly pool: WorkerPool;
  /** What is noted before it is copied. */
  readonly mostNotedBytes: number;
  /** Told of every span, with the bytes of its blobs. */
  readonly onCopied: (sealedBytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** Fetches data blobs from the source's packs, neighbours with one request, and has workers take them over. */
export class DataCopier {
  readonly #options: DataCopierOptions;
  readonly #buffers = new SpanBuffers();
  /** Blobs that could not be copied, with the reason. */
  readonly failures = new Map<string, Error>();
  #noted = new ChunkReferences();
  #notedBytes = 0;

  constructor(options: DataCopierOptions) {
    this.#options = options;
  }

  /** Notes a blob of the source's index that the target lacks and that the caller has claimed. */
  add(row: number, sealedBytes: number): void {
    this.#noted.add({ row, file: 0, position: 0 });
    this.#notedBytes += sealedBytes;
  }

  /** True when what is noted should be copied before more is. */
  get isFull(): boolean {
    return this.#notedBytes >= this.#options.mostNotedBytes || this.#noted.count >= mostNotedBlobs;
  }

  /** Copies what is noted. Guaranteed when it has settled: nothing of it goes on. */
  async copyNoted(): Promise<void> {
    const { pool, signal, source, index } = this.#options;
    const spans = this.#noted.spans(index);
    this.#noted = new ChunkReferences();
    this.#notedBytes = 0;
    const mostSpans = pool.workers + source.store.capabilities.connections;
    const copying = new Set<Promise<void>>();
    let heldBytes = 0;
    let failure: Error | undefined;
    for (const span of spans) {
      const sizeBytes = span.end - span.start;
      while (copying.size > 0 && (copying.size >= mostSpans || heldBytes + sizeBytes > aheadBytes)) {
        await Promise.race(copying);
      }
      if (failure !== undefined || signal?.aborted === true) break;
      heldBytes += sizeBytes;
      const done: Promise<void> = this.#copySpan(span)
        .catch((error: unknown) => {
          failure ??= asError(error);
        })
        .finally(() => {
          heldBytes -= sizeBytes;
          copying.delete(done);
        });
      copying.add(done);
    }
    await Promise.all(copying);
    throwIfAborted(signal);
    if (failure !== undefined) throw failure;
  }

  async #copySpan(span: PackSpan): Promise<void> {
    const bytes = this.#buffers.take(span.end - span.start);
    const blobs = span.references.map(({ row }) => this.#blobAt(row, span.start));
    try {
      const damaged = await this.#attempt(span, blobs, bytes);
      // A damaged answer is fetched once more: most such damage happens on the way.
      const again = blobs.filter(({ id }) => damaged.has(id));
      const failed = again.length === 0 ? damaged : await this.#attempt(span, again, bytes);
      for (const [id, error] of failed) this.failures.set(id, error);
    } finally {
      this.#buffers.giveBack(bytes);
    }
    this.#options.onCopied(blobs.reduce((total, { length }) => total + length, 0));
  }

  #blobAt(row: number, start: number): BlobToCopy {
    const { blobs } = this.#options.index;
    const place = blobs.locationAt(row);
    if (place === undefined) throw new Error('a blob without a place was to be copied');
    const { offset, length, uncompressedLength } = place;
    return { id: blobs.idAt(row).toString('hex'), offset: offset - start, length, uncompressedLength };
  }

  /** Returns the blobs that are damaged or not there; guaranteed when it has settled: no job reads the bytes. */
  async #attempt(
    span: PackSpan,
    blobs: readonly BlobToCopy[],
    bytes: Uint8Array<SharedArrayBuffer>,
  ): Promise<ReadonlyMap<string, Error>> {
    const unavailable = await this.#fetch(span, bytes);
    if (unavailable !== undefined) return new Map(blobs.map(({ id }) => [id, unavailable]));
    const failures = await this.#options.pool.run('copy-blobs', { packId: span.packId, bytes, blobs });
    return new Map(failures.map(({ id, error }) => [id, unpackError(error)]));
  }

  /** Returns the error where the store does not have all of the span. */
  async #fetch(
    { packId, start, end }: PackSpan,
    into: Uint8Array<SharedArrayBuffer>,
  ): Promise<RepositoryError | undefined> {
    const { source, signal } = this.#options;
    const key = keyOf('data', packId);
    try {
      await source.store.read(key, { start, end }, into, { signal });
      return undefined;
    } catch (cause) {
      throwIfAborted(signal);
      if (!isDamage(cause)) throw cause;
      return new RepositoryError('corrupt', 'the pack is missing or too short', { where: key, cause });
    }
  }
}

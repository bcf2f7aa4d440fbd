import { RepositoryError, asError, throwIfAborted } from '../../base/errors.ts';
import { unpackError } from '../../base/error-transport.ts';
import { isDamage } from '../../repository/blob-reader.ts';
import { keyOf } from '../../repository/format/file-kind.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { Repository } from '../../repository/repository.ts';
import { allSettled } from '../pipeline/all-settled.ts';
import type { BlobFailure } from '../pipeline/protocol.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { ChunkReference, PackSpan } from './chunk-references.ts';
import { JobLimit } from './job-limit.ts';
import type { RestoredFiles } from './restored-files.ts';
import { SpanBuffers } from './span-buffers.ts';
import type { TargetFolders } from './target-folders.ts';
import { WholeFiles, noBytes } from './whole-files.ts';
import type { PackBytes } from './whole-files.ts';
import { batchesOf, blobsToWrite } from './write-batch.ts';
import type { BatchBlob } from './write-batch.ts';

/** Spans in memory, fetched or on their way: enough of them to hide the latency of a store behind many requests. */
const aheadBytes = 96 * 2 ** 20;

export interface SpanWriterOptions {
  readonly repository: Repository;
  readonly index: LoadedIndex;
  readonly pool: WorkerPool;
  readonly files: RestoredFiles;
  readonly folders: TargetFolders;
  readonly sparse: boolean;
  readonly mayDelete: boolean;
  readonly synchronise: boolean;
  readonly tick: () => void;
  readonly signal: AbortSignal | undefined;
}

/** The chunks of a span that were not written, each with the reason. */
type Failures = Map<ChunkReference, Error>;

/** Fetches parts of packs and has their chunks written, in any order. */
export class SpanWriter {
  readonly #options: SpanWriterOptions;
  readonly #limit: JobLimit;
  readonly #buffers = new SpanBuffers();
  readonly #whole: WholeFiles;

  constructor(options: SpanWriterOptions) {
    this.#options = options;
    this.#limit = new JobLimit(options.pool.workers);
    this.#whole = new WholeFiles({ ...options, limit: this.#limit });
  }

  /** Makes new files that hold nothing. Guaranteed when it has settled: nothing of it goes on. */
  async makeEmpty(indexes: readonly number[]): Promise<void> {
    await this.#whole.make(indexes, noBytes);
  }

  /** Guaranteed when it has settled: nothing of it goes on. */
  async writeAll(): Promise<void> {
    const { pool, signal, files, index, repository } = this.#options;
    const mostSpans = pool.workers + repository.store.capabilities.connections;
    const writing = new Set<Promise<void>>();
    let heldBytes = 0;
    let failure: Error | undefined;
    for (const span of files.references.spans(index)) {
      const sizeBytes = span.end - span.start;
      while (writing.size > 0 && (writing.size >= mostSpans || heldBytes + sizeBytes > aheadBytes)) {
        await Promise.race(writing);
      }
      if (failure !== undefined || signal?.aborted === true) break;
      heldBytes += sizeBytes;
      const done: Promise<void> = this.#writeSpan(span)
        .catch((error: unknown) => {
          failure ??= asError(error);
        })
        .finally(() => {
          heldBytes -= sizeBytes;
          writing.delete(done);
        });
      writing.add(done);
    }
    await Promise.all(writing);
    throwIfAborted(signal);
    if (failure !== undefined) throw failure;
  }

  async #writeSpan(span: PackSpan): Promise<void> {
    const bytes = this.#buffers.take(span.end - span.start);
    try {
      const damaged = await this.#attempt(span, span.references, bytes);
      // A damaged answer is fetched once more: most such damage happens on the way.
      const failed = damaged.size === 0 ? damaged : await this.#attempt(span, [...damaged.keys()], bytes);
      for (const [reference, error] of failed) this.#options.files.chunkFailed(reference, error);
    } finally {
      this.#buffers.giveBack(bytes);
    }
  }

  /** Returns the chunks whose blobs are damaged; guaranteed when it has settled: no job reads the bytes any more. */
  async #attempt(
    span: PackSpan,
    references: readonly ChunkReference[],
    bytes: Uint8Array<SharedArrayBuffer>,
  ): Promise<Failures> {
    const unavailable = await this.#fetch(span, bytes);
    if (unavailable !== undefined) {
      for (const reference of references) this.#options.files.chunkFailed(reference, unavailable);
      return new Map();
    }
    const source = { packId: span.packId, start: span.start, bytes };
    const { whole, parts } = this.#divide(references);
    const jobs = [...batchesOf(parts)].map((batch) => this.#limit.run(() => this.#writeBatch(source, batch)));
    const [made, ...written] = await allSettled([this.#makeWhole(whole, source), ...jobs]);
    this.#options.tick();
    return new Map([made, ...written].flatMap((failures) => [...(failures ?? [])]));
  }

  /** Whole files, with their chunks, and the chunks of all others. */
  #divide(references: readonly ChunkReference[]): {
    whole: Map<number, ChunkReference[]>;
    parts: ChunkReference[];
  } {
    const whole = new Map<number, ChunkReference[]>();
    for (const reference of references) {
      const known = whole.get(reference.file);
      if (known === undefined) whole.set(reference.file, [reference]);
      else known.push(reference);
    }
    for (const [file, own] of whole) {
      if (!this.#options.files.isWhole(file, own.length)) whole.delete(file);
    }
    return { whole, parts: references.filter(({ file }) => !whole.has(file)) };
  }

  async #makeWhole(whole: Map<number, ChunkReference[]>, source: PackBytes): Promise<Failures> {
    const damaged: Failures = new Map();
    for (const [file, error] of await this.#whole.make([...whole.keys()], source)) {
      for (const reference of whole.get(file) ?? []) damaged.set(reference, error);
    }
    return damaged;
  }

  /** Returns the error where the store does not have all of the span. */
  async #fetch(
    { packId, start, end }: PackSpan,
    into: Uint8Array<SharedArrayBuffer>,
  ): Promise<RepositoryError | undefined> {
    const { repository, signal } = this.#options;
    const key = keyOf('data', packId);
    try {
      await repository.store.read(key, { start, end }, into, { signal });
      return undefined;
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      return new RepositoryError('corrupt', 'the pack is missing or too short', { where: key, cause });
    }
  }

  /** Returns the chunks whose blobs are damaged. */
  async #writeBatch(source: PackBytes, batch: readonly ChunkReference[]): Promise<Failures> {
    const { files, index, pool, sparse, synchronise } = this.#options;
    const references = batch.filter((reference) => files.acquire(reference));
    const blobs = blobsToWrite(references, source.start, index, (reference) => files.target(reference));
    const { packId, bytes } = source;
    const request = { packId, bytes, blobs: blobs.map((entry) => entry.blob), sparse, synchronise };
    const { failures } = await pool.run('write-blobs', request);
    const failed = failuresOf(blobs, failures);
    for (const reference of references) files.release(reference);
    for (const reference of references) {
      const error = failed.get(reference);
      if (error === undefined) files.chunkWritten(reference);
      else if (!(error instanceof RepositoryError)) files.chunkFailed(reference, error);
    }
    return new Map([...failed].filter(([, error]) => error instanceof RepositoryError));
  }
}

function failuresOf(blobs: readonly BatchBlob[], failures: readonly BlobFailure[]): Failures {
  const failed: Failures = new Map();
  if (failures.length === 0) return failed;
  const byId = new Map(blobs.map((entry) => [entry.blob.id, entry.references]));
  for (const { id, error, targets } of failures) {
    for (const target of targets) {
      const reference = byId.get(id)?.[target];
      if (reference !== undefined) failed.set(reference, unpackError(error));
    }
  }
  return failed;
}

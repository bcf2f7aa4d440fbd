import { RepositoryError, asError, throwIfAborted } from '../../base/errors.ts';
import { unpackError } from '../../base/error-transport.ts';
import { isDamage } from '../../repository/blob-reader.ts';
import { keyOf } from '../../repository/format/file-kind.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { Repository } from '../../repository/repository.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { ChunkReference, PackSpan } from './chunk-references.ts';
import type { RestoredFiles } from './restored-files.ts';
import { blobsToWrite, splitSpan } from './write-batch.ts';
import type { WriteBatch } from './write-batch.ts';

/** Spans that are fetched or written at once, beyond one a worker: some on their way in while others are written. */
const spansAhead = 2;

export interface SpanWriterOptions {
  readonly repository: Repository;
  readonly index: LoadedIndex;
  readonly pool: WorkerPool;
  readonly files: RestoredFiles;
  readonly sparse: boolean;
  readonly tick: () => void;
  readonly signal: AbortSignal | undefined;
}

/** Fetches parts of packs and has their chunks written, in any order. */
export class SpanWriter {
  readonly #options: SpanWriterOptions;

  constructor(options: SpanWriterOptions) {
    this.#options = options;
  }

  /** Guaranteed when it has settled: nothing of it goes on. */
  async writeAll(): Promise<void> {
    const { pool, signal, files, index } = this.#options;
    const writing = new Set<Promise<void>>();
    let failure: Error | undefined;
    for (const span of files.references.spans(index)) {
      if (failure !== undefined || signal?.aborted === true) break;
      const done: Promise<void> = this.#writeSpan(span, span.references, true)
        .catch((error: unknown) => {
          failure ??= asError(error);
        })
        .finally(() => writing.delete(done));
      writing.add(done);
      if (writing.size >= pool.workers + spansAhead) await Promise.race(writing);
    }
    await Promise.all(writing);
    throwIfAborted(signal);
    if (failure !== undefined) throw failure;
  }

  /** A damaged answer is fetched once more: most such damage happens on the way. */
  async #writeSpan(span: PackSpan, references: readonly ChunkReference[], mayRetry: boolean): Promise<void> {
    const bytes = await this.#fetch(span);
    if (bytes instanceof RepositoryError) {
      for (const reference of references) this.#options.files.chunkFailed(reference, bytes);
      return;
    }
    const damaged: ChunkReference[] = [];
    for (const batch of splitSpan({ ...span, references }, bytes, this.#options.index)) {
      const failed = await this.#writeBatch(span, batch);
      for (const [reference, error] of failed) {
        if (mayRetry && error instanceof RepositoryError) damaged.push(reference);
        else this.#options.files.chunkFailed(reference, error);
      }
    }
    this.#options.tick();
    if (damaged.length > 0) await this.#writeSpan(span, damaged, false);
  }

  async #fetch(span: PackSpan): Promise<Uint8Array | RepositoryError> {
    const { repository, signal } = this.#options;
    const key = keyOf('data', span.packId);
    try {
      return await repository.store.get(key, { range: { start: span.start, end: span.end }, signal });
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      return new RepositoryError('corrupt', 'the pack is missing or too short', { where: key, cause });
    }
  }

  /** Returns the chunks that were not written, each with the reason. */
  async #writeBatch(span: PackSpan, batch: WriteBatch): Promise<Map<ChunkReference, Error>> {
    const { files, index, pool, sparse } = this.#options;
    const references = batch.references.filter((reference) => files.acquire(reference));
    const blobs = blobsToWrite(references, batch, index, (reference) => files.target(reference));
    const { bytes } = batch;
    const request = { packId: span.packId, bytes, blobs: blobs.map((entry) => entry.blob), sparse };
    const { failures } = await pool.run('write-blobs', request, [bytes.buffer]);
    const failed = new Map<ChunkReference, Error>();
    for (const failure of failures) {
      const entry = blobs.find((candidate) => candidate.blob.id === failure.id);
      for (const target of failure.targets) {
        const reference = entry?.references[target];
        if (reference !== undefined) failed.set(reference, unpackError(failure.error));
      }
    }
    for (const reference of references) files.release(reference);
    for (const reference of references) if (!failed.has(reference)) files.chunkWritten(reference);
    return failed;
  }
}

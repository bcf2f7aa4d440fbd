import { allSettled } from '../pipeline/all-settled.ts';
import type { ByteSource, Cut, Jobs, StoredContent } from '../pipeline/protocol.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';

/** What a find-cuts job of a file looks for, and what a store-chunks job stores. */
const fileSectionBytes = 64 * 2 ** 20;
const jobBytes = 8 * 2 ** 20;

export type StoredPart = Jobs['store-chunks']['response'];

/** Has the sections of files and streams stored, by all workers at once. */
export class SectionStorer {
  readonly #pool: WorkerPool;
  readonly #onBytes: (sizeBytes: number) => void;
  #hole: Promise<StoredPart> | undefined;

  /** `onBytes` is told of bytes as they are stored. */
  constructor(pool: WorkerPool, onBytes: (sizeBytes: number) => void) {
    this.#pool = pool;
    this.#onBytes = onBytes;
  }

  /**
   * Stores an open file. One section's cuts are looked for while the one before is being stored, so that reading ahead
   * stays bounded and the second read of a chunk comes from the page cache.
   */
  async storeFile(fd: number): Promise<StoredContent> {
    const source = { kind: 'file', fd } as const;
    const parts: StoredPart[] = [];
    let storing: Promise<StoredPart[]> = Promise.resolve([]);
    try {
      for (let position = 0, isEnd = false; !isEnd;) {
        const found = await this.#pool.run('find-cuts', { source, position, budgetBytes: fileSectionBytes });
        parts.push(...(await storing));
        storing = this.storeSection(source, position, found.cuts);
        // The rejection is taken by the await in the next round or below; this keeps it from counting as unhandled.
        storing.catch(() => {});
        position += found.cuts.reduce((sum, cut) => sum + cut.lengthBytes, 0);
        isEnd = found.isEnd;
      }
    } finally {
      await storing.catch(() => {});
    }
    parts.push(...(await storing));
    return contentOf(parts);
  }

  /** Stores chunks that lie one after the other from `position` on. */
  async storeSection(source: ByteSource, position: number, cuts: readonly Cut[]): Promise<StoredPart[]> {
    const jobs: Promise<StoredPart>[] = [];
    let lengths: number[] = [];
    let start = position;
    let end = position;
    const add = (job: Promise<StoredPart>): void => {
      jobs.push(
        job.then((part) => {
          this.#onBytes(part.sizeBytes);
          return part;
        }),
      );
    };
    const submit = (): void => {
      if (lengths.length > 0) add(this.#pool.run('store-chunks', { source, position: start, lengths }));
      lengths = [];
      start = end;
    };
    for (const cut of cuts) {
      if (cut.isHole) {
        submit();
        add(this.#storeHole(cut.lengthBytes));
        end += cut.lengthBytes;
        start = end;
        continue;
      }
      lengths.push(cut.lengthBytes);
      end += cut.lengthBytes;
      if (end - start >= jobBytes) submit();
    }
    submit();
    return allSettled(jobs);
  }

  /** All chunks in holes have the same bytes: they are stored once, whatever the file's size. */
  async #storeHole(lengthBytes: number): Promise<StoredPart> {
    if (this.#hole === undefined) {
      this.#hole = this.#pool.run('store-zeros', { lengthBytes });
      return this.#hole;
    }
    return { ...(await this.#hole), addedBytes: 0 };
  }
}

/**
 * Parts as one content. Behind a part that came out short, because the file was cut off meanwhile, the next ones would
 * stand at wrong places.
 */
export function contentOf(parts: readonly StoredPart[]): StoredContent {
  const firstShort = parts.findIndex((part) => part.isShort);
  const kept = firstShort === -1 ? parts : parts.slice(0, firstShort + 1);
  return {
    content: kept.flatMap((part) => part.content),
    known: kept.flatMap((part) => part.known),
    sizeBytes: kept.reduce((sum, part) => sum + part.sizeBytes, 0),
    addedBytes: parts.reduce((sum, part) => sum + part.addedBytes, 0),
  };
}

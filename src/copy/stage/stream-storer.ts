import { FileSystemError, TranshipError, UsageError, asError } from '../../base/errors.ts';
import { untilAborted } from '../../base/until-aborted.ts';
import type { Cut, StoredContent } from '../pipeline/protocol.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import { contentOf } from './section-storer.ts';
import type { SectionStorer, StoredPart } from './section-storer.ts';

/** Several times the largest chunk: what is read up to a cut that may not be one is looked at again. */
const sectionBytes = 16 * 2 ** 20;
/** As many as workers and two more, at most these: a stream takes 128 MiB of memory, whatever its length. */
const mostSections = 8;

interface Section {
  readonly buffer: SharedArrayBuffer;
  readonly stored: Promise<StoredPart[]>;
}

/**
 * Stores a stream of unknown length. It is read into sections of shared memory, which are cut one after the other and
 * stored by all workers; while every section is on its way, nothing is read.
 */
export class StreamStorer {
  readonly #pool: WorkerPool;
  readonly #sections: SectionStorer;
  readonly #name: string;
  /** Sections on their way, the oldest first. */
  readonly #storing: Section[] = [];
  readonly #parts: StoredPart[] = [];
  readonly #mostSections: number;
  #buffer = new SharedArrayBuffer(sectionBytes);
  #filledBytes = 0;

  /** `name` is for errors. */
  constructor(pool: WorkerPool, sections: SectionStorer, name: string) {
    this.#pool = pool;
    this.#sections = sections;
    this.#name = name;
    this.#mostSections = Math.min(pool.workers + 2, mostSections);
  }

  /**
   * Rejects with FileSystemError `io` when the stream fails or has no bytes: a program that wrote into it has probably
   * failed then.
   */
  async store(content: AsyncIterable<Uint8Array>): Promise<StoredContent> {
    try {
      for await (const piece of this.#pieces(content)) await this.#take(piece);
      await this.#storeFilled(true);
      while (this.#storing.length > 0) await this.#oldestDone();
    } catch (error) {
      throw this.#pool.failure ?? error;
    } finally {
      await Promise.allSettled(this.#storing.map((section) => section.stored));
    }
    if (this.#parts.length === 0) {
      throw new FileSystemError('io', 'the stream ended without a byte', {
        where: this.#name,
        advice: 'no snapshot was written; see why nothing came',
      });
    }
    return contentOf(this.#parts);
  }

  async *#pieces(content: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const piece of untilAborted(content, this.#pool.failed)) {
        if (!(piece instanceof Uint8Array)) {
          throw new UsageError('a stream must give bytes', { where: this.#name });
        }
        yield piece;
      }
    } catch (cause) {
      if (cause instanceof TranshipError) throw cause;
      throw new FileSystemError('io', `the stream failed: ${asError(cause).message}`, {
        where: this.#name,
        advice: 'no snapshot was written',
        cause,
      });
    }
  }

  /** Copies the piece, which its source may use again. */
  async #take(piece: Uint8Array): Promise<void> {
    for (let offset = 0; offset < piece.length;) {
      const taken = piece.subarray(offset, offset + sectionBytes - this.#filledBytes);
      new Uint8Array(this.#buffer).set(taken, this.#filledBytes);
      this.#filledBytes += taken.length;
      offset += taken.length;
      if (this.#filledBytes === sectionBytes) await this.#storeFilled(false);
    }
  }

  /** Cuts what has been read, has it stored, and begins the next section with what is left. */
  async #storeFilled(isEnd: boolean): Promise<void> {
    const buffer = this.#buffer;
    const lengthBytes = this.#filledBytes;
    const source = { kind: 'memory', buffer, lengthBytes } as const;
    const request = { source, position: 0, budgetBytes: lengthBytes };
    const { cuts } = await this.#pool.run('find-cuts', request);
    // The last cut is where the section ends; where the stream goes on it says nothing.
    const certain = isEnd ? cuts : cuts.slice(0, -1);
    const stored = this.#sections.storeSection(source, 0, certain);
    stored.catch(() => {});
    this.#storing.push({ buffer, stored });
    if (isEnd) return;
    const rest = new Uint8Array(buffer, lengthOf(certain), lengthBytes - lengthOf(certain));
    this.#buffer = await this.#nextBuffer();
    new Uint8Array(this.#buffer).set(rest);
    this.#filledBytes = rest.length;
  }

  async #nextBuffer(): Promise<SharedArrayBuffer> {
    if (this.#storing.length < this.#mostSections) return new SharedArrayBuffer(sectionBytes);
    return this.#oldestDone();
  }

  /** Returns its buffer. */
  async #oldestDone(): Promise<SharedArrayBuffer> {
    const [oldest] = this.#storing;
    if (oldest === undefined) throw new RangeError('no section is on its way');
    this.#parts.push(...(await oldest.stored));
    this.#storing.shift();
    return oldest.buffer;
  }
}

function lengthOf(cuts: readonly Cut[]): number {
  return cuts.reduce((sum, cut) => sum + cut.lengthBytes, 0);
}

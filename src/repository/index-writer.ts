import type { Clock } from '../base/clock.ts';
import type { IndexedPack } from './format/blob.ts';
import { encodeIndexFile } from './format/index-file.ts';
import type { Repository } from './repository.ts';

/**
 * An index file is written at this many blobs (restic's threshold), or when the oldest pack has waited this long:
 * what a killed process has uploaded since is uploaded again. restic waits for ten minutes, rustic for five.
 */
const blobsPerFile = 50_000;
const oldestPackMs = 2 * 60_000;

/**
 * Collects uploaded packs and writes them to index files while a pass runs, so that what a killed pass has uploaded is
 * found by the next one. A pack must be stored, and confirmed, before it is added.
 */
export class IndexWriter {
  readonly #repository: Repository;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly fileIds: string[] = [];
  #packs: IndexedPack[] = [];
  #blobCount = 0;
  #oldestMs = 0;

  constructor(repository: Repository, signal?: AbortSignal) {
    this.#repository = repository;
    this.#clock = repository.clock;
    this.#signal = signal;
  }

  async add(pack: IndexedPack): Promise<void> {
    if (this.#packs.length === 0) this.#oldestMs = this.#clock.monotonicMs();
    this.#packs.push(pack);
    this.#blobCount += pack.blobs.length;
    if (this.#blobCount >= blobsPerFile || this.#clock.monotonicMs() - this.#oldestMs >= oldestPackMs) {
      await this.flush();
    }
  }

  /** `signal` replaces the writer's own, for a pass that is ending because that one has fired. */
  async flush(signal: AbortSignal | undefined = this.#signal): Promise<void> {
    if (this.#packs.length === 0) return;
    const packs = this.#packs;
    this.#packs = [];
    this.#blobCount = 0;
    try {
      this.fileIds.push(await this.#repository.saveDocument('index', encodeIndexFile({ packs }), signal));
    } catch (error) {
      this.#packs.unshift(...packs);
      throw error;
    }
  }
}

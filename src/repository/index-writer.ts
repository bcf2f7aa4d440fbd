import type { Clock } from '../base/clock.ts';
import type { IndexedPack } from './format/blob.ts';
import { encodeIndexFile } from './format/index-file.ts';
import type { Repository } from './repository.ts';

/** restic's thresholds: an index file is written at this many blobs, or when the oldest pack has waited this long. */
const blobsPerFile = 50_000;
const oldestPackMs = 10 * 60_000;

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

  async flush(): Promise<void> {
    if (this.#packs.length === 0) return;
    const packs = this.#packs;
    this.#packs = [];
    this.#blobCount = 0;
    const json = encodeIndexFile({ packs });
    this.fileIds.push(await this.#repository.saveDocument('index', json, this.#signal));
  }
}

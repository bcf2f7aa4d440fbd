import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import { putConfirmed } from '../../repository/confirmed-put.ts';
import type { PackedBlob } from '../../repository/format/blob.ts';
import { keyOf } from '../../repository/format/file-kind.ts';
import { IndexWriter } from '../../repository/index-writer.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import { PackBuilder } from '../../repository/pack-builder.ts';
import type { OpenPack } from '../../repository/pack-builder.ts';
import type { Repository } from '../../repository/repository.ts';

const rescueLimitMs = 5000;

export interface UploadedPack {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly blobs: readonly PackedBlob[];
}

/**
 * Puts packs into the store and, only when the store has them, into the index: the first half of the write order that
 * every promise rests on (packs, then index, then snapshot).
 */
export class PackUploader {
  readonly #repository: Repository;
  readonly #index: LoadedIndex;
  readonly #signal: AbortSignal | undefined;
  readonly #limit: LimitFunction;
  readonly #writer: IndexWriter;

  constructor(repository: Repository, index: LoadedIndex, signal: AbortSignal | undefined) {
    this.#repository = repository;
    this.#index = index;
    this.#signal = signal;
    this.#limit = pLimit(repository.store.capabilities.connections);
    this.#writer = new IndexWriter(repository, signal);
  }

  /** Ids of the index files this pass has written. */
  get indexFileIds(): readonly string[] {
    return this.#writer.fileIds;
  }

  async upload(pack: UploadedPack): Promise<void> {
    await this.#limit(async () => {
      const holdsContents = pack.blobs.every(({ type }) => type === 'data');
      const options = { sha256: pack.id, holdsContents, signal: this.#signal };
      await putConfirmed(this.#repository.store, keyOf('data', pack.id), pack.bytes, options);
    });
    this.#index.addPack(pack);
    await this.#writer.add({ id: pack.id, blobs: pack.blobs });
  }

  /** Merges what the workers had begun into as few packs as fit, and uploads them. */
  async uploadLeftovers(
    packs: readonly OpenPack[],
    packSizeBytes: number,
    onPack: (pack: UploadedPack) => void,
  ): Promise<void> {
    const finish = async (builder: PackBuilder): Promise<void> => {
      const pack = builder.finish(this.#repository.cipher);
      onPack(pack);
      await this.upload(pack);
    };
    for (const type of ['data', 'tree'] as const) {
      let builder: PackBuilder | undefined;
      for (const pack of packs.filter((candidate) => candidate.type === type)) {
        if (builder?.takes(pack, packSizeBytes) === false) {
          await finish(builder);
          builder = undefined;
        }
        if (builder === undefined) builder = PackBuilder.resume(pack);
        else builder.append(pack);
      }
      if (builder !== undefined) await finish(builder);
    }
  }

  async flushIndex(): Promise<void> {
    await this.#writer.flush();
  }

  /**
   * Indexes what has arrived when the pass has failed or was cancelled, so that the next one need not upload it again.
   * Quick or not at all: whoever ends a pass waits for it, and the failure that ended it is what is to be told.
   */
  async rescueIndex(): Promise<void> {
    await this.#writer.flush(AbortSignal.timeout(rescueLimitMs)).catch(() => {});
  }
}

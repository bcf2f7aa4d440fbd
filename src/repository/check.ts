import { createHash } from 'node:crypto';
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import pLimit from 'p-limit';
import { RepositoryError, throwIfAborted } from '../base/errors.ts';
import { loadCheckedIndex } from './check-index.ts';
import type { CheckedIndex } from './check-index.ts';
import { checkPackData } from './check-pack-data.ts';
import { checkPackListing } from './check-packs.ts';
import { CheckFindings, damageOf } from './check-report.ts';
import type { CheckReport } from './check-report.ts';
import { selectPacks } from './check-subset.ts';
import type { ReadDataSubset } from './check-subset.ts';
import { TreeWalk } from './check-trees.ts';
import { keyOf } from './format/file-kind.ts';
import { decodeIndexFile } from './format/index-file.ts';
import type { IndexFilePack } from './format/index-file.ts';
import { decodeKeyFile } from './format/key-file.ts';
import type { Repository } from './repository.ts';
import { listSnapshots } from './snapshots.ts';
import type { StoredSnapshot } from './snapshots.ts';

export type * from './check-report.ts';
export { parseReadDataSubset } from './check-subset.ts';
export type { ReadDataSubset } from './check-subset.ts';

/** Packs read at once; each holds at most 32 MiB of memory at a time. */
const parallelPacks = 4;

/** Index files and packs are counted, `trees` counts snapshots, `data` the bytes of packs. */
export interface CheckProgress {
  readonly phase: 'index' | 'packs' | 'trees' | 'data';
  readonly done: number;
  readonly total: number;
}

/** What a check reads, and whom it tells. */
export interface CheckOptions {
  /** Which packs are read whole. Default `none`: only the structure is checked. */
  readonly readData?: 'none' | 'all' | ReadDataSubset | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called as each phase proceeds; must not throw. */
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
  /** Chooses packs for a random subset: a whole number from 0 and below `limit`. Default: the system's randomness. */
  readonly random?: ((limit: number) => number) | undefined;
}

/**
 * Checks that everything in the repository is there and fits together. The caller should hold a lock. What is damaged
 * is reported, never thrown. Throws StoreError when the store fails, UsageError for a subset that cannot be,
 * CancelledError.
 *
 * @example
 * const { errorCount, errors } = await check(repository, { readData: { percent: 5 } });
 * for (const { where, message } of errors) console.error(where, message);
 * if (errorCount > 0) process.exitCode = 1;
 */
export async function checkRepository(
  repository: Repository,
  options: CheckOptions = {},
): Promise<CheckReport> {
  return new Check(repository, options).run();
}

class Check {
  readonly #repository: Repository;
  readonly #options: CheckOptions;
  readonly #findings = new CheckFindings();
  /** Rows of blobs that were read and found damaged. */
  readonly #damagedRows = new Set<number>();

  constructor(repository: Repository, options: CheckOptions) {
    this.#repository = repository;
    this.#options = options;
  }

  async run(): Promise<CheckReport> {
    const { readData = 'none' } = this.#options;
    const findings = this.#findings;
    await this.#checkKeys();
    // Before the index: a snapshot is written after the index that it needs.
    const snapshots = await this.#loadSnapshots();
    this.#progress('index', 0, 1);
    const index = await loadCheckedIndex(this.#repository, findings, this.#options.signal);
    this.#progress('index', 1, 1);
    await checkPackListing(this.#repository, index, findings, this.#options.signal);
    this.#progress('packs', index.packs.size, index.packs.size);
    let affected = await this.#walk(snapshots, index, findings);
    if (readData !== 'none') {
      await this.#readPacks(index, selectPacks(index.packs, readData, this.#options.random));
      if (this.#damagedRows.size > 0) affected = await this.#walk(snapshots, index, undefined);
    }
    const { errors, errorCount, hints, hintCount, counts } = findings;
    return { errors, errorCount, hints, hintCount, affectedSnapshots: affected, counts };
  }

  async #checkKeys(): Promise<void> {
    const { signal } = this.#options;
    for (const id of await this.#repository.listIds('keys', signal)) {
      const key = keyOf('keys', id);
      try {
        const bytes = await this.#repository.store.get(key, { signal });
        if (createHash('sha256').update(bytes).digest('hex') !== id) {
          throw new RepositoryError('corrupt', 'the key file does not hash to its name', { where: key });
        }
        decodeKeyFile(bytes, key, { allowCostly: true });
      } catch (error) {
        this.#findings.error('key-damaged', key, damageOf(error));
      }
    }
  }

  async #loadSnapshots(): Promise<readonly StoredSnapshot[]> {
    const { snapshots, damaged } = await listSnapshots(this.#repository, {}, this.#options.signal);
    for (const { id, error } of damaged) {
      this.#findings.error('snapshot-damaged', keyOf('snapshots', id), damageOf(error));
    }
    this.#findings.counts.snapshots = snapshots.length + damaged.length;
    return snapshots;
  }

  /** Returns the ids of the snapshots of which something is lost. */
  async #walk(
    snapshots: readonly StoredSnapshot[],
    index: CheckedIndex,
    findings: CheckFindings | undefined,
  ): Promise<string[]> {
    const unreadableFrom = endsOfPacks(index);
    const isLost = (row: number): boolean => {
      if (this.#damagedRows.has(row)) return true;
      if (unreadableFrom.size === 0) return false;
      const location = index.loaded.blobs.locationAt(row);
      const end = location === undefined ? undefined : unreadableFrom.get(location.packNumber);
      return location !== undefined && end !== undefined && location.offset + location.length > end;
    };
    const walk = new TreeWalk(this.#repository, index, { findings, isLost, signal: this.#options.signal });
    const affected: string[] = [];
    for (const [done, { id, tree }] of snapshots.entries()) {
      if (findings !== undefined) this.#progress('trees', done, snapshots.length);
      if (!(await walk.isSound(id, tree))) affected.push(id);
    }
    if (findings !== undefined) this.#progress('trees', snapshots.length, snapshots.length);
    return affected;
  }

  /** Goes by index files, so that only one file's lists of blobs are in memory. */
  async #readPacks(index: CheckedIndex, selected: ReadonlySet<string>): Promise<void> {
    const left = new Set(selected);
    let totalBytes = 0;
    for (const id of selected) totalBytes += index.packs.get(id)?.foundBytes ?? 0;
    this.#progress('data', 0, totalBytes);
    for (const fileId of index.fileIds) {
      const json = await this.#repository.loadDocument('index', fileId, this.#options.signal);
      const { packs } = decodeIndexFile(json, keyOf('index', fileId));
      const wanted = packs.filter(({ id }) => left.delete(id));
      await pLimit(parallelPacks).map(wanted, (pack) => this.#readPack(index, pack, totalBytes));
    }
  }

  async #readPack(index: CheckedIndex, pack: IndexFilePack, totalBytes: number): Promise<void> {
    const { counts } = this.#findings;
    throwIfAborted(this.#options.signal);
    const checked = index.packs.get(pack.id);
    if (checked?.foundBytes === undefined) return;
    const damage = await checkPackData(this.#repository, pack, checked.foundBytes, this.#options.signal);
    const key = keyOf('data', pack.id);
    for (const message of damage.pack) this.#findings.error('pack-damaged', key, message);
    for (const { blob, message } of damage.blobs) {
      this.#findings.error('blob-damaged', `${key}, ${blob.type} blob ${blob.id}`, message);
      const row = index.loaded.blobs.rowOf(blob.type, blob.id);
      // Another pack may hold a sound copy, which then is the one that readers use.
      if (index.loaded.blobs.locationAt(row)?.packNumber === checked.packNumber) this.#damagedRows.add(row);
    }
    counts.packsRead++;
    counts.bytesRead += checked.foundBytes;
    this.#progress('data', counts.bytesRead, totalBytes);
    await yieldToEvents();
  }

  #progress(phase: CheckProgress['phase'], done: number, total: number): void {
    this.#options.onProgress?.({ phase, done, total });
  }
}

/** Of packs that are missing or of another size: up to where their blobs can be there. */
function endsOfPacks({ packs }: CheckedIndex): Map<number, number> {
  const ends = new Map<number, number>();
  for (const { packNumber, sizeBytes, foundBytes } of packs.values()) {
    if (foundBytes !== sizeBytes) ends.set(packNumber, foundBytes ?? 0);
  }
  return ends;
}

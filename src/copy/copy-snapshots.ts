import { UsageError, throwIfAborted } from '../base/errors.ts';
import { TimeSlice } from '../base/time-slice.ts';
import { missingBlob } from '../repository/blob-reader.ts';
import type { BlobType } from '../repository/format/blob.ts';
import { replaceOrigin } from '../repository/format/snapshot-edits.ts';
import { loadIndex } from '../repository/loaded-index.ts';
import type { LoadedIndex } from '../repository/loaded-index.ts';
import type { RepositoryLock } from '../repository/locks.ts';
import { checkPackSize, packSizeBytes } from '../repository/pack-builder.ts';
import type { OpenPack } from '../repository/pack-builder.ts';
import type { Repository } from '../repository/repository.ts';
import { SnapshotCopies, originOf } from '../repository/snapshot-copies.ts';
import { selectSnapshots } from '../repository/snapshot-selection.ts';
import { listSnapshots } from '../repository/snapshots.ts';
import type { SnapshotFilter, SnapshotList, StoredSnapshot } from '../repository/snapshots.ts';
import { TreeLoader } from '../repository/tree-loader.ts';
import { underLock } from '../repository/under-lock.ts';
import { newCopyCounts } from './copy-snapshots/copy-events.ts';
import type { CopyCounts, CopyEvent } from './copy-snapshots/copy-events.ts';
import { DataCopier } from './copy-snapshots/data-copier.ts';
import { TreeCopier } from './copy-snapshots/tree-copier.ts';
import { TreeWalk } from './copy-snapshots/tree-walk.ts';
import type { MetTree, TreeVisit } from './copy-snapshots/tree-walk.ts';
import type { Compression } from './pipeline/protocol.ts';
import { WorkerPool } from './pipeline/worker-pool.ts';
import { underSharedLock } from './shared-lock.ts';
import { PackUploader } from './stage/pack-uploader.ts';
import type { UploadedPack } from './stage/pack-uploader.ts';
import { ReliedBlobs } from './stage/relied-blobs.ts';
import { assertStillIndexed } from './stage/relied-check.ts';

/** Which snapshots are copied, and how. Sizes are bytes, times milliseconds. */
export interface CopyOptions {
  /** Ids, beginnings of ids, or `latest`. Default: all of the source that match the filter. */
  readonly snapshots?: readonly string[] | undefined;
  /** Narrows `latest`, or what there is where no snapshot is named. */
  readonly filter?: SnapshotFilter | undefined;
  /** Finds out what would be copied, and writes nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  /**
   * For blobs that the source holds uncompressed; what is compressed stays as it is. Default `auto`. A version-1 target
   * is never compressed.
   */
  readonly compression?: Compression | undefined;
  /** Size at which a pack is closed, 4 to 128 MiB. Default 16 MiB. */
  readonly packSizeBytes?: number | undefined;
  /** Opens and hashes again what was sealed, before it is uploaded. Default true. */
  readonly verifySealed?: boolean | undefined;
  /** Threads. Default: one a processor. */
  readonly workers?: number | undefined;
  /** Takes no lock on the source, which then may be read-only. Default false. */
  readonly noSourceLock?: boolean | undefined;
  /** How long to wait for another's exclusive lock, on either side. Default 0: fail at once with `locked`. */
  readonly retryLockMs?: number | undefined;
  /** Called in order, while the copy waits; must be quick and must not throw. */
  readonly onEvent?: ((event: CopyEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A snapshot of the source and its copy; ids of 64 hex digits. */
export interface SnapshotCopy {
  readonly sourceId: string;
  /** Undefined in a dry run. */
  readonly targetId: string | undefined;
}

/** What came of a copy. */
export interface CopyResult {
  readonly copied: readonly SnapshotCopy[];
  /** Copied before. */
  readonly skipped: readonly SnapshotCopy[];
  /** Not written, as the source lacks something of them; the error names it. */
  readonly failed: readonly { readonly sourceId: string; readonly error: Error }[];
  /** Files in the source's `snapshots/` that could not be read. */
  readonly damaged: SnapshotList['damaged'];
  readonly counts: Readonly<CopyCounts>;
}

const statusIntervalMs = 100;

/** How much is put off to be done together. */
export interface CopyBatches {
  /** Snapshots are written when so many packs were filled: fewer would leave many packs small. */
  readonly packs: number;
  /** Data is copied when so much was found: enough that what stands in one pack is mostly fetched together. */
  readonly foundBytes: number;
}

const usualBatches: CopyBatches = { packs: 100, foundBytes: 2 ** 31 };

/**
 * Copies snapshots with all that they need from one repository to another, whatever the stores and passwords: what the
 * target has is not fetched, and nothing is cut anew. Blobs are opened, compared with their ids and sealed for the
 * target; between repositories of one master key they go over as they are. A snapshot is written when everything it
 * needs is stored and indexed; one that was copied before (by restic too) is skipped. Ended early, the same call goes
 * on where it was. A source that lacks something fails the snapshots that need it, and no others.
 *
 * The source is locked against deletion, the target as by a stage pass. Throws UsageError, RepositoryError `locked`,
 * `not-found` for a named snapshot, `conflict`; StoreError; CancelledError.
 *
 * @example
 * const there = await openStore('elsewhere');
 * const target = await Repository.init(there, { password: 'another', chunkerOf: repository });
 * const { copied, failed } = await copySnapshots(repository, target, { filter: { paths: ['/data'] } });
 * console.log(copied.length, failed.length);
 */
export function copySnapshots(
  source: Repository,
  target: Repository,
  options: CopyOptions = {},
): Promise<CopyResult> {
  return copyInBatches(source, target, options, usualBatches);
}

/** As {@link copySnapshots}, which has no use for other batches; a small test needs several. */
export async function copyInBatches(
  source: Repository,
  target: Repository,
  options: CopyOptions,
  batches: CopyBatches,
): Promise<CopyResult> {
  checkPackSize(options.packSizeBytes);
  if (source.config.id === target.config.id && source.store.url === target.store.url) {
    throw new UsageError('a repository cannot be copied to itself', { where: source.store.url });
  }
  const { retryLockMs, noSourceLock: noLock } = options;
  return underSharedLock(source, { noLock, retryLockMs, signal: options.signal }, async (sourceSignal) => {
    let ground: CopyGround | undefined;
    const prepare = async (signal: AbortSignal): Promise<void> => {
      ground = await groundOf(source, target, options, signal);
    };
    return underLock(target, { retryLockMs, signal: sourceSignal, prepare }, (signal, lock) => {
      if (ground === undefined) throw new Error('a lock was taken before its work was prepared');
      return new CopyPass(source, target, { ...options, signal, batches }, ground, lock).run();
    });
  });
}

/** What a copy builds on: snapshots are listed before the indexes that must hold what they need. */
interface CopyGround {
  readonly chosen: SnapshotList;
  readonly sourceIndex: LoadedIndex;
  readonly copies: SnapshotCopies;
  readonly targetIndex: LoadedIndex;
}

async function groundOf(
  source: Repository,
  target: Repository,
  { snapshots = [], filter }: CopyOptions,
  signal: AbortSignal,
): Promise<CopyGround> {
  const chosen = await selectSnapshots(source, snapshots, filter, signal);
  const sourceIndex = await loadIndex(source, signal);
  const copies = new SnapshotCopies((await listSnapshots(target, {}, signal)).snapshots);
  return { chosen, sourceIndex, copies, targetIndex: await loadIndex(target, signal, 'write') };
}

interface PassOptions extends CopyOptions {
  readonly signal: AbortSignal;
  readonly batches: CopyBatches;
}

/** One run; holds what its steps share. */
class CopyPass {
  readonly #source: Repository;
  readonly #target: Repository;
  readonly #options: PassOptions;
  readonly #ground: CopyGround;
  readonly #lock: RepositoryLock;
  readonly #counts = newCopyCounts();
  readonly #copied: SnapshotCopy[] = [];
  readonly #skipped: SnapshotCopy[] = [];
  readonly #failed: { sourceId: string; error: Error }[] = [];
  readonly #uploader: PackUploader;
  readonly #pool: WorkerPool;
  readonly #data: DataCopier;
  readonly #trees: TreeCopier;
  readonly #startedMs: number;
  #relied: ReliedBlobs;
  /** Walked, and not written yet. */
  #pending: StoredSnapshot[] = [];
  #packsInBatch = 0;
  #lastStatusMs = 0;

  constructor(
    source: Repository,
    target: Repository,
    options: PassOptions,
    ground: CopyGround,
    lock: RepositoryLock,
  ) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#ground = ground;
    this.#lock = lock;
    this.#startedMs = target.clock.monotonicMs();
    const { signal } = options;
    this.#relied = new ReliedBlobs(ground.targetIndex.blobs);
    this.#uploader = new PackUploader(target, ground.targetIndex, signal);
    this.#pool = new WorkerPool({
      setup: {
        secrets: target.secrets,
        index: ground.targetIndex.blobs.memory,
        compression: options.compression ?? 'auto',
        packSizeBytes: this.#packSizeBytes,
        verifySealed: options.verifySealed ?? true,
        sourceKey: source.masterKey,
      },
      workers: options.workers,
      onPack: (pack) => this.#upload({ ...pack, bytes: new Uint8Array(pack.buffer, 0, pack.lengthBytes) }),
      signal,
    });
    this.#trees = new TreeCopier(this.#pool);
    this.#data = new DataCopier({
      source,
      index: ground.sourceIndex,
      pool: this.#pool,
      mostNotedBytes: options.batches.foundBytes,
      onCopied: (sealedBytes) => {
        this.#counts.bytesCopied += sealedBytes;
        this.#reportStatus();
      },
      signal,
    });
  }

  async run(): Promise<CopyResult> {
    try {
      const due = this.#due();
      this.#counts.snapshots = due.length;
      if (due.length > 0) this.#warnOfOtherCuts();
      const walk = this.#walk((tree) => this.#takeTree(tree));
      for (const snapshot of due) {
        const failure = await walk.walk(snapshot.tree);
        if (failure === undefined) this.#pending.push(snapshot);
        else this.#fail(snapshot, failure);
        if (this.#packsInBatch >= this.#options.batches.packs) await this.#writeBatch();
      }
      await this.#writeBatch();
    } catch (error) {
      // Without its lock a pass must not write: a prune may have begun to delete what the index would name.
      if (!this.#lock.lost.aborted) await this.#uploader.rescueIndex();
      throw error;
    } finally {
      await this.#pool.close();
    }
    return {
      copied: this.#copied,
      skipped: this.#skipped,
      failed: this.#failed,
      damaged: this.#ground.chosen.damaged,
      counts: this.#counts,
    };
  }

  get #packSizeBytes(): number {
    return this.#options.packSizeBytes ?? packSizeBytes.default;
  }

  /** The chosen snapshots of which the target has no copy, each version once. */
  #due(): StoredSnapshot[] {
    const { chosen, copies } = this.#ground;
    const planned = new SnapshotCopies([]);
    const due: StoredSnapshot[] = [];
    for (const snapshot of chosen.snapshots) {
      const copy = copies.of(snapshot);
      if (copy !== undefined) {
        this.#skipped.push({ sourceId: snapshot.id, targetId: copy.id });
        this.#options.onEvent?.({ type: 'skipped', snapshot, targetId: copy.id });
      } else if (planned.of(snapshot) === undefined) {
        planned.add(snapshot);
        due.push(snapshot);
      }
    }
    return due;
  }

  #warnOfOtherCuts(): void {
    if (this.#source.cutsLike(this.#target)) return;
    const message =
      'the repositories cut files differently: a file that changes is stored once more by the next pass into the ' +
      'target; `init --copy-chunker-params` makes one that cuts alike';
    this.#options.onEvent?.({ type: 'warning', message });
  }

  #walk(visit: TreeVisit): TreeWalk {
    const { signal } = this.#options;
    const index = this.#ground.sourceIndex;
    const { clock } = this.#target;
    const slice = new TimeSlice(() => clock.monotonicMs(), signal);
    return new TreeWalk({ trees: new TreeLoader(this.#source, index, signal), index, slice, visit, signal });
  }

  /** Notes what of the tree and its files the target lacks. */
  async #takeTree(tree: MetTree): Promise<Error | undefined> {
    const { blobs } = this.#ground.targetIndex;
    if (blobs.claim('tree', tree.id)) {
      this.#counts.treeBlobs++;
      if (this.#options.dryRun !== true) await this.#trees.copy(tree);
    }
    this.#relied.add('tree', tree.id);
    for (const { content } of tree.nodes) {
      for (const id of content ?? []) {
        if (!this.#takeData(id)) return missingBlob('data', id);
      }
    }
    this.#reportStatus();
    if (this.#data.isFull) await this.#data.copyNoted();
    return undefined;
  }

  /** False when neither repository has the blob. */
  #takeData(id: string): boolean {
    const { sourceIndex, targetIndex } = this.#ground;
    const isNew = targetIndex.blobs.claim('data', id);
    // One that was claimed for a snapshot before has no place yet, and never has where the source lacks it.
    if (isNew || targetIndex.blobs.locate('data', id) === undefined) {
      const row = sourceIndex.blobs.rowOf('data', id);
      const place = row < 0 ? undefined : sourceIndex.blobs.locationAt(row);
      if (place === undefined) return false;
      if (isNew) this.#noteData(row, place.length);
    }
    this.#relied.add('data', id);
    return true;
  }

  #noteData(row: number, sealedBytes: number): void {
    this.#counts.dataBlobs++;
    this.#counts.bytesFound += sealedBytes;
    if (this.#options.dryRun !== true) this.#data.add(row, sealedBytes);
  }

  async #upload(pack: UploadedPack): Promise<void> {
    this.#countPack(pack);
    await this.#uploader.upload(pack);
  }

  #countPack(pack: UploadedPack): void {
    this.#packsInBatch++;
    for (const { length } of pack.blobs) this.#counts.bytesAdded += length;
  }

  /** Copies what is left to be, then writes the snapshots that are complete by it: packs, index, snapshots. */
  async #writeBatch(): Promise<void> {
    const { dryRun = false, signal } = this.#options;
    const snapshots = this.#pending;
    this.#pending = [];
    if (dryRun) {
      for (const snapshot of snapshots) this.#done(snapshot, undefined);
      return;
    }
    await this.#data.copyNoted();
    await this.#trees.done();
    const leftovers: OpenPack[] = (await this.#pool.runOnEach('flush', {})).flat();
    await this.#pool.uploadsDone();
    await this.#uploader.uploadLeftovers(leftovers, this.#packSizeBytes, (pack) => this.#countPack(pack));
    await this.#uploader.flushIndex();
    this.#packsInBatch = 0;
    const complete = await this.#complete(snapshots);
    if (complete.length === 0) return;
    const { targetIndex } = this.#ground;
    await assertStillIndexed(this.#relied, targetIndex, this.#target, this.#uploader.indexFileIds, signal);
    for (const snapshot of complete) {
      const json = await this.#source.loadDocument('snapshots', snapshot.id, signal);
      await this.#lock.assertHeld();
      throwIfAborted(signal);
      const copy = replaceOrigin(json, originOf(snapshot));
      this.#done(snapshot, await this.#target.saveDocument('snapshots', copy, signal));
    }
  }

  /** Those that lack nothing. Only where a blob could not be copied is each looked through again. */
  async #complete(snapshots: readonly StoredSnapshot[]): Promise<readonly StoredSnapshot[]> {
    const { blobs } = this.#ground.targetIndex;
    if (this.#relied.rows().every((row) => blobs.locationAt(row) !== undefined)) return snapshots;
    this.#relied = new ReliedBlobs(this.#ground.targetIndex.blobs);
    const walk = this.#walk((tree) => Promise.resolve(this.#missingOf(tree)));
    const complete: StoredSnapshot[] = [];
    for (const snapshot of snapshots) {
      const failure = await walk.walk(snapshot.tree);
      if (failure === undefined) complete.push(snapshot);
      else this.#fail(snapshot, failure);
    }
    return complete;
  }

  #missingOf(tree: MetTree): Error | undefined {
    const needed: (readonly [BlobType, string])[] = [['tree', tree.id]];
    for (const { content } of tree.nodes) for (const id of content ?? []) needed.push(['data', id]);
    for (const [type, id] of needed) {
      if (this.#ground.targetIndex.blobs.locate(type, id) === undefined) {
        return this.#data.failures.get(id) ?? missingBlob(type, id);
      }
      this.#relied.add(type, id);
    }
    return undefined;
  }

  #done(snapshot: StoredSnapshot, targetId: string | undefined): void {
    this.#counts.snapshotsDone++;
    this.#copied.push({ sourceId: snapshot.id, targetId });
    this.#options.onEvent?.({ type: 'copied', snapshot, targetId });
  }

  #fail(snapshot: StoredSnapshot, error: Error): void {
    this.#counts.snapshotsDone++;
    this.#failed.push({ sourceId: snapshot.id, error });
    this.#options.onEvent?.({ type: 'failed', snapshot, error });
  }

  #reportStatus(): void {
    const nowMs = this.#target.clock.monotonicMs();
    if (nowMs - this.#lastStatusMs < statusIntervalMs) return;
    this.#lastStatusMs = nowMs;
    this.#options.onEvent?.({ type: 'status', counts: this.#counts, elapsedMs: nowMs - this.#startedMs });
  }
}

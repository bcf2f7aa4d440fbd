import { allOf } from '../base/all-of.ts';
import { asError } from '../base/errors.ts';
import { keepAliveDuring } from '../base/keep-alive.ts';
import type { DiskDescription, DiskDriver, DiskSnapshotDescription } from '../providers/disks/driver.ts';
import type { Repository } from '../repository/repository.ts';
import { withDeadline } from './deadline.ts';
import { discard, removeFromCloud } from './discard.ts';
import type { DiskRemains } from './discard.ts';
import { regionOf } from './disk-document.ts';
import type { DiskDocument } from './disk-document.ts';
import { loadDiskDocuments, removeDiskDocument } from './disk-documents.ts';
import { diskTag, repositoryTags } from './disk-tags.ts';
import { diskEngine } from './engine-options.ts';
import type { DiskEngine, DiskEngineOptions } from './engine-options.ts';

/** How a sweep is done. */
export interface SweepDisksOptions extends DiskEngineOptions {
  /** Removes nothing, and says what it would remove. Default false. */
  readonly dryRun?: boolean | undefined;
  /**
   * Removes also disks, attached to nothing, that no document names. Only for who knows that the repository is no old
   * copy of one whose documents name them: there is data on restored disks. Default false, they are named as `kept`.
   */
  readonly unclaimedDisks?: boolean | undefined;
  /**
   * EC2: the driver's region, beyond which it sees nothing. Without it only documents of which something was found are
   * removed: the others may be of another region.
   */
  readonly region?: string | undefined;
}

/** Why something is removed, or is kept. */
export type SweepReason =
  /** Its document failed or was interrupted, and nobody is at it any more. */
  | 'abandoned'
  | 'expired'
  /** The cloud has it, and no document names it. */
  | 'unclaimed'
  /** A disk with a tag of ours that is attached to a machine. */
  | 'attached';

/** Something that a sweep removed, would remove, or left. */
export interface SweptItem extends DiskRemains {
  readonly volume: string;
  readonly reason: SweepReason;
}

/** What a sweep did, or would do. */
export interface SweepDisksResult {
  readonly removed: readonly SweptItem[];
  readonly kept: readonly SweptItem[];
  /** What could not be removed; a later sweep tries again. */
  readonly failed: readonly (SweptItem & { readonly error: Error })[];
  /** Ids of documents of which the cloud has nothing left. */
  readonly removedDocuments: readonly string[];
}

/**
 * Removes what is left over in the cloud and account of the driver: everything that has this repository's tag and that
 * no live document names. A document lives while somebody may be at work on it, and when it is done: a snapshot's
 * until it expires, a restored disk's for ever. Nothing of another repository is touched, and no disk that is
 * attached.
 *
 * Throws RepositoryError when one document cannot be read, since it might name anything; DiskError, StoreError,
 * CancelledError.
 *
 * @example
 * const { removed } = await sweepDisks(repository, disks, { dryRun: true });
 * for (const { id, reason } of removed) console.log(id, reason);
 */
export async function sweepDisks(
  repository: Repository,
  driver: DiskDriver,
  options: SweepDisksOptions = {},
): Promise<SweepDisksResult> {
  const engine = diskEngine(repository, driver, options);
  const { clock, deadlineMs } = engine;
  return keepAliveDuring(() =>
    withDeadline(
      {
        clock,
        deadlineMs,
        what: 'the sweep took too long',
        where: driver.provider,
        advice: 'run it again: it goes on with what is left',
        signal: options.signal,
      },
      (signal) => new Sweep(engine, options, signal).run(),
    ),
  );
}

class Sweep {
  readonly #engine: DiskEngine;
  readonly #options: SweepDisksOptions;
  readonly #signal: AbortSignal;
  readonly #removed: SweptItem[] = [];
  readonly #kept: SweptItem[] = [];
  readonly #failed: (SweptItem & { readonly error: Error })[] = [];
  readonly #removedDocuments: string[] = [];
  /** Ids of documents of which the cloud had something. */
  readonly #found = new Set<string>();

  constructor(engine: DiskEngine, options: SweepDisksOptions, signal: AbortSignal) {
    this.#engine = engine;
    this.#options = options;
    this.#signal = signal;
  }

  async run(): Promise<SweepDisksResult> {
    const { driver, repository } = this.#engine;
    const of = { tags: repositoryTags(repository), signal: this.#signal };
    const account = await driver.account(of);
    // In this order: a document is there before anything of it is, so that what is found now is named by then.
    const snapshots = await allOf(driver.listSnapshots(of));
    const disks = await allOf(driver.listDisks(of));
    for (const { tags } of [...snapshots, ...disks]) this.#found.add(tags[diskTag.document] ?? '');
    const all = await loadDiskDocuments(repository, of);
    const byId = new Map(all.map((document) => [document.id, document]));
    for (const snapshot of snapshots) await this.#sweepSnapshot(snapshot, byId);
    for (const disk of disks) await this.#sweepDisk(disk, byId);
    for (const document of all) {
      const isHere = document.provider === driver.provider && document.account === account;
      if (isHere && this.#isVisible(document)) await this.#sweepDocument(document);
    }
    return {
      removed: this.#removed,
      kept: this.#kept,
      failed: this.#failed,
      removedDocuments: this.#removedDocuments,
    };
  }

  #isVisible(document: DiskDocument): boolean {
    if (this.#engine.driver.provider !== 'aws' || this.#found.has(document.id)) return true;
    return this.#options.region === regionOf(document);
  }

  async #sweepSnapshot(
    { id, state, tags }: DiskSnapshotDescription,
    documents: ReadonlyMap<string, DiskDocument>,
  ): Promise<void> {
    if (state === 'deleting') return;
    const document = documents.get(tags[diskTag.document] ?? '');
    const reason = this.#reasonFor(document, (own) => own.kind === 'snapshot' && own.snapshot?.id === id);
    if (reason === undefined) return;
    await this.#remove({ thing: 'snapshot', id, volume: tags[diskTag.volume] ?? '', reason });
  }

  async #sweepDisk(
    { id, state, tags, attachedTo }: DiskDescription,
    documents: ReadonlyMap<string, DiskDocument>,
  ): Promise<void> {
    if (state === 'deleting') return;
    const document = documents.get(tags[diskTag.document] ?? '');
    const reason = this.#reasonFor(document, (own) => own.kind === 'disk' && own.disk?.id === id);
    if (reason === undefined) return;
    const item: SweptItem = { thing: 'disk', id, volume: tags[diskTag.volume] ?? '', reason };
    if (attachedTo.length > 0) this.#kept.push({ ...item, reason: 'attached' });
    else if (document === undefined && this.#options.unclaimedDisks !== true) this.#kept.push(item);
    else await this.#remove(item);
  }

  /** Undefined where a live document names it. */
  #reasonFor(
    document: DiskDocument | undefined,
    names: (document: DiskDocument) => boolean,
  ): SweepReason | undefined {
    if (document === undefined) return 'unclaimed';
    if (this.#isOver(document)) return 'abandoned';
    if (document.state === 'begun' || document.state === 'paused') return undefined;
    if (!names(document)) return 'unclaimed';
    return this.#isExpired(document) ? 'expired' : undefined;
  }

  #isOver({ state, busyUntilMs, expiresMs }: DiskDocument): boolean {
    const nowMs = this.#engine.clock.nowMs();
    if (state === 'begun') return busyUntilMs + graceMs <= nowMs;
    return state === 'abandoned' || (state === 'paused' && expiresMs <= nowMs);
  }

  #isExpired({ kind, state, expiresMs }: DiskDocument): boolean {
    return kind === 'snapshot' && state === 'ready' && expiresMs <= this.#engine.clock.nowMs();
  }

  async #remove(item: SweptItem): Promise<void> {
    if (this.#options.dryRun === true) {
      this.#removed.push(item);
      return;
    }
    try {
      await removeFromCloud(this.#engine, item, item.volume, this.#signal);
      this.#removed.push(item);
    } catch (error) {
      if (this.#signal.aborted) throw error;
      this.#failed.push({ ...item, error: asError(error) });
    }
  }

  /** A document goes when the cloud has nothing of it, and nothing of it can turn up any more. */
  async #sweepDocument(document: DiskDocument): Promise<void> {
    const { clock, driver, repository } = this.#engine;
    const isOver = this.#isOver(document);
    if (!isOver && !this.#isExpired(document)) return;
    const id = document.kind === 'snapshot' ? document.snapshot?.id : document.disk?.id;
    if (this.#failed.some((item) => item.id === id) || this.#kept.some((item) => item.id === id)) return;
    const settledMs = document.busyUntilMs + driver.capabilities.listingLagMs + graceMs;
    if (isOver && settledMs > clock.nowMs()) return;
    if (this.#options.dryRun !== true) {
      try {
        await discard(this.#engine, document, [], this.#signal);
        await removeDiskDocument(repository, document.id, { signal: this.#signal });
      } catch (error) {
        if (this.#signal.aborted) throw error;
        const item: SweptItem = {
          thing: document.kind,
          id: document.id,
          volume: document.volume,
          reason: 'abandoned',
        };
        this.#failed.push({ ...item, error: asError(error) });
        return;
      }
    }
    this.#removedDocuments.push(document.id);
  }
}

/** For clocks that differ, and for whoever was cleaning up when its time was over. */
const graceMs = 5 * 60_000;

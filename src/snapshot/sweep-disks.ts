import { isDeepStrictEqual } from 'node:util';
import { allOf } from '../base/all-of.ts';
import { RepositoryError, asError } from '../base/errors.ts';
import { keepAliveDuring } from '../base/keep-alive.ts';
import type { DiskDriver } from '../providers/disks/driver.ts';
import type { Repository } from '../repository/repository.ts';
import { withDeadline } from './deadline.ts';
import { discard, removeFromCloud } from './discard.ts';
import { graceMs, regionOf } from './disk-document.ts';
import type { DiskDocument } from './disk-document.ts';
import { findDiskDocument, loadDiskDocuments, removeDiskDocument } from './disk-documents.ts';
import { defaultExpiryMs, diskTag, repositoryTags } from './disk-tags.ts';
import { diskEngine } from './engine-options.ts';
import type { DiskEngine, DiskEngineOptions } from './engine-options.ts';
import { isOfAccount, isWhatItsTagSays, namedRemains, namedThing, wasMadeFor } from './ownership.ts';
import type { DiskRemains, FoundThing } from './ownership.ts';

/** How a sweep is done. */
export interface SweepDisksOptions extends DiskEngineOptions {
  /** Removes nothing, and says what it would remove. Default false. */
  readonly dryRun?: boolean | undefined;
  /**
   * Removes also disks, attached to nothing, that are tagged as restored by this repository and that no document
   * names. Only for who knows that the repository is no old copy of one whose documents name them, and that no backup
   * of a restored disk was restored: there is data on such disks. Default false, they are named as `kept`.
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
  /** Made beside what its document names, by an order whose answer was lost or by a try before. */
  | 'duplicate'
  /** No document knows it: a snapshot is kept until the time in its own tag is over, a disk for ever. */
  | 'unclaimed'
  /** A disk with a tag of ours that is attached to a machine. */
  | 'attached'
  /** Its document is over, and is of another account, project or subscription. The id may be the document's. */
  | 'elsewhere';

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
 * Removes what is left over in the cloud and account of the driver: what this repository's documents say was made for
 * them, once they are over, and snapshots tagged as its own that no document knows, once the time in their tags is
 * over. A document lives while somebody may be at work on it, and when it is done: a snapshot's until it expires, a
 * restored disk's for ever. Nothing of another repository is touched, no disk that is attached, and no backup that
 * somebody else made of what is ours, whatever tags it has from there.
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
  /** Ids of documents for which something that the cloud has was made. */
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
    const all = await loadDiskDocuments(repository, of);
    const byId = new Map(all.map((document) => [document.id, document]));
    for (const snapshot of snapshots) {
      if (snapshot.state !== 'deleting') await this.#sweepSnapshot({ thing: 'snapshot', ...snapshot }, byId);
    }
    for (const { attachedTo, ...disk } of disks) {
      const isAttached = attachedTo.length > 0;
      if (disk.state !== 'deleting') await this.#sweepDisk({ thing: 'disk', ...disk }, isAttached, byId);
    }
    for (const document of all) {
      if (document.provider !== driver.provider || !this.#isVisible(document)) continue;
      if (isOfAccount(document, account)) await this.#sweepDocument(document);
      else this.#keepElsewhere(document);
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

  async #sweepSnapshot(found: FoundThing, documents: ReadonlyMap<string, DiskDocument>): Promise<void> {
    const document = documents.get(found.tags[diskTag.document] ?? '');
    const reason = this.#reasonFor(found, document);
    if (reason === undefined) return;
    const item = itemOf(found, reason);
    // Its document may not be in this copy of the repository, or not on it yet: it is trusted until its time is over.
    if (reason === 'unclaimed' && dueMs(found) > this.#engine.clock.nowMs()) this.#kept.push(item);
    else await this.#remove(item, found.tags[diskTag.document], document);
  }

  async #sweepDisk(
    found: FoundThing,
    isAttached: boolean,
    documents: ReadonlyMap<string, DiskDocument>,
  ): Promise<void> {
    const document = documents.get(found.tags[diskTag.document] ?? '');
    const reason = this.#reasonFor(found, document);
    if (reason === undefined) return;
    const item = itemOf(found, reason);
    if (isAttached) this.#kept.push({ ...item, reason: 'attached' });
    else if (reason === 'unclaimed' && this.#options.unclaimedDisks !== true) this.#kept.push(item);
    else await this.#remove(item, found.tags[diskTag.document], document);
  }

  /** Undefined where a live document names it, or where it is somebody else's. */
  #reasonFor(found: FoundThing, document: DiskDocument | undefined): SweepReason | undefined {
    if (document === undefined || !wasMadeFor(document, found)) {
      return isWhatItsTagSays(found) ? 'unclaimed' : undefined;
    }
    this.#found.add(document.id);
    if (this.#isOver(document)) return 'abandoned';
    if (document.state !== 'ready') return undefined;
    if (namedThing(document)?.id !== found.id) return 'duplicate';
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

  async #remove(
    item: SweptItem,
    documentId: string | undefined,
    document: DiskDocument | undefined,
  ): Promise<void> {
    if (this.#options.dryRun !== true) {
      try {
        if (documentId !== undefined && (await this.#hasChanged(documentId, document))) return;
        await removeFromCloud(this.#engine, item, item.volume, this.#signal);
      } catch (error) {
        this.#fail(item, error);
        return;
      }
    }
    this.#removed.push(item);
  }

  /** Somebody went on with it since it was read, or began it anew: what that means a later sweep sees. */
  async #hasChanged(id: string, before: DiskDocument | undefined): Promise<boolean> {
    const now = await findDiskDocument(this.#engine.repository, id, { signal: this.#signal });
    return !isDeepStrictEqual(now, before);
  }

  #fail(item: SweptItem, error: unknown): void {
    if (this.#signal.aborted || error instanceof RepositoryError) throw error;
    this.#failed.push({ ...item, error: asError(error) });
  }

  /** What this driver does not see is not removed, and its document neither. */
  #keepElsewhere(document: DiskDocument): void {
    if (this.#isOver(document) || this.#isExpired(document))
      this.#kept.push(itemOfDocument(document, 'elsewhere'));
  }

  /** A document goes when the cloud has nothing of it, and nothing of it can turn up any more. */
  async #sweepDocument(document: DiskDocument): Promise<void> {
    const { clock, driver, repository } = this.#engine;
    const isOver = this.#isOver(document);
    if (!isOver && !this.#isExpired(document)) return;
    const id = namedThing(document)?.id;
    if (this.#failed.some((item) => item.id === id) || this.#kept.some((item) => item.id === id)) return;
    const settledMs = document.busyUntilMs + driver.capabilities.listingLagMs + graceMs;
    if (isOver && settledMs > clock.nowMs()) return;
    if (this.#options.dryRun !== true) {
      try {
        if (await this.#hasChanged(document.id, document)) return;
        await discard(this.#engine, document, namedRemains(document), this.#signal);
        await removeDiskDocument(repository, document.id, { signal: this.#signal });
      } catch (error) {
        this.#fail(itemOfDocument(document, 'abandoned'), error);
        return;
      }
    }
    this.#removedDocuments.push(document.id);
  }
}

function itemOf({ thing, id, tags }: FoundThing, reason: SweepReason): SweptItem {
  return { thing, id, volume: tags[diskTag.volume] ?? '', reason };
}

function itemOfDocument(document: DiskDocument, reason: SweepReason): SweptItem {
  const { kind, id, volume } = document;
  return { thing: kind, id: namedThing(document)?.id ?? id, volume, reason };
}

/** When a snapshot that no document knows may go. */
function dueMs({ tags, createdMs }: FoundThing): number {
  const expires = tags[diskTag.expires] ?? '';
  return /^[0-9]{1,12}$/.test(expires) ? Number(expires) * 1000 : createdMs + defaultExpiryMs;
}

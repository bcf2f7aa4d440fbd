import { DiskError, UsageError } from '../base/errors.ts';
import { keepAliveDuring } from '../base/keep-alive.ts';
import { operationTag } from '../providers/disks/driver.ts';
import type {
  DiskDescription,
  DiskDriver,
  DiskSnapshotDescription,
  NewDisk,
} from '../providers/disks/driver.ts';
import { leavesOpen } from '../providers/disks/retry.ts';
import type { Repository } from '../repository/repository.ts';
import { abandonDocument, beginDocument, mayGoOn, pauseDocument, saveOwnDocument } from './begin-document.ts';
import { withDeadline } from './deadline.ts';
import { removeFromCloud } from './discard.ts';
import { isRestoredDisk } from './disk-document.ts';
import type { DiskSnapshotDocument, RestoredDiskDocument } from './disk-document.ts';
import { diskDocumentId, findDiskDocument, operationIdOf } from './disk-documents.ts';
import type { DiskThing } from './disk-events.ts';
import type { DiskMapping } from './disk-mapping.ts';
import { diskTag, keptTags, tagsOf } from './disk-tags.ts';
import { diskEngine } from './engine-options.ts';
import type { DiskEngine, DiskEngineOptions } from './engine-options.ts';
import { makeOnce, removeDuplicates } from './make-once.ts';
import type { MadeItem, Making } from './make-once.ts';
import { copyOperationsOf } from './ownership.ts';
import type { DiskRemains } from './ownership.ts';
import { waitForDisk, waitForSnapshot } from './wait.ts';
import { differenceOf } from './disk-difference.ts';

/** What is restored, and how. */
export interface RestoreDiskOptions extends DiskEngineOptions {
  /** Id of the snapshot's document. */
  readonly snapshot: string;
  /**
   * Tells several disks of one snapshot in one account and region apart; a second call of the same name finds the disk
   * of the first, unless the snapshot was taken anew since. Default: the zones.
   */
  readonly name?: string | undefined;
  readonly mapping?: DiskMapping | undefined;
  /**
   * The cloud as it is reached in the snapshot's own region, where the disk shall be in another: the snapshot is copied
   * first, and the copy removed afterwards.
   */
  readonly copyFrom?: DiskDriver | undefined;
  /** As for {@link SnapshotDisksOptions}. */
  readonly keepUnfinished?: boolean | undefined;
  readonly takeOver?: boolean | undefined;
}

/**
 * Makes a disk of a snapshot with the credentials of the driver, and waits until it can be attached. It has type, size,
 * IOPS, throughput, encryption key, zones and labels of the source unless they are mapped, and is compared with what
 * was ordered. A snapshot that is still pending is waited for. Where it fails, or the deadline passes, or the signal
 * fires, what was made is removed or stays named in the repository, as with {@link snapshotDisks}.
 *
 * Throws DiskError by cause: `not-found` where there is no such document, or these credentials see no such snapshot;
 * `refused` where it is in another region; `failed`, also for a disk that vanished since its key was denied; `timeout`,
 * `permission-denied`, `quota-exceeded`. StoreError, CancelledError.
 *
 * @example
 * const volumes = [{ volume: 'data', diskId: 'disk-1' }];
 * const { documents } = await snapshotDisks(repository, disks, { plan: 'shop', volumes });
 * for (const { id: snapshot } of documents) {
 *   const { disk } = await restoreDisk(repository, disks, { snapshot });
 *   console.log(disk?.id, disk?.zones);
 * }
 */
export async function restoreDisk(
  repository: Repository,
  driver: DiskDriver,
  options: RestoreDiskOptions,
): Promise<RestoredDiskDocument> {
  const engine = diskEngine(repository, driver, options);
  return keepAliveDuring(() => new DiskRestore(engine, options).run());
}

class DiskRestore {
  readonly #engine: DiskEngine;
  readonly #options: RestoreDiskOptions;
  #document: RestoredDiskDocument | undefined;
  #isDone = false;
  readonly #known: DiskRemains[] = [];
  readonly #copyFrom: DiskDriver | undefined;
  #mayReturn = false;

  constructor(engine: DiskEngine, options: RestoreDiskOptions) {
    this.#engine = engine;
    this.#options = options;
    const { copyFrom } = options;
    this.#copyFrom = copyFrom && diskEngine(engine.repository, copyFrom, options).driver;
  }

  async run(): Promise<RestoredDiskDocument> {
    const { clock, deadlineMs } = this.#engine;
    const { snapshot, signal } = this.#options;
    try {
      return await withDeadline(
        {
          clock,
          deadlineMs,
          what: `the disk was not ready within ${Math.round(deadlineMs / 1000)} s`,
          where: snapshot,
          advice: 'allow more time; with keepUnfinished the next call goes on where this one ended',
          signal,
        },
        (within) => this.#work(within),
      );
    } catch (error) {
      await this.#leave(mayGoOn(error));
      throw error;
    }
  }

  async #work(signal: AbortSignal): Promise<RestoredDiskDocument> {
    const { driver, clock } = this.#engine;
    const { document: source, snapshot: recorded } = await this.#source(signal);
    const account = await driver.account({ signal });
    const region = this.#options.mapping?.region ?? source.disk.region;
    const begun = await this.#begin(source, recorded, { account, region }, signal);
    this.#document = begun.document;
    if (begun.document.state === 'ready') {
      this.#isDone = true;
      return begun.document;
    }
    this.#mayReturn = begun.mayExist;
    const snapshot = await waitForSnapshot(this.#copyFrom ?? driver, recorded.id, {
      clock,
      signal,
      onProgress: this.#progress('snapshot', recorded.id),
      explainAbsence: unseen,
    });
    const { request } = begun.document;
    const local = await this.#inRegion(snapshot, request, begun, signal);
    const disk = await this.#makeDisk({ ...request, snapshotId: local }, begun.mayExist, signal);
    const ready: RestoredDiskDocument = { ...begun.document, state: 'ready', disk };
    await saveOwnDocument(this.#engine, ready, { signal });
    this.#isDone = true;
    this.#engine.onEvent({ kind: 'ready', thing: 'disk', volume: source.volume, id: disk.id });
    if (local !== snapshot.id) await this.#removeCopy(local, signal);
    return ready;
  }

  async #source(
    signal: AbortSignal,
  ): Promise<{ readonly document: DiskSnapshotDocument; readonly snapshot: DiskSnapshotDescription }> {
    const { repository, clock, driver } = this.#engine;
    const { snapshot: where } = this.#options;
    const document = await findDiskDocument(repository, where, { signal });
    if (document?.kind !== 'snapshot') {
      throw new DiskError('not-found', 'the repository has no disk snapshot of this id', {
        where,
        advice: 'see `tranship disk list`',
      });
    }
    if (document.provider !== driver.provider) {
      throw new UsageError('the snapshot is in another cloud', {
        where,
        advice: `it is in ${document.provider}`,
      });
    }
    const { snapshot, state, expiresMs } = document;
    if (state !== 'ready' || snapshot === undefined) {
      throw new DiskError('refused', 'the snapshot was not finished', { where, advice: 'take it again' });
    }
    if (expiresMs <= clock.nowMs()) {
      throw new DiskError('refused', 'the snapshot has expired, and may be swept at any time', {
        where,
        advice: 'take it again, with a later expiry',
      });
    }
    return { document, snapshot };
  }

  async #begin(
    source: DiskSnapshotDocument,
    snapshot: DiskSnapshotDescription,
    { account, region }: { readonly account: string; readonly region: string },
    signal: AbortSignal,
  ): Promise<{ readonly document: RestoredDiskDocument; readonly mayExist: boolean }> {
    const { repository, clock, deadlineMs, driver } = this.#engine;
    const { mapping = {}, takeOver = false } = this.#options;
    const zones = mapping.zones ?? source.disk.zones;
    const name = this.#options.name ?? zones.join(' ');
    const owner = mapping.account ?? account;
    // A snapshot that was taken anew is another one, with other data.
    const origin = [source.id, snapshot.id, String(snapshot.createdMs)];
    const nowMs = clock.nowMs();
    const { plan, volume, pass } = source;
    return beginDocument<RestoredDiskDocument>(this.#engine, {
      id: diskDocumentId(repository, ['disk', ...origin, owner, region, name]),
      takeOver,
      signal,
      isOfKind: isRestoredDisk,
      make: (head) => {
        const times = { begunMs: nowMs, busyUntilMs: nowMs + deadlineMs, expiresMs: nowMs + deadlineMs };
        const tags = {
          ...keptTags(source.disk.tags),
          ...mapping.tags,
          ...tagsOf(repository, source, {
            ...head,
            kind: 'disk',
            document: head.id,
            expiresMs: times.expiresMs,
          }),
        };
        const request = requestOf(source.disk, mapping, {
          snapshotId: snapshot.id,
          operationId: head.operationId,
          tags,
          region,
          zones,
        });
        return {
          plan,
          volume,
          pass,
          ...head,
          ...times,
          version: 1,
          kind: 'disk',
          provider: driver.provider,
          account: owner,
          snapshotDocument: source.id,
          request,
        };
      },
      isStillThere: async ({ disk, request }) => {
        const state = disk && (await driver.describeDisk(disk.id, { signal }))?.state;
        if (disk === undefined || state === undefined || state === 'failed' || state === 'deleting')
          return false;
        refuseOther(requestOf(source.disk, mapping, request), disk);
        // A cloud says so also of a disk that it is changing.
        const onProgress = this.#progress('disk', disk.id, volume);
        if (state === 'creating') await waitForDisk(driver, disk.id, { clock, signal, onProgress });
        return true;
      },
    });
  }

  /** The id of the snapshot, or of its copy, in the disk's region. */
  async #inRegion(
    snapshot: DiskSnapshotDescription,
    request: NewDisk,
    begun: { readonly document: RestoredDiskDocument; readonly mayExist: boolean },
    signal: AbortSignal,
  ): Promise<string> {
    const { driver, clock } = this.#engine;
    if (!driver.capabilities.copiesBetweenRegions || snapshot.regions.includes(request.region))
      return snapshot.id;
    const copySnapshot = this.#copyFrom?.copySnapshot?.bind(this.#copyFrom);
    if (copySnapshot === undefined) {
      throw new DiskError(
        'refused',
        `the snapshot is in ${snapshot.regions.join(', ')}, not in ${request.region}`,
        {
          where: snapshot.id,
          advice: 'restore there, or let it be copied (`--copy`)',
        },
      );
    }
    const operationId = operationIdOf(copyOperationsOf(begun.document.id), begun.document.attempt);
    const { tags, region, encryption, resourceGroup } = request;
    const own = { [diskTag.kind]: 'copy', [operationTag]: operationId };
    const order = { snapshotId: snapshot.id, tags: { ...tags, ...own } };
    const { repeatsSnapshotsSafely } = driver.capabilities;
    const id = await this.#make('copy', signal, {
      operationIds: [operationId],
      create: async () => [
        await copySnapshot({ ...order, operationId, region, encryption, resourceGroup }, { signal }),
      ],
      list: (of) => driver.listSnapshots(of),
      repeatsSafely: repeatsSnapshotsSafely,
      mayExist: begun.mayExist,
    });
    await waitForSnapshot(driver, id, { clock, signal, onProgress: this.#progress('copy', id) });
    return id;
  }

  async #makeDisk(request: NewDisk, mayExist: boolean, signal: AbortSignal): Promise<DiskDescription> {
    const { driver, clock } = this.#engine;
    const making = {
      operationIds: [request.operationId],
      create: async () => [await driver.createDisk(request, { signal })],
      list: driver.listDisks.bind(driver),
      repeatsSafely: driver.capabilities.repeatsDisksSafely,
      mayExist,
    };
    const id = await this.#make('disk', signal, making);
    const disk = await waitForDisk(driver, id, { clock, signal, onProgress: this.#progress('disk', id) });
    if (this.#mayReturn) {
      const remove = async (other: string): Promise<void> => this.#remove('disk', other, signal);
      await removeDuplicates<DiskDescription>({ ...making, remove, signal }, [id]);
    }
    const difference = differenceOf(request, disk);
    if (difference === undefined) return disk;
    throw new DiskError('failed', `the disk is not what was ordered: ${difference}`, {
      where: id,
      advice: 'see that the account may use the encryption key, and that the type is to be had there',
    });
  }

  /** The id of what was made or found; from then on it is known. */
  async #make<Item extends MadeItem>(
    thing: DiskThing,
    signal: AbortSignal,
    order: Pick<Making<Item>, 'operationIds' | 'create' | 'list' | 'repeatsSafely' | 'mayExist'>,
  ): Promise<string> {
    const { driver, clock, onEvent } = this.#engine;
    const volume = this.#document?.volume ?? '';
    let wasLost = order.mayExist || this.#mayReturn;
    try {
      const { items, adopted, mayHaveDuplicates } = await makeOnce<Item>({
        ...order,
        remove: (id) => this.#remove(thing, id, signal),
        listingLagMs: driver.capabilities.listingLagMs,
        clock,
        signal,
        onUnanswered: (error) => {
          wasLost = true;
          onEvent({ kind: 'unanswered', thing, volume, error });
        },
      });
      const [item] = items;
      if (item === undefined) throw new DiskError('failed', 'the cloud gave out no id', { where: volume });
      this.#known.push({ thing: thing === 'disk' ? 'disk' : 'snapshot', id: item.id });
      this.#mayReturn ||= mayHaveDuplicates;
      onEvent({ kind: adopted ? 'adopted' : 'made', thing, volume, id: item.id });
      return item.id;
    } catch (error) {
      this.#mayReturn ||= wasLost || !(error instanceof DiskError) || leavesOpen(error);
      throw error;
    }
  }

  async #remove(thing: DiskThing, id: string, signal: AbortSignal): Promise<void> {
    const remains: DiskRemains = { thing: thing === 'disk' ? 'disk' : 'snapshot', id };
    await removeFromCloud(this.#engine, remains, this.#document?.volume ?? '', signal);
  }

  /** The disk is there and named by then: a copy that stays is no reason to lose it. */
  async #removeCopy(id: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#remove('copy', id, signal);
    } catch (error) {
      const { logger } = this.#engine.repository;
      logger.warn(`the copy of the snapshot is left to \`tranship disk sweep\`: ${String(error)}`);
    }
  }

  #progress(
    thing: DiskThing,
    id: string,
    volume = this.#document?.volume ?? '',
  ): (percent: number | undefined, waitedMs: number) => void {
    const { onEvent } = this.#engine;
    return (percent, waitedMs) => onEvent({ kind: 'progress', thing, volume, id, percent, waitedMs });
  }

  async #leave(isResumable: boolean): Promise<void> {
    if (this.#document === undefined || this.#isDone) return;
    if (this.#options.keepUnfinished === true && isResumable) {
      await pauseDocument(this.#engine, this.#document);
      return;
    }
    await abandonDocument(this.#engine, this.#document, { known: this.#known, mayReturn: this.#mayReturn });
  }
}

/** What the source had, unless it is mapped. */
function requestOf(
  source: DiskDescription,
  mapping: DiskMapping,
  fixed: Pick<NewDisk, 'snapshotId' | 'operationId' | 'tags' | 'region' | 'zones'>,
): NewDisk {
  const type = mapping.type ?? source.type;
  const kept = type === source.type ? source : { iops: undefined, throughputBytesPerSecond: undefined };
  const sizeBytes = mapping.sizeBytes ?? source.sizeBytes;
  if (sizeBytes < source.sizeBytes) {
    throw new UsageError(`the disk would have ${sizeBytes} bytes, its source had ${source.sizeBytes}`);
  }
  return {
    ...fixed,
    type,
    sizeBytes,
    iops: mapping.iops ?? kept.iops,
    throughputBytesPerSecond: mapping.throughputBytesPerSecond ?? kept.throughputBytesPerSecond,
    encryption: mapping.encryption ?? source.encryption,
    account: mapping.account,
    resourceGroup: mapping.resourceGroup,
  };
}

/** What was made before is not given out for what is ordered now. */
function refuseOther(ordered: NewDisk, made: DiskDescription): void {
  const difference = differenceOf(ordered, made);
  if (difference === undefined) return;
  throw new DiskError('already-exists', `a disk of this name was made before, with ${difference}`, {
    where: made.id,
    advice: 'name another one (`--disk-name`), or remove that with `tranship disk delete`',
  });
}

function unseen(where: string): DiskError {
  return new DiskError('not-found', 'these credentials see no such snapshot', {
    where,
    advice: 'see that it is in this region, is shared with this account, and was not removed',
  });
}

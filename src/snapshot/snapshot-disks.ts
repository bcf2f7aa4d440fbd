import pLimit from 'p-limit';
import { DiskError, UsageError, throwIfAborted } from '../base/errors.ts';
import { keepAliveDuring } from '../base/keep-alive.ts';
import type {
  DiskDescription,
  DiskDriver,
  DiskSnapshotDescription,
  NewDiskSnapshot,
} from '../providers/disks/driver.ts';
import { leavesOpen } from '../providers/disks/retry.ts';
import type { Repository } from '../repository/repository.ts';
import { abandonDocument, beginDocument, mayGoOn, pauseDocument, saveOwnDocument } from './begin-document.ts';
import { withDeadline } from './deadline.ts';
import { removeFromCloud } from './discard.ts';
import { isSnapshotDocument } from './disk-document.ts';
import type { DiskSnapshotDocument, VolumeUse } from './disk-document.ts';
import { snapshotDocumentId } from './disk-documents.ts';
import { defaultExpiryMs, tagsOf } from './disk-tags.ts';
import type { DiskRemains } from './ownership.ts';
import type { DiskPurpose } from './disk-tags.ts';
import { diskEngine } from './engine-options.ts';
import type { DiskEngine, DiskEngineOptions } from './engine-options.ts';
import { makeOnce, removeDuplicates } from './make-once.ts';
import type { Making } from './make-once.ts';
import { waitForSnapshot } from './wait.ts';

const defaultPass = 'final';
const atOnce = 8;

/** A disk to be snapshotted. */
export interface DiskToSnapshot {
  /** Full id, as {@link parseDiskHandle} makes it of a volume handle. */
  readonly diskId: string;
  /** Name of the volume within the plan. */
  readonly volume: string;
  /** How its cluster uses it, which is kept for {@link diskManifests}. */
  readonly use?: VolumeUse | undefined;
}

/** What snapshots are for, and how they are taken. */
export interface SnapshotDisksOptions extends DiskEngineOptions {
  readonly plan: string;
  /** Default `final`. The same plan, volume and pass are the same snapshot: a second call finds that of the first. */
  readonly pass?: string | undefined;
  /**
   * How long after the beginning a sweep may remove them. Default 7 days. Of a snapshot that is there already it can
   * make the time longer, not shorter.
   */
  readonly expireAfterMs?: number | undefined;
  /** Accounts, projects or subscriptions that shall be able to make disks of them, of those of before too. */
  readonly shareWith?: readonly string[] | undefined;
  /** Azure: false for full snapshots. Default true. */
  readonly incremental?: boolean | undefined;
  /** Google Cloud: region or multi-region that keeps them. */
  readonly storageLocation?: string | undefined;
  /** Azure: default the disk's own. */
  readonly resourceGroup?: string | undefined;
  /**
   * True where a cancelled or late pass shall leave what it has made, for a call that goes on. Default false: it is
   * removed.
   */
  readonly keepUnfinished?: boolean | undefined;
  /** Goes on at once with what another call has begun, which must have ended. Default false. */
  readonly takeOver?: boolean | undefined;
}

/** What became of {@link snapshotDisks}. */
export interface SnapshotDisksResult {
  /** In the order of the disks. */
  readonly documents: readonly DiskSnapshotDocument[];
  /** Time from the first snapshot's moment to the last one's, by the cloud's clock; 0 where it took them together. */
  readonly spreadMs: number;
  /** True where the cloud took them at one moment, by one call. */
  readonly grouped: boolean;
  /** Ids of documents whose snapshots an earlier call had taken: what was written since is not in them. */
  readonly earlier: readonly string[];
}

/**
 * Takes snapshots of the disks of one workload as close together as their cloud can, waits until they can be restored
 * from, shares them, and keeps what restoring them takes in sealed documents of the repository. All or nothing: where
 * one fails, or the deadline passes, or the signal fires, what was made is removed, and what cannot be removed stays
 * named in the repository for {@link sweepDisks}.
 *
 * Throws DiskError by cause (`failed`, `timeout`, `permission-denied` with its `action`, `quota-exceeded`, `not-found`,
 * `conflict` where another call is at the same snapshot), StoreError, CancelledError.
 *
 * @example
 * const { documents } = await snapshotDisks(repository, disks, {
 *   plan: 'shop',
 *   volumes: [{ volume: 'data', diskId: 'disk-1' }],
 * });
 * console.log(documents.map(({ id, snapshot }) => [id, snapshot?.id]));
 */
export async function snapshotDisks(
  repository: Repository,
  driver: DiskDriver,
  options: SnapshotDisksOptions & { readonly volumes: readonly DiskToSnapshot[] },
): Promise<SnapshotDisksResult> {
  checkVolumes(options.volumes);
  const engine = diskEngine(repository, driver, options);
  return keepAliveDuring(() => new SnapshotPass(engine, options).run());
}

function checkVolumes(volumes: readonly DiskToSnapshot[]): void {
  if (volumes.length === 0) throw new UsageError('no disk was named');
  for (const member of ['volume', 'diskId'] as const) {
    const values = volumes.map((volume) => volume[member]);
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) throw new UsageError('a disk was named twice', { where: twice });
  }
}

/** One snapshot on its way. */
interface Job {
  document: DiskSnapshotDocument;
  /** True where an earlier call may have given the order. */
  readonly mayExist: boolean;
  snapshotId?: string;
  /** True after an order without an answer. */
  wasLost: boolean;
  /** True while an order without an answer may still turn up. */
  mayReturn: boolean;
  /** True where an earlier call has finished it. */
  readonly isDone: boolean;
}

class SnapshotPass {
  readonly #engine: DiskEngine;
  readonly #options: SnapshotDisksOptions & { readonly volumes: readonly DiskToSnapshot[] };
  readonly #jobs: Job[] = [];
  /** One moment for all: a call that takes several snapshots gives them the tags that they have in common. */
  readonly #begunMs: number;
  #grouped = false;

  constructor(
    engine: DiskEngine,
    options: SnapshotDisksOptions & { readonly volumes: readonly DiskToSnapshot[] },
  ) {
    this.#engine = engine;
    this.#options = options;
    this.#begunMs = engine.clock.nowMs();
  }

  async run(): Promise<SnapshotDisksResult> {
    const { clock, deadlineMs } = this.#engine;
    const { plan, signal } = this.#options;
    try {
      await withDeadline(
        {
          clock,
          deadlineMs,
          what: `the snapshots were not ready within ${Math.round(deadlineMs / 1000)} s`,
          where: plan,
          advice: 'allow more time; with keepUnfinished the next call goes on where this one ended',
          signal,
        },
        (within) => this.#work(within),
      );
    } catch (error) {
      await this.#leave(mayGoOn(error));
      throw error;
    }
    const documents = this.#jobs.map(({ document }) => document);
    const moments = documents.flatMap(({ snapshot }) => snapshot?.createdMs ?? []);
    const spreadMs = Math.max(...moments) - Math.min(...moments);
    const earlier = this.#jobs.flatMap(({ document, isDone }) => (isDone ? document.id : []));
    return { documents, spreadMs, grouped: this.#grouped, earlier };
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { driver } = this.#engine;
    const { volumes } = this.#options;
    const account = await driver.account({ signal });
    const disks = await inParallel(volumes, signal, async ({ diskId }, within) =>
      describeUsable(driver, diskId, within),
    );
    for (const [index, { volume, use }] of volumes.entries()) {
      const disk = disks[index];
      if (disk !== undefined) this.#jobs.push(await this.#begin(disk, { volume, use, account }, signal));
    }
    const done = this.#jobs.filter(({ isDone }) => isDone);
    await inParallel(done, signal, (job, within) => this.#extend(job, within));
    const todo = this.#jobs.filter(({ isDone }) => !isDone);
    const machineId = oneMachine(disks);
    if (todo.length > 1 && machineId !== undefined && driver.createSnapshots !== undefined) {
      this.#grouped = true;
      await this.#make(todo, signal, machineId);
    } else {
      await inParallel(todo, signal, (job, within) => this.#make([job], within));
    }
    await inParallel(todo, signal, (job, within) => this.#finish(job, within));
  }

  async #begin(
    disk: DiskDescription,
    {
      volume,
      use,
      account,
    }: {
      readonly volume: string;
      readonly use: VolumeUse | undefined;
      readonly account: string;
    },
    signal: AbortSignal,
  ): Promise<Job> {
    const { repository, driver, deadlineMs } = this.#engine;
    const { plan, pass = defaultPass, expireAfterMs = defaultExpiryMs, takeOver = false } = this.#options;
    const purpose: DiskPurpose = { plan, volume, pass };
    const begunMs = this.#begunMs;
    const begun = await beginDocument<DiskSnapshotDocument>(this.#engine, {
      id: snapshotDocumentId(repository, purpose),
      takeOver,
      signal,
      isOfKind: isSnapshotDocument,
      make: (head, before) => ({
        ...purpose,
        ...head,
        version: 1,
        kind: 'snapshot',
        provider: driver.provider,
        account,
        begunMs,
        busyUntilMs: begunMs + deadlineMs,
        expiresMs: begunMs + expireAfterMs,
        disk,
        ...(use === undefined ? {} : { use }),
        shares: before?.shares ?? [],
      }),
      refuseOther: (earlier) => refuseOtherDisk(earlier, disk.id),
      isStillThere: (document) => this.#isStillThere(document, signal),
    });
    const { document, mayExist } = begun;
    const isDone = document.state === 'ready';
    return { document, mayExist, wasLost: mayExist, mayReturn: mayExist, isDone };
  }

  /** An earlier call's snapshot serves when it can be restored from for some time. */
  async #isStillThere(
    { snapshot, expiresMs, volume }: DiskSnapshotDocument,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock, driver } = this.#engine;
    if (snapshot === undefined || expiresMs <= clock.nowMs()) return false;
    const state = (await driver.describeSnapshot(snapshot.id, { signal }))?.state;
    // A cloud may be changing it, as when it was just shared.
    if (state === 'pending') await this.#wait(snapshot.id, volume, signal);
    return state === 'ready' || state === 'pending';
  }

  /** What is asked for beyond what an earlier call has done: accounts to share with, and more time. */
  async #extend(job: Job, signal: AbortSignal): Promise<void> {
    const { snapshot, begunMs, expiresMs } = job.document;
    if (snapshot === undefined) return;
    const wantedMs = begunMs + (this.#options.expireAfterMs ?? 0);
    if (wantedMs > expiresMs) await this.#save(job, { expiresMs: wantedMs }, signal);
    await this.#share(job, snapshot.id, signal);
  }

  async #make(jobs: readonly Job[], signal: AbortSignal, machineId?: string): Promise<void> {
    const { driver, onEvent } = this.#engine;
    const orders = jobs.map(({ document }) => this.#order(document));
    const making: Making<DiskSnapshotDescription> = {
      ...this.#operations(jobs, signal),
      create: async () => {
        if (machineId !== undefined && driver.createSnapshots !== undefined) {
          return inOrder(orders, await driver.createSnapshots(orders, { machineId, signal }));
        }
        return Promise.all(orders.map((order) => driver.createSnapshot(order, { signal })));
      },
    };
    try {
      for (const job of jobs) job.mayReturn = true;
      const { items, adopted, mayHaveDuplicates } = await makeOnce(making);
      for (const [index, job] of jobs.entries()) {
        const item = items[index];
        if (item === undefined)
          throw new DiskError('failed', 'the cloud left one out', { where: job.document.disk.id });
        job.snapshotId = item.id;
        job.mayReturn = mayHaveDuplicates;
        onEvent({
          kind: adopted ? 'adopted' : 'made',
          thing: 'snapshot',
          volume: job.document.volume,
          id: item.id,
        });
      }
    } catch (error) {
      const wasRefused = error instanceof DiskError && !leavesOpen(error);
      for (const job of jobs) job.mayReturn = job.wasLost || !wasRefused;
      throw error;
    }
  }

  #operations(jobs: readonly Job[], signal: AbortSignal): Omit<Making<DiskSnapshotDescription>, 'create'> {
    const { driver, clock, onEvent } = this.#engine;
    const { repeatsSnapshotsSafely, listingLagMs } = driver.capabilities;
    return {
      operationIds: jobs.map(({ document }) => document.operationId),
      list: (of) => driver.listSnapshots(of),
      remove: async (id) => {
        const volume = jobs[0]?.document.volume ?? '';
        await removeFromCloud(this.#engine, { thing: 'snapshot', id }, volume, signal);
      },
      repeatsSafely: repeatsSnapshotsSafely,
      listingLagMs,
      mayExist: jobs.some(({ mayExist }) => mayExist),
      clock,
      signal,
      onUnanswered: (error) => {
        for (const job of jobs) {
          job.wasLost = true;
          onEvent({ kind: 'unanswered', thing: 'snapshot', volume: job.document.volume, error });
        }
      },
    };
  }

  #order(document: DiskSnapshotDocument): NewDiskSnapshot {
    const { incremental, storageLocation, resourceGroup } = this.#options;
    const { id, operationId, expiresMs, disk } = document;
    const tags = tagsOf(this.#engine.repository, document, {
      kind: 'snapshot',
      document: id,
      operationId,
      expiresMs,
    });
    return { diskId: disk.id, operationId, tags, incremental, storageLocation, resourceGroup };
  }

  async #finish(job: Job, signal: AbortSignal): Promise<void> {
    const { onEvent } = this.#engine;
    const { snapshotId: id } = job;
    const { volume, disk } = job.document;
    if (id === undefined) throw new DiskError('failed', 'the cloud gave out no id', { where: disk.id });
    const snapshot = await this.#wait(id, volume, signal);
    if (snapshot.diskId.toLowerCase() !== disk.id.toLowerCase()) {
      throw new DiskError(
        'failed',
        `the cloud says that the snapshot is of ${snapshot.diskId || 'no disk'}`,
        {
          where: `${id} of ${disk.id}`,
          advice: 'run the command again: it takes a new one',
        },
      );
    }
    if (job.mayReturn) await removeDuplicates(this.#operations([job], signal), [id]);
    await this.#share(job, id, signal);
    await this.#save(job, { state: 'ready', snapshot }, signal);
    onEvent({ kind: 'ready', thing: 'snapshot', volume, id });
  }

  #wait(id: string, volume: string, signal: AbortSignal): Promise<DiskSnapshotDescription> {
    const { driver, clock, onEvent } = this.#engine;
    return waitForSnapshot(driver, id, {
      clock,
      signal,
      onProgress: (percent, waitedMs) =>
        onEvent({ kind: 'progress', thing: 'snapshot', volume, id, percent, waitedMs }),
    });
  }

  /** Each is stored at once: what is not known to be shared is never taken back. */
  async #share(job: Job, id: string, signal: AbortSignal): Promise<void> {
    const { account } = job.document;
    for (const other of this.#options.shareWith ?? []) {
      const has = job.document.shares.some((share) => share.snapshotId === id && share.account === other);
      if (other === account || has) continue;
      const share = await this.#engine.driver.shareSnapshot(id, other, { signal });
      await this.#save(job, { shares: [...job.document.shares, share] }, signal);
    }
  }

  async #save(
    job: Job,
    change: Partial<Pick<DiskSnapshotDocument, 'state' | 'snapshot' | 'shares' | 'expiresMs'>>,
    signal: AbortSignal,
  ): Promise<void> {
    const document: DiskSnapshotDocument = { ...job.document, ...change };
    // Also where it cannot be stored it is known here, for whoever cleans up.
    job.document = { ...document, state: job.document.state };
    await saveOwnDocument(this.#engine, document, { signal });
    job.document = document;
  }

  /** After a failure: nothing that this call began stays, or all of it is named in the repository. */
  async #leave(isResumable: boolean): Promise<void> {
    for (const job of this.#jobs) {
      if (job.isDone) continue;
      const begun: DiskSnapshotDocument = { ...job.document, state: 'begun' };
      if (this.#options.keepUnfinished === true && isResumable) {
        await pauseDocument(this.#engine, begun);
        continue;
      }
      const known: DiskRemains[] =
        job.snapshotId === undefined ? [] : [{ thing: 'snapshot', id: job.snapshotId }];
      await abandonDocument(this.#engine, begun, { known, mayReturn: job.mayReturn });
    }
  }
}

async function describeUsable(
  driver: DiskDriver,
  diskId: string,
  signal: AbortSignal,
): Promise<DiskDescription> {
  const disk = await driver.describeDisk(diskId, { signal });
  if (disk === undefined) {
    throw new DiskError('not-found', 'there is no such disk', {
      where: diskId,
      advice: 'check its id, and the region and account in which it is looked for',
    });
  }
  if (disk.state === 'available' || disk.state === 'in-use') return disk;
  throw new DiskError('failed', `the disk is ${disk.state}, nothing can be copied from it`, {
    where: diskId,
  });
}

function refuseOtherDisk({ disk }: DiskSnapshotDocument, diskId: string): void {
  if (disk.id === diskId) return;
  throw new DiskError('already-exists', 'this plan, volume and pass are the snapshot of another disk', {
    where: disk.id,
    advice: 'name another pass, or remove that snapshot with `tranship disk delete`',
  });
}

/** The machine that all disks are attached to, each to it alone. */
function oneMachine(disks: readonly DiskDescription[]): string | undefined {
  const machines = new Set(
    disks.map(({ attachedTo }) => (attachedTo.length === 1 ? attachedTo[0] : undefined)),
  );
  return machines.size === 1 ? [...machines][0] : undefined;
}

/** The results of one call, in the order of what was asked for. */
function inOrder(
  orders: readonly NewDiskSnapshot[],
  results: readonly DiskSnapshotDescription[],
): DiskSnapshotDescription[] {
  return orders.flatMap(({ diskId }) => results.find((result) => result.diskId === diskId) ?? []);
}

/** All at once up to a limit; the first failure stops the others, and is thrown when all have ended. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  signal: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const stop = new AbortController();
  const within = AbortSignal.any([signal, stop.signal]);
  const limit = pLimit(atOnce);
  const failures: unknown[] = [];
  const results = await Promise.allSettled(
    items.map((item) =>
      limit(async () => {
        try {
          throwIfAborted(within);
          return await work(item, within);
        } catch (error) {
          failures.push(error);
          stop.abort();
          throw error;
        }
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

import { DiskError, UsageError } from '../base/errors.ts';
import { keepAliveDuring } from '../base/keep-alive.ts';
import type { DiskDriver } from '../providers/disks/driver.ts';
import type { Repository } from '../repository/repository.ts';
import { withDeadline } from './deadline.ts';
import { abandoned, discard } from './discard.ts';
import { graceMs, isBusy, regionOf } from './disk-document.ts';
import type { DiskDocument } from './disk-document.ts';
import { findDiskDocument, removeDiskDocument, saveDiskDocument } from './disk-documents.ts';
import { diskEngine } from './engine-options.ts';
import type { DiskEngine, DiskEngineOptions } from './engine-options.ts';
import { isOfAccount, namedRemains, namedThing } from './ownership.ts';

/** How something is removed. */
export interface DeleteDiskOptions extends DiskEngineOptions {
  /** EC2: the driver's region, beyond which it sees nothing. Without it only what it sees is taken for removable. */
  readonly region?: string | undefined;
}

/**
 * Takes back what a snapshot was shared with, removes it and then its document; or removes a disk that was restored,
 * which must be attached to nothing. Returns the document. Throws DiskError `not-found` where the repository has none,
 * `conflict` for a disk that is attached or while another call is at it, `refused` where the driver's account or region
 * is another one; StoreError, CancelledError. Where it throws before anything is removed the document stays as it is.
 *
 * @example
 * for (const { document } of await listDisks(repository, { plan: 'shop' })) {
 *   if (document.kind === 'snapshot') await deleteDisk(repository, disks, document.id);
 * }
 */
export async function deleteDisk(
  repository: Repository,
  driver: DiskDriver,
  id: string,
  options: DeleteDiskOptions = {},
): Promise<DiskDocument> {
  const engine = diskEngine(repository, driver, options);
  const { clock, deadlineMs } = engine;
  const { signal: cancel } = options;
  const document = await findDiskDocument(repository, id, { signal: cancel });
  if (document === undefined) {
    throw new DiskError('not-found', 'the repository has nothing of this id', {
      where: id,
      advice: 'see `tranship disk list`',
    });
  }
  if (document.provider !== driver.provider) {
    throw new UsageError('it is in another cloud', { where: id, advice: `it is in ${document.provider}` });
  }
  if (isBusy(document, clock.nowMs())) {
    throw new DiskError('conflict', 'another call may be at it', {
      where: id,
      advice: `wait for it; it must have ended by ${new Date(document.busyUntilMs + graceMs).toISOString()}`,
    });
  }
  const deadline = {
    clock,
    deadlineMs,
    what: 'it was not removed in time',
    where: id,
    advice: 'run the command again',
    signal: cancel,
  };
  await keepAliveDuring(() =>
    withDeadline(deadline, async (signal) => {
      await refuseUnseen(engine, document, { region: options.region, signal });
      // From here on it is a sweep's, should this be interrupted.
      await saveDiskDocument(repository, abandoned(document, clock.nowMs()), { signal });
      const wereSeen = await discard(engine, document, namedRemains(document), signal);
      if (!wereSeen) repository.logger.warn(`${id}: the cloud had nothing of it any more`);
      await removeDiskDocument(repository, id, { signal });
    }),
  );
  return document;
}

/** What a driver does not see it cannot remove, and a document of that must not go. */
async function refuseUnseen(
  { driver }: DiskEngine,
  document: DiskDocument,
  { region, signal }: { readonly region: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const account = await driver.account({ signal });
  if (!isOfAccount(document, account)) {
    throw elsewhere(document, `it is in account ${document.account}, and the credentials are of ${account}`);
  }
  const isRegional = driver.provider === 'aws';
  const place = regionOf(document);
  if (isRegional && region !== undefined && region !== place) {
    throw elsewhere(document, `it is in ${place}, and the driver looks in ${region}`);
  }
  const isThere = await refuseAttached(driver, document, signal);
  if (isThere || !isRegional || region !== undefined) return;
  throw elsewhere(document, `the driver does not see it, and it is not known whether it looks in ${place}`);
}

function elsewhere(document: DiskDocument, what: string): DiskError {
  return new DiskError('refused', what, {
    where: document.id,
    advice: 'use the credentials that made it, of that account and in that region',
  });
}

/** Whether the cloud has what the document names. */
async function refuseAttached(
  driver: DiskDriver,
  document: DiskDocument,
  signal: AbortSignal,
): Promise<boolean> {
  const id = namedThing(document)?.id;
  if (id === undefined) return false;
  if (document.kind === 'snapshot') return (await driver.describeSnapshot(id, { signal })) !== undefined;
  const disk = await driver.describeDisk(id, { signal });
  const machines = disk?.attachedTo ?? [];
  if (machines.length === 0) return disk !== undefined;
  throw new DiskError('conflict', 'a disk that is attached is not removed', {
    where: id,
    advice: `detach it from ${machines.join(', ')} first`,
  });
}

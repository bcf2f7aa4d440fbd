import { DiskError, UsageError } from '../base/errors.ts';
import { keepAliveDuring } from '../base/keep-alive.ts';
import type { DiskDriver } from '../providers/disks/driver.ts';
import type { Repository } from '../repository/repository.ts';
import { withDeadline } from './deadline.ts';
import { discard } from './discard.ts';
import type { DiskRemains } from './discard.ts';
import type { DiskDocument, RestoredDiskDocument } from './disk-document.ts';
import { findDiskDocument, removeDiskDocument, saveDiskDocument } from './disk-documents.ts';
import { diskEngine } from './engine-options.ts';
import type { DiskEngineOptions } from './engine-options.ts';

/**
 * Takes back what a snapshot was shared with, removes it and then its document; or removes a disk that was restored,
 * which must be attached to nothing. Returns the document. Throws DiskError `not-found` where the repository has none,
 * `conflict` for a disk that is attached or while another call is at it; StoreError, CancelledError.
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
  options: DiskEngineOptions = {},
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
  if (document.state === 'begun' && document.busyUntilMs > clock.nowMs()) {
    throw new DiskError('conflict', 'another call may be at it', {
      where: id,
      advice: `wait for it; it must have ended by ${new Date(document.busyUntilMs).toISOString()}`,
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
      if (document.kind === 'disk') await refuseAttached(engine.driver, document, signal);
      // From here on it is a sweep's, should this be interrupted.
      await saveDiskDocument(
        repository,
        { ...document, state: 'abandoned', busyUntilMs: clock.nowMs() },
        { signal },
      );
      await discard(engine, document, knownOf(document), signal);
      await removeDiskDocument(repository, id, { signal });
    }),
  );
  return document;
}

async function refuseAttached(
  driver: DiskDriver,
  { disk }: RestoredDiskDocument,
  signal: AbortSignal,
): Promise<void> {
  const machines = (disk && (await driver.describeDisk(disk.id, { signal })))?.attachedTo ?? [];
  if (machines.length === 0) return;
  throw new DiskError('conflict', 'a disk that is attached is not removed', {
    where: disk?.id ?? '',
    advice: `detach it from ${machines.join(', ')} first`,
  });
}

function knownOf(document: DiskDocument): DiskRemains[] {
  const id = document.kind === 'snapshot' ? document.snapshot?.id : document.disk?.id;
  return id === undefined ? [] : [{ thing: document.kind, id }];
}

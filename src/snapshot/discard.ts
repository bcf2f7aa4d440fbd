import { DiskError } from '../base/errors.ts';
import type { DiskDriver } from '../providers/disks/driver.ts';
import { removeDiskDocument, saveDiskDocument } from './disk-documents.ts';
import type { DiskDocument } from './disk-document.ts';
import { diskTag, repositoryTags } from './disk-tags.ts';
import type { DiskEngine } from './engine-options.ts';
import { withDeadline } from './deadline.ts';
import { wasMadeFor } from './ownership.ts';
import type { DiskRemains, FoundThing } from './ownership.ts';

/** Whoever leaves does not wait for a sick cloud: a sweep removes the rest. */
const cleanUpMs = 2 * 60_000;
const firstPauseMs = 500;
const longestPauseMs = 10_000;

/**
 * Removes what a cloud has of a document, and then the document. Where that fails, or where `mayReturn` says that an
 * order without an answer may still turn up, the document stays as `abandoned`, for a sweep. Never throws: it is called
 * where something else has failed.
 */
export async function cleanUp(
  engine: DiskEngine,
  document: DiskDocument,
  { known, mayReturn }: { readonly known: readonly DiskRemains[]; readonly mayReturn: boolean },
): Promise<void> {
  const { clock, repository } = engine;
  const deadline = {
    clock,
    deadlineMs: cleanUpMs,
    what: 'cleaning up took too long',
    where: document.id,
    advice: 'run `tranship disk sweep` later',
    signal: undefined,
  };
  let isClean = !mayReturn;
  try {
    const wereSeen = await withDeadline(deadline, (signal) => discard(engine, document, known, signal));
    if (!wereSeen) isClean = false;
  } catch (error) {
    isClean = false;
    repository.logger.warn(`what was made could not all be removed: ${String(error)}`);
  }
  try {
    // Outside the deadline: that it has passed must be written down.
    if (isClean) await removeDiskDocument(repository, document.id, {});
    else await saveDiskDocument(repository, abandoned(document, clock.nowMs()), {});
  } catch (error) {
    // The document is as it was, busy until its time is over.
    repository.logger.warn(`run \`tranship disk sweep\` later: ${String(error)}`);
  }
}

/** The same, for a sweep to remove. */
export function abandoned(document: DiskDocument, nowMs: number): DiskDocument {
  return { ...document, state: 'abandoned', busyUntilMs: nowMs };
}

/**
 * Takes back what was shared, and removes everything that was made for the document or is known to be its own. False
 * where the cloud did not know one of them, and may yet. Throws DiskError `conflict` for a disk that is attached.
 */
export async function discard(
  engine: DiskEngine,
  document: DiskDocument,
  known: readonly DiskRemains[],
  signal: AbortSignal,
): Promise<boolean> {
  const { driver } = engine;
  let wereSeen = true;
  if (document.kind === 'snapshot') {
    for (const share of document.shares) await driver.unshareSnapshot(share, { signal });
  }
  for (const remains of await remainsOf(engine, document, known, signal)) {
    if (!(await removeFromCloud(engine, remains, document.volume, signal))) wereSeen = false;
  }
  return wereSeen;
}

async function remainsOf(
  { driver, repository }: DiskEngine,
  document: DiskDocument,
  known: readonly DiskRemains[],
  signal: AbortSignal,
): Promise<DiskRemains[]> {
  const tags = { ...repositoryTags(repository), [diskTag.document]: document.id };
  const found = new Map<string, DiskRemains>(known.map((remains) => [remains.id, remains]));
  const add = (item: FoundThing): void => {
    if (wasMadeFor(document, item)) found.set(item.id, { thing: item.thing, id: item.id });
  };
  if (document.kind === 'disk') {
    for await (const disk of driver.listDisks({ tags, signal })) add({ thing: 'disk', ...disk });
  }
  // A disk may have needed a copy of its snapshot.
  for await (const snapshot of driver.listSnapshots({ tags, signal }))
    add({ thing: 'snapshot', ...snapshot });
  return [...found.values()];
}

/**
 * Resolves when it is gone, or on its way. False where it was never seen: a cloud may not know yet what it has just
 * made, and then removes nothing.
 */
export async function removeFromCloud(
  { driver, clock, onEvent }: DiskEngine,
  { thing, id }: DiskRemains,
  volume: string,
  signal: AbortSignal,
): Promise<boolean> {
  let wasSeen = false;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    const before = await presence(driver, { thing, id }, signal);
    if (before !== 'absent') wasSeen = true;
    try {
      if (thing === 'disk') await driver.deleteDisk(id, { signal });
      else await driver.deleteSnapshot(id, { signal });
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'conflict') throw error;
      // Clouds refuse to remove what they are still making. What is used by something else stays so.
      if (!error.retryable && before !== 'making') throw error;
    }
    const after = await presence(driver, { thing, id }, signal);
    if (after === 'absent' || after === 'deleting') break;
    await clock.sleep(pauseMs, signal);
  }
  onEvent({ kind: 'deleted', thing, volume, id });
  return wasSeen;
}

async function presence(
  driver: DiskDriver,
  { thing, id }: DiskRemains,
  signal: AbortSignal,
): Promise<'absent' | 'making' | 'deleting' | 'there'> {
  const found =
    thing === 'snapshot'
      ? await driver.describeSnapshot(id, { signal })
      : await driver.describeDisk(id, { signal });
  if (found === undefined) return 'absent';
  if (found.state === 'deleting') return 'deleting';
  if (found.state === 'pending' || found.state === 'creating') return 'making';
  if (!('attachedTo' in found) || found.attachedTo.length === 0) return 'there';
  throw new DiskError('conflict', 'a disk that is attached is not removed', {
    where: id,
    advice: `detach it from ${found.attachedTo.join(', ')} first`,
  });
}

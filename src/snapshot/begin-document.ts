import { DiskError, TranshipError } from '../base/errors.ts';
import type { DiskDocument, DiskDocumentHead } from './disk-document.ts';
import { addDiskDocument, findDiskDocument, operationIdOf, saveDiskDocument } from './disk-documents.ts';
import { cleanUp } from './discard.ts';
import type { DiskEngine } from './engine-options.ts';

/** What a try of its own gives a document. */
export type BegunHead = Pick<DiskDocumentHead, 'id' | 'state' | 'attempt' | 'operationId'>;

interface Beginning<Document extends DiskDocument> {
  readonly id: string;
  readonly takeOver: boolean;
  readonly signal: AbortSignal;
  readonly make: (head: BegunHead) => Document;
  /** Whether what an earlier call has finished serves still. */
  readonly isStillThere: (document: Document) => Promise<boolean>;
}

/**
 * The document under which something is made, stored before anything is: a new one, that of a call which was
 * interrupted, or one that is `ready`. Throws DiskError `conflict` where another call may be at it.
 */
export async function beginDocument<Document extends DiskDocument>(
  engine: DiskEngine,
  { id, takeOver, signal, make, isStillThere }: Beginning<Document>,
): Promise<{ readonly document: Document; readonly mayExist: boolean }> {
  const { repository, clock } = engine;
  const begin = (attempt: number): Document =>
    make({ id, state: 'begun', attempt, operationId: operationIdOf(id, attempt) });
  const first = begin(1);
  if (await addDiskDocument(repository, first, { signal })) return { document: first, mayExist: false };
  const earlier = await findDiskDocument(repository, id, { signal });
  if (earlier === undefined || earlier.kind !== first.kind) throw contested(id);
  if (earlier.state === 'begun' || earlier.state === 'paused') {
    const isBusy = earlier.state === 'begun' && earlier.busyUntilMs > clock.nowMs();
    if (isBusy && !takeOver) throw contested(id);
    // The operation keeps its id, so that what the cloud made of it is found.
    const document = begin(earlier.attempt);
    await saveDiskDocument(repository, document, { signal });
    return { document, mayExist: true };
  }
  if (earlier.state === 'ready') {
    const own: Document = { ...first, ...earlier };
    if (await isStillThere(own)) return { document: own, mayExist: false };
  }
  // What was restored is the user's, whatever became of it.
  const isOurs = earlier.kind === 'snapshot' || earlier.state === 'abandoned';
  if (isOurs) await cleanUp(engine, earlier, { known: [], mayReturn: true });
  // With its own id: a cloud may answer a token that it knows with what it made of it then, gone or not.
  const document = begin(earlier.attempt + 1);
  await saveDiskDocument(repository, document, { signal });
  return { document, mayExist: false };
}

/** Whether what an error ended is worth going on with: it took too long, or was stopped. What failed is begun anew. */
export function mayGoOn(error: unknown): boolean {
  return error instanceof TranshipError && (error.code === 'timeout' || error.code === 'cancelled');
}

/** How long what was left unfinished waits for a call that goes on. */
const pausedMs = 7 * 24 * 60 * 60_000;

/** Leaves what was begun for a later call. Never throws: it is called where something else has failed. */
export async function pauseDocument(
  { clock, repository }: DiskEngine,
  document: DiskDocument,
): Promise<void> {
  const nowMs = clock.nowMs();
  const expiresMs = Math.max(document.expiresMs, nowMs + pausedMs);
  try {
    await saveDiskDocument(repository, { ...document, state: 'paused', busyUntilMs: nowMs, expiresMs }, {});
  } catch (error) {
    repository.logger.warn(`the next call has to take over: ${String(error)}`);
  }
}

function contested(where: string): DiskError {
  return new DiskError('conflict', 'another call is at the same volume and pass, or was killed', {
    where,
    advice: 'wait for it, or take over (`--take-over`) when it has ended',
  });
}

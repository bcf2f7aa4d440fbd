import { DiskError, TranshipError } from '../base/errors.ts';
import type { AbortableOptions } from '../providers/objects/driver.ts';
import { withDeadline } from './deadline.ts';
import { cleanUp, discard } from './discard.ts';
import { graceMs, isBusy } from './disk-document.ts';
import type { DiskDocument, DiskDocumentHead } from './disk-document.ts';
import {
  addDiskDocument,
  claimTurn,
  findDiskDocument,
  operationIdOf,
  saveDiskDocument,
} from './disk-documents.ts';
import type { DiskEngine } from './engine-options.ts';
import { isOfAccount, namedRemains } from './ownership.ts';
import type { DiskRemains } from './ownership.ts';

/** What a try of its own gives a document. */
export type BegunHead = Pick<DiskDocumentHead, 'id' | 'state' | 'attempt' | 'operationId' | 'turn'>;

interface Beginning<Document extends DiskDocument> {
  readonly id: string;
  readonly takeOver: boolean;
  readonly signal: AbortSignal;
  readonly isOfKind: (document: DiskDocument) => document is Document;
  /** `earlier` is what stood there, of this try or the one before. */
  readonly make: (head: BegunHead, earlier: Document | undefined) => Document;
  /** Throws where an earlier call's document stands for something else, whatever became of it. */
  readonly refuseOther?: ((earlier: Document) => void) | undefined;
  /** Whether what an earlier call has finished serves still. */
  readonly isStillThere: (document: Document) => Promise<boolean>;
}

/**
 * The document under which something is made, stored before anything is: a new one, that of a call which was
 * interrupted, or one that is `ready`. Who takes one up has claimed it. Throws DiskError `conflict` where another call
 * may be at it, `already-exists` where it stands for something else.
 */
export async function beginDocument<Document extends DiskDocument>(
  engine: DiskEngine,
  { id, takeOver, signal, isOfKind, make, refuseOther, isStillThere }: Beginning<Document>,
): Promise<{ readonly document: Document; readonly mayExist: boolean }> {
  const { repository, clock } = engine;
  const begin = (attempt: number, turn: number, before?: Document): Document =>
    make({ id, state: 'begun', attempt, operationId: operationIdOf(id, attempt), turn }, before);
  const first = begin(1, 0);
  if (await addDiskDocument(repository, first, { signal })) return { document: first, mayExist: false };
  const found = await findDiskDocument(repository, id, { signal });
  if (found === undefined || !isOfKind(found)) throw contested(id);
  refuseElsewhere(found, first);
  refuseOther?.(found);
  if (isBusy(found, clock.nowMs()) && !takeOver) throw contested(id);
  if (found.state === 'ready' && (await isStillThere(found))) return { document: found, mayExist: false };
  // The operation keeps its id where it goes on, so that what the cloud made of it is found; else it has its own: a
  // cloud may answer a token that it knows with what it made of it then, gone or not.
  const goesOn = found.state === 'begun' || found.state === 'paused';
  const turn = await takeUp(engine, found, signal);
  const document = begin(goesOn ? found.attempt : found.attempt + 1, turn, found);
  await saveDiskDocument(repository, document, { signal });
  // What was restored is the user's, whatever became of it.
  const isOurs = !goesOn && (found.kind === 'snapshot' || found.state === 'abandoned');
  const isGone = isOurs && (await discardEarlier(engine, found));
  return { document: isGone ? begin(document.attempt, turn) : document, mayExist: goesOn };
}

function refuseElsewhere(found: DiskDocument, now: DiskDocument): void {
  if (found.provider === now.provider && isOfAccount(found, now.account)) return;
  throw new DiskError('already-exists', 'an earlier call made this in another account', {
    where: found.id,
    advice: `use the credentials of ${found.provider} ${found.account}, or another name`,
  });
}

/** The turn that is this call's alone. Throws DiskError `conflict`. */
async function takeUp(engine: DiskEngine, found: DiskDocument, signal: AbortSignal): Promise<number> {
  const { repository, clock } = engine;
  const beganMs = clock.monotonicMs();
  const turn = await claimTurn(repository, found, { staleMs: graceMs, signal });
  if (turn === undefined || !(await isOwn(engine, found, { signal }))) throw contested(found.id);
  // Who comes so late that its claim may count as nobody's leaves it.
  if (clock.monotonicMs() - beganMs > graceMs / 2) throw contested(found.id);
  return turn;
}

/** True while no other call has taken a document up since, and it is there. */
async function isOwn(
  { repository }: DiskEngine,
  { id, turn, operationId }: DiskDocument,
  options: AbortableOptions,
): Promise<boolean> {
  const now = await findDiskDocument(repository, id, options);
  return now !== undefined && now.turn === turn && now.operationId === operationId;
}

const discardMs = 2 * 60_000;

/** False where something stays, which is swept: the new document does not name it. */
async function discardEarlier(engine: DiskEngine, earlier: DiskDocument): Promise<boolean> {
  const { clock, repository } = engine;
  const deadline = {
    clock,
    deadlineMs: discardMs,
    what: 'removing what an earlier call left took too long',
    where: earlier.id,
    advice: 'run `tranship disk sweep` later',
    signal: undefined,
  };
  try {
    await withDeadline(deadline, (signal) => discard(engine, earlier, namedRemains(earlier), signal));
    return true;
  } catch (error) {
    repository.logger.warn(`what an earlier call made could not all be removed: ${String(error)}`);
    return false;
  }
}

/** Replaces the document of this call. Throws DiskError `conflict` where another one has taken it up. */
export async function saveOwnDocument(
  engine: DiskEngine,
  document: DiskDocument,
  options: AbortableOptions,
): Promise<void> {
  if (!(await isOwn(engine, document, options))) throw contested(document.id);
  await saveDiskDocument(engine.repository, document, options);
}

/** Whether what an error ended is worth going on with: it took too long, or was stopped. What failed is begun anew. */
export function mayGoOn(error: unknown): boolean {
  return error instanceof TranshipError && (error.code === 'timeout' || error.code === 'cancelled');
}

/** How long what was left unfinished waits for a call that goes on. */
const pausedMs = 7 * 24 * 60 * 60_000;

/** Leaves what was begun for a later call. Never throws: it is called where something else has failed. */
export async function pauseDocument(engine: DiskEngine, document: DiskDocument): Promise<void> {
  const nowMs = engine.clock.nowMs();
  const expiresMs = Math.max(document.expiresMs, nowMs + pausedMs);
  try {
    await saveOwnDocument(engine, { ...document, state: 'paused', busyUntilMs: nowMs, expiresMs }, {});
  } catch (error) {
    engine.repository.logger.warn(`the next call has to take over: ${String(error)}`);
  }
}

/**
 * Removes what this call made, as {@link cleanUp} does; where another call has taken the document up, it is that one's.
 * Never throws.
 */
export async function abandonDocument(
  engine: DiskEngine,
  document: DiskDocument,
  remains: { readonly known: readonly DiskRemains[]; readonly mayReturn: boolean },
): Promise<void> {
  const { repository } = engine;
  try {
    const now = await findDiskDocument(repository, document.id);
    if (now !== undefined && (now.turn !== document.turn || now.operationId !== document.operationId)) {
      repository.logger.warn(
        `another call has taken it up, and what was made is left to that: ${document.id}`,
      );
      return;
    }
  } catch (error) {
    repository.logger.warn(`run \`tranship disk sweep\` later: ${String(error)}`);
    return;
  }
  await cleanUp(engine, document, remains);
}

function contested(where: string): DiskError {
  return new DiskError('conflict', 'another call is at the same volume and pass, or was killed', {
    where,
    advice: 'wait for it, or take over (`--take-over`) when it has ended',
  });
}

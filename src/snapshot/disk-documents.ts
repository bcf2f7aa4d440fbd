import { createHash } from 'node:crypto';
import { RepositoryError, StoreError } from '../base/errors.ts';
import type { AbortableOptions } from '../providers/objects/driver.ts';
import type { Repository } from '../repository/repository.ts';
import {
  getSealedDocument,
  isDocumentName,
  listSealedDocuments,
  putSealedDocument,
  removeSealedDocument,
  sealedDocumentKey,
} from '../repository/sealed-document.ts';
import type { DiskDocument } from './disk-document.ts';
import type { DiskPurpose } from './disk-tags.ts';

const kind = 'disks';

/** The id of what these words tell apart in this repository. */
export function diskDocumentId(repository: Repository, words: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([repository.config.id, ...words]));
  return `tranship-${hash.digest('hex').slice(0, 24)}`;
}

/** The same plan, volume and pass are the same snapshot. */
export function snapshotDocumentId(repository: Repository, { plan, volume, pass }: DiskPurpose): string {
  return diskDocumentId(repository, ['snapshot', plan, volume, pass]);
}

/** The id by which a cloud knows one try. */
export function operationIdOf(documentId: string, attempt: number): string {
  return `${documentId}-${attempt}`;
}

/** Stores a document that must not be there yet; false where it is. */
export async function addDiskDocument(
  repository: Repository,
  document: DiskDocument,
  { signal }: AbortableOptions,
): Promise<boolean> {
  try {
    await putSealedDocument(repository, { kind, id: document.id }, document, { mode: 'create', signal });
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'already-exists') return false;
    throw error;
  }
}

/** Replaces a document, or adds it. */
export async function saveDiskDocument(
  repository: Repository,
  document: DiskDocument,
  { signal }: AbortableOptions,
): Promise<void> {
  await putSealedDocument(repository, { kind, id: document.id }, document, { signal });
}

/**
 * The document of an id; undefined where there is none. Throws RepositoryError `corrupt`, or `unsupported` for one of a
 * later version.
 */
export async function findDiskDocument(
  repository: Repository,
  id: string,
  { signal }: AbortableOptions = {},
): Promise<DiskDocument | undefined> {
  if (!isDocumentName(id)) return undefined;
  const value = await getSealedDocument(repository, { kind, id }, { signal });
  if (value === undefined) return undefined;
  if (isDiskDocument(value)) return value;
  throw new RepositoryError('unsupported', 'a document of disks that this version does not know', {
    where: sealedDocumentKey(kind, id),
    advice: 'use the version that wrote it',
  });
}

/** Only who has the repository's key can seal one, so that its version stands for its shape. */
function isDiskDocument(value: unknown): value is DiskDocument {
  if (typeof value !== 'object' || value === null || !('version' in value) || !('kind' in value))
    return false;
  return value.version === 1 && (value.kind === 'snapshot' || value.kind === 'disk');
}

/**
 * All documents, in ascending order of ids. One that cannot be read fails it, unless somebody is told of it instead:
 * whoever removes what no document names must know them all.
 */
export async function loadDiskDocuments(
  repository: Repository,
  {
    onUnreadable,
    signal,
  }: AbortableOptions & {
    readonly onUnreadable?: ((id: string, error: RepositoryError) => void) | undefined;
  } = {},
): Promise<DiskDocument[]> {
  const documents: DiskDocument[] = [];
  for (const id of await listSealedDocuments(repository, kind, { signal })) {
    try {
      const document = await findDiskDocument(repository, id, { signal });
      if (document !== undefined) documents.push(document);
    } catch (error) {
      if (onUnreadable === undefined || !(error instanceof RepositoryError)) throw error;
      onUnreadable(id, error);
    }
  }
  return documents;
}

/** A claim to take up a document: it stands beside that, under a name that no document has. */
function claimId(id: string, turn: number | ''): string {
  return `${id}.${turn}`;
}

/**
 * Claims the next turn of a document for one call alone, and returns it; undefined where another call has it. A claim
 * that `staleMs` later was not followed by its document is nobody's: the turn after it can be claimed.
 */
export async function claimTurn(
  repository: Repository,
  { id, turn: last }: Pick<DiskDocument, 'id' | 'turn'>,
  { staleMs, signal }: AbortableOptions & { readonly staleMs: number },
): Promise<number | undefined> {
  const { clock } = repository;
  for (let turn = last + 1; ; turn += 1) {
    const place = { kind, id: claimId(id, turn) };
    try {
      await putSealedDocument(repository, place, { atMs: clock.nowMs() }, { mode: 'create', signal });
      return turn;
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'already-exists') throw error;
    }
    const claim = await getSealedDocument(repository, place, { signal });
    const isStale = isClaim(claim) && claim.atMs + staleMs <= clock.nowMs();
    if (!isStale) return undefined;
  }
}

function isClaim(value: unknown): value is { readonly atMs: number } {
  return typeof value === 'object' && value !== null && 'atMs' in value && typeof value.atMs === 'number';
}

/** Its claims go first. Succeeds also where there is none. */
export async function removeDiskDocument(
  repository: Repository,
  id: string,
  { signal }: AbortableOptions,
): Promise<void> {
  const { store } = repository;
  for await (const { key } of store.list(sealedDocumentKey(kind, claimId(id, '')), { signal })) {
    await store.delete(key, { signal });
  }
  await removeSealedDocument(repository, { kind, id }, { signal });
}

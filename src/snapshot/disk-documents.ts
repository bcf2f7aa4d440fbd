import { createHash } from 'node:crypto';
import { RepositoryError, StoreError } from '../base/errors.ts';
import type { AbortableOptions } from '../providers/objects/driver.ts';
import type { Repository } from '../repository/repository.ts';
import {
  getSealedDocument,
  listSealedDocuments,
  putSealedDocument,
  removeSealedDocument,
  sealedDocumentKey,
} from '../repository/sealed-document.ts';
import type { DiskDocument } from './disk-document.ts';

const kind = 'disks';

/** The id of what these words tell apart in this repository. */
export function diskDocumentId(repository: Repository, words: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([repository.config.id, ...words]));
  return `tranship-${hash.digest('hex').slice(0, 24)}`;
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
 * All documents, in ascending order of ids. One that cannot be read fails it: whoever removes what no document names
 * must know them all.
 */
export async function loadDiskDocuments(
  repository: Repository,
  { signal }: AbortableOptions = {},
): Promise<DiskDocument[]> {
  const documents: DiskDocument[] = [];
  for (const id of await listSealedDocuments(repository, kind, { signal })) {
    const document = await findDiskDocument(repository, id, { signal });
    if (document !== undefined) documents.push(document);
  }
  return documents;
}

/** Succeeds also where there is none. */
export async function removeDiskDocument(
  repository: Repository,
  id: string,
  { signal }: AbortableOptions,
): Promise<void> {
  await removeSealedDocument(repository, { kind, id }, { signal });
}

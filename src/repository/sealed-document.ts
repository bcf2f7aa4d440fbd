import { StoreError } from '../base/errors.ts';
import type { AbortableOptions, PutMode } from '../providers/objects/driver.ts';
import { putConfirmed } from './confirmed-put.ts';
import { decodeUnpacked, encodeUnpacked } from './format/unpacked.ts';
import { corrupt, parseJson } from './format/strict-json.ts';
import type { Repository } from './repository.ts';

/** What programs of restic's format neither list nor remove: documents of our own stand beside its folders. */
const folder = 'tranship';
const name = /^[a-z][a-z0-9-]{0,99}$/;
/** Ours have a few kilobytes. */
const limitBytes = 2 ** 20;

/** Whether a document can have this name: what a person types may be anything. */
export function isDocumentName(text: string): boolean {
  return name.test(text);
}

/** Where a document of ours stands in the store. */
export function sealedDocumentKey(kind: string, id: string): string {
  return `${folder}/${kind}/${id}`;
}

/**
 * Seals a value as JSON, as snapshots are sealed, and stores it under a name of our choice. The name is sealed with it:
 * whoever can write to the store could rename it otherwise. Throws StoreError `already-exists` in mode `create`.
 */
export async function putSealedDocument(
  repository: Repository,
  { kind, id }: { readonly kind: string; readonly id: string },
  value: object,
  { mode = 'overwrite', signal }: AbortableOptions & { readonly mode?: PutMode | undefined } = {},
): Promise<void> {
  const key = sealedDocumentKey(kind, id);
  const json = Buffer.from(JSON.stringify({ document: key, value }));
  const { cipher, compressor, config, store } = repository;
  const sealed = cipher.seal(encodeUnpacked(json, config.version, compressor));
  await putConfirmed(store, key, sealed, { mode, signal });
}

/** Undefined where there is none. Throws RepositoryError `corrupt` for what is damaged, or stood under another name. */
export async function getSealedDocument(
  repository: Repository,
  { kind, id }: { readonly kind: string; readonly id: string },
  { signal }: AbortableOptions = {},
): Promise<unknown> {
  const where = sealedDocumentKey(kind, id);
  let sealed: Buffer;
  try {
    sealed = await repository.store.get(where, { signal });
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return undefined;
    throw error;
  }
  const plaintext = openSealed(repository, sealed, where);
  const json = decodeUnpacked(plaintext, repository.compressor, limitBytes, where);
  const parsed = parseJson(json, 'document', where);
  if (typeof parsed !== 'object' || parsed === null || !('document' in parsed) || !('value' in parsed)) {
    throw corrupt('the file is no document of this program', where);
  }
  if (parsed.document !== where) throw corrupt('the document belongs under another name', where);
  return parsed.value;
}

function openSealed({ cipher }: Repository, sealed: Buffer, where: string): Uint8Array {
  try {
    return cipher.open(sealed);
  } catch (cause) {
    throw corrupt('the file cannot be decrypted', where, cause);
  }
}

/** Ids of all documents of a kind, in ascending order; what is named otherwise is none of ours. */
export async function listSealedDocuments(
  { store }: Repository,
  kind: string,
  { signal }: AbortableOptions = {},
): Promise<string[]> {
  const prefix = sealedDocumentKey(kind, '');
  const ids: string[] = [];
  for await (const { key } of store.list(prefix, { signal })) {
    const id = key.slice(prefix.length);
    if (isDocumentName(id)) ids.push(id);
  }
  return ids;
}

/** Succeeds also where there is none. */
export async function removeSealedDocument(
  { store }: Repository,
  { kind, id }: { readonly kind: string; readonly id: string },
  { signal }: AbortableOptions = {},
): Promise<void> {
  await store.delete(sealedDocumentKey(kind, id), { signal });
}

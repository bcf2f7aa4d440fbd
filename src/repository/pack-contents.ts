import { RepositoryError } from '../base/errors.ts';
import type { BlobType, IndexedPack } from './format/blob.ts';
import { idOf, keyOf } from './format/file-kind.ts';
import { visitIndexFiles } from './loaded-index.ts';
import { readPackHeader } from './pack-header-reader.ts';
import type { Repository } from './repository.ts';

/** Ids of blobs by their type. */
export type BlobIds = Readonly<Record<BlobType, ReadonlySet<string>>>;

/**
 * The blobs of packs that are named by ids or the beginnings of ids. The index answers, so that packs which are lost
 * can be asked for too; a pack that no index lists is opened. Throws RepositoryError `not-found` for a name that no
 * pack has.
 */
export async function blobsOfPacks(
  repository: Repository,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<BlobIds> {
  const blobs = { data: new Set<string>(), tree: new Set<string>() };
  const unknown = new Set(names);
  const take = (pack: IndexedPack): void => {
    const matching = names.filter((name) => pack.id.startsWith(name));
    if (matching.length === 0) return;
    for (const name of matching) unknown.delete(name);
    for (const { type, id } of pack.blobs) blobs[type].add(id);
  };
  const indexFiles = await repository.listIds('index', signal);
  await visitIndexFiles(
    repository,
    indexFiles,
    (_, { packs, packsToDelete = [] }) => {
      for (const pack of packs) take(pack);
      for (const pack of packsToDelete) take(pack);
    },
    signal,
  );
  for (const name of unknown) {
    for await (const { key, sizeBytes } of repository.store.list(keyOf('data', name), { signal })) {
      const id = idOf('data', key);
      if (id !== undefined) take({ id, blobs: await readPackHeader(repository, id, sizeBytes, signal) });
    }
    if (!unknown.has(name)) continue;
    throw new RepositoryError('not-found', 'there is no pack of this id', { where: name });
  }
  return blobs;
}

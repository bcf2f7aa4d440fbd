/** What index files say of blobs, for tests that look at it or make it wrong. */
import type { IndexedPack } from '../../src/repository/format/blob.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { encodeIndexFile } from '../../src/repository/format/index-file.ts';
import { visitIndexFiles } from '../../src/repository/loaded-index.ts';
import type { Repository } from '../../src/repository/repository.ts';

/** How often index files list each blob; 1 everywhere where nothing was stored twice. */
export async function timesStored(repository: Repository): Promise<readonly number[]> {
  const times = new Map<string, number>();
  await visitIndexFiles(repository, await repository.listIds('index'), (_id, { packs }) => {
    for (const { blobs } of packs) {
      for (const { id, type } of blobs) times.set(`${type} ${id}`, (times.get(`${type} ${id}`) ?? 0) + 1);
    }
  });
  return [...times.values()];
}

/** The index files that list the pack. */
export async function indexOf(repository: Repository, packKey: string): Promise<readonly string[]> {
  const found: string[] = [];
  await visitIndexFiles(repository, await repository.listIds('index'), (id, { packs }) => {
    if (packs.some((pack) => packKey.endsWith(pack.id))) found.push(id);
  });
  return found;
}

/** Writes every index file anew, each blob under the id that it is to have; undefined for none. */
export async function renameBlobs(
  repository: Repository,
  rename: (id: string) => string | undefined,
): Promise<void> {
  const old = await repository.listIds('index');
  const packs: IndexedPack[] = [];
  await visitIndexFiles(repository, old, (_file, file) => {
    for (const { id, blobs } of file.packs) {
      packs.push({
        id,
        blobs: blobs.flatMap((blob) => {
          const renamed = rename(blob.id);
          return renamed === undefined ? [] : [{ ...blob, id: renamed }];
        }),
      });
    }
  });
  await repository.saveDocument('index', encodeIndexFile({ packs }));
  for (const id of old) await repository.store.delete(keyOf('index', id));
}

import { RepositoryError } from '../../base/errors.ts';
import { toHex } from '../../base/hex.ts';
import { loadIndex } from '../../repository/loaded-index.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { Repository } from '../../repository/repository.ts';
import type { ReliedBlobs } from './relied-blobs.ts';

/**
 * Looks again, just before the snapshot is written, that everything it relies on is still indexed and not marked for
 * deletion: a prune that saw no lock (rustic takes none) may have worked in between (design D7). Throws
 * RepositoryError `conflict` when something is gone; what this pass uploaded stays and is found by the next one.
 */
export async function assertStillIndexed(
  relied: ReliedBlobs,
  index: LoadedIndex,
  repository: Repository,
  ownIndexFiles: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const listed = new Set(await repository.listIds('index', signal));
  const known = new Set([...index.fileIds, ...ownIndexFiles]);
  if (listed.size === known.size && listed.isSubsetOf(known)) return;
  const fresh = await loadIndex(repository, signal, 'write');
  for (const row of relied.rows()) {
    const type = index.blobs.typeAt(row);
    const id = index.blobs.idAt(row);
    if (fresh.blobs.has(type, id)) continue;
    throw new RepositoryError(
      'conflict',
      'a blob that this pass relies on was removed from the index meanwhile',
      {
        where: toHex(id),
        advice: 'no snapshot was written; run the pass again, and let no prune run beside it',
        retryable: true,
      },
    );
  }
}

import { openStore } from '../../src/providers/objects/open.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { putKey, sealKey } from '../../src/repository/keys.ts';
import { Repository } from '../../src/repository/repository.ts';

/** Opens in microseconds, for us and for restic and rustic. Protects nothing. */
export const weakScrypt = { N: 2, r: 1, p: 1 };

/**
 * Replaces the keys of a repository in a folder by one of the same password that opens at once: each command of a peer
 * otherwise spends half a second on its key.
 */
export async function weakenKeys(location: string, password: string): Promise<void> {
  const store = await openStore(location);
  const repository = await Repository.open(store, { password });
  const strong = await repository.listIds('keys');
  const options = { createdMs: Date.now(), scryptCost: weakScrypt };
  await putKey(store, await sealKey(repository.masterKey, password, options), undefined);
  for (const id of strong) await store.delete(keyOf('keys', id));
}

import { RepositoryError, UsageError } from '../base/errors.ts';
import { checkRepository } from './check.ts';
import { encodeConfig } from './format/config.ts';
import { configKey } from './format/file-kind.ts';
import type { Repository } from './repository.ts';

/** Where the old config is kept while it is replaced. restic and rustic know nothing of this folder. */
export const savedConfigKey = 'tranship/config-version-1';

/** Bounds the putting back, which must go on when the caller's signal has fired. */
const putBackLimitMs = 60_000;

/** Options of an upgrade. */
export interface UpgradeOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Turns a version-1 repository into version 2, as restic's `migrate upgrade_repo_v2`: only the config changes; what is
 * stored stays as it is, and what is added may be compressed. The caller must hold an exclusive lock, and must open the
 * repository again afterwards. Refuses a repository that is damaged (RepositoryError `corrupt`), since a version that
 * fewer programs read is no place to look for lost data. When it fails the old config is in place again, or its bytes
 * stand under {@link savedConfigKey}. Throws UsageError where the version is 2 already, StoreError, CancelledError.
 *
 * @example
 * const lock = await acquireLock(repository, { exclusive: true });
 * if (repository.config.version === 1) await upgradeToVersion2(repository, { signal: lock.lost });
 * await lock.release();
 */
export async function upgradeToVersion2(repository: Repository, options: UpgradeOptions = {}): Promise<void> {
  const { store, config } = repository;
  const { signal } = options;
  if (config.version !== 1) {
    throw new UsageError('the repository has version 2 already', { where: store.url });
  }
  await refuseDamaged(repository, signal);
  const oldConfig = await store.get(configKey, { signal });
  await store.put(savedConfigKey, oldConfig, { signal });
  const newConfig = repository.cipher.seal(encodeConfig({ ...config, version: 2 }));
  try {
    await store.put(configKey, newConfig, { mode: 'overwrite', signal });
    if (!(await store.get(configKey, { signal })).equals(newConfig)) {
      throw new RepositoryError('corrupt', 'the store does not return the config that was written', {
        where: configKey,
      });
    }
  } catch (error) {
    await putBack(repository, oldConfig, error);
    throw error;
  }
  await removeSaved(repository);
}

async function refuseDamaged(repository: Repository, signal: AbortSignal | undefined): Promise<void> {
  const { errors, errorCount } = await checkRepository(repository, { signal });
  const [first] = errors;
  if (first === undefined) return;
  throw new RepositoryError(
    'corrupt',
    `the repository is damaged, first of ${errorCount} errors: ${first.message}`,
    {
      where: first.where,
      advice: 'run `tranship check`, and repair the repository before it is upgraded',
    },
  );
}

async function putBack(repository: Repository, oldConfig: Uint8Array, failure: unknown): Promise<void> {
  const signal = AbortSignal.timeout(putBackLimitMs);
  try {
    await repository.store.put(configKey, oldConfig, { mode: 'overwrite', signal });
  } catch (error) {
    throw new RepositoryError('io', 'the upgrade failed, and so did putting the old config back', {
      where: `${repository.store.url}: ${configKey}`,
      advice: `if the repository does not open, copy ${savedConfigKey} over ${configKey}`,
      cause: new AggregateError([failure, error]),
    });
  }
  await removeSaved(repository);
}

/** A copy that stays behind harms nobody. */
async function removeSaved(repository: Repository): Promise<void> {
  try {
    await repository.store.delete(savedConfigKey, { signal: AbortSignal.timeout(putBackLimitMs) });
  } catch {
    repository.logger.warn(`the copy of the old config could not be removed: ${savedConfigKey}`);
  }
}

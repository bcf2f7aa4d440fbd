import pLimit from 'p-limit';
import { RepositoryError, describeError } from '../base/errors.ts';
import { unwrapMasterKey } from './crypto/password-key.ts';
import type { ScryptCost } from './crypto/password-key.ts';
import { keyOf } from './format/file-kind.ts';
import { parseTimestamp } from './format/timestamp.ts';
import { idByPrefix } from './id-prefix.ts';
import type { IdWords } from './id-prefix.ts';
import { keysTried, loadKey, putKey, sealKey } from './keys.ts';
import type { SealedKey } from './keys.ts';
import type { RepositoryLock } from './locks.ts';
import type { Repository } from './repository.ts';
import { underLock } from './under-lock.ts';

const parallelLoads = 8;
const keyWords: IdWords = {
  noun: 'key',
  form: 'give an id of hex digits, or the beginning of one',
  listing: 'tranship key list',
};

/** Bounds the taking back of a key, which must go on when the caller's signal has fired. */
const removalLimitMs = 60_000;

/** A key of the repository: each password has one. */
export interface StoredKey {
  readonly id: string;
  /** True for the key that opened the repository. */
  readonly isCurrent: boolean;
  readonly username: string;
  readonly hostname: string;
  /** RFC 3339. */
  readonly created: string;
}

/** The keys that could be read, and those that could not. */
export interface KeyList {
  /** Oldest first. */
  readonly keys: readonly StoredKey[];
  /** Files in `keys/` that could not be read, with the reason. */
  readonly damaged: readonly { readonly id: string; readonly error: RepositoryError }[];
}

/** How a change of keys waits. Times are milliseconds. */
export interface KeyChangeOptions {
  /** How long to wait for a lock that is in the way. Default 0: fail at once with `locked`. */
  readonly retryLockMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The key that is to be added. */
export interface NewKeyOptions extends KeyChangeOptions {
  /** Must not be empty. */
  readonly password: string;
  /** Who the key says made it. Default: the user that this process runs as. */
  readonly username?: string | undefined;
  /** Where the key says it was made. Default: this host. */
  readonly hostname?: string | undefined;
  /** Weaker than the default only in tests. Default: calibrated to about 500 ms on this machine. */
  readonly scryptCost?: ScryptCost | undefined;
}

/**
 * The keys of the repository. One damaged file hides no other. Takes no lock.
 *
 * @example
 * const { keys } = await listKeys(repository);
 */
export async function listKeys(repository: Repository, signal?: AbortSignal): Promise<KeyList> {
  const damaged: { id: string; error: RepositoryError }[] = [];
  const keys: StoredKey[] = [];
  await pLimit(parallelLoads).map(await repository.listFiles('keys', signal), async (file) => {
    try {
      const { username, hostname, created } = await loadKey(repository.store, file, signal);
      keys.push({ id: file.id, isCurrent: file.id === repository.keyId, username, hostname, created });
    } catch (error) {
      if (!(error instanceof RepositoryError)) throw error;
      damaged.push({ id: file.id, error });
    }
  });
  const ordered = keys
    .map((key) => ({ key, createdNs: parseTimestamp(key.created) }))
    .sort((a, b) =>
      a.createdNs === b.createdNs ? (a.key.id < b.key.id ? -1 : 1) : a.createdNs < b.createdNs ? -1 : 1,
    )
    .map(({ key }) => key);
  return { keys: ordered, damaged };
}

/**
 * Adds a key for another password, under a shared lock, and returns its id. Guaranteed when it resolves: the new key
 * was read back and opens the repository. When it fails the new key is taken away again, as far as the store lets it.
 *
 * Throws UsageError for an empty password, and RepositoryError `conflict` in a repository that has 20 keys: no program
 * tries more of them.
 *
 * @example
 * const id = await addKey(repository, { password: 'of the auditors', username: 'audit' });
 */
export async function addKey(repository: Repository, options: NewKeyOptions): Promise<string> {
  return underLock(repository, options, async (signal) => {
    return addProven(repository, { ...options, signal }, keysTried - 1);
  });
}

/**
 * Removes a key, under an exclusive lock, and returns its whole id; `id` may be the beginning of one. The password of
 * the key opens the repository no more, but whoever had it may know the master key.
 *
 * Throws RepositoryError `invalid-argument` for the key that this repository was opened with, `not-found` when there is
 * no such key or several, `conflict` when the key that opened the repository is gone: then this may be the last one.
 *
 * @example
 * const id = await addKey(repository, { password: 'of the auditors' });
 * await removeKey(repository, id);
 */
export async function removeKey(
  repository: Repository,
  id: string,
  options: KeyChangeOptions = {},
): Promise<string> {
  return underLock(repository, { ...options, exclusive: true }, async (signal, lock) => {
    const ids = await repository.listIds('keys', signal);
    const found = idByPrefix(ids, id, keyWords);
    if (found === repository.keyId) {
      throw new RepositoryError('invalid-argument', 'the key in use cannot be removed', {
        where: found,
        advice: 'open the repository with the password of another key, or use `tranship key passwd`',
      });
    }
    if (!ids.includes(repository.keyId)) {
      throw new RepositoryError(
        'conflict',
        'the key that opened the repository is gone, and the last one must stay',
        {
          where: keyOf('keys', repository.keyId),
          advice: 'open the repository again',
        },
      );
    }
    await removeHeld(repository, found, lock, signal);
    return found;
  });
}

/** The keys that took each other's place; ids of 64 hex digits. */
export interface PasswordChange {
  readonly addedKeyId: string;
  readonly removedKeyId: string;
}

/**
 * Replaces the key that opened the repository by one for another password, under an exclusive lock. At every moment one
 * of the two is whole in the store: the old one is removed when the new one was read back and has opened the
 * repository. A failure after that leaves both, and says so. The repository object must be opened again for further
 * changes of keys. Throws what {@link addKey} throws.
 *
 * @example
 * const { addedKeyId } = await changePassword(repository, { password: 'a longer one' });
 */
export async function changePassword(
  repository: Repository,
  options: NewKeyOptions,
): Promise<PasswordChange> {
  const removedKeyId = repository.keyId;
  let addedKeyId: string | undefined;
  try {
    return await underLock(repository, { ...options, exclusive: true }, async (signal, lock) => {
      addedKeyId = await addProven(repository, { ...options, signal }, keysTried);
      await removeHeld(repository, removedKeyId, lock, signal);
      return { addedKeyId, removedKeyId };
    });
  } catch (cause) {
    if (addedKeyId === undefined) throw cause;
    const what = `the new password is set, but the old one may still open the repository: ${describeError(cause)}`;
    throw new RepositoryError('io', what, {
      where: keyOf('keys', removedKeyId),
      advice: 'with the new password run `tranship key list`, and remove that key if it is there',
      cause,
    });
  }
}

async function removeHeld(
  { store }: Repository,
  id: string,
  lock: RepositoryLock,
  signal: AbortSignal,
): Promise<void> {
  await lock.assertHeld();
  await store.delete(keyOf('keys', id), { signal });
}

/** Stores a key beside at most `others` keys, and proves that it opens the repository. */
async function addProven(repository: Repository, options: NewKeyOptions, others: number): Promise<string> {
  const { store, masterKey, clock } = repository;
  const { signal } = options;
  const present = await repository.listFiles('keys', signal);
  if (present.length > others) {
    throw new RepositoryError(
      'conflict',
      `the repository has ${present.length} keys, and no more than ${keysTried} are tried`,
      {
        where: store.url,
        advice: 'remove one with `tranship key remove`',
      },
    );
  }
  const key = await sealKey(masterKey, options.password, { ...options, createdMs: clock.nowMs() });
  try {
    await putKey(store, key, signal);
    await proveKey(repository, key, options.password, signal);
  } catch (error) {
    await takeBack(repository, key.id);
    throw error;
  }
  return key.id;
}

/** As the next command will find it: by the listing, with the bytes that the store has. */
async function proveKey(
  repository: Repository,
  { id }: SealedKey,
  password: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const listed = (await repository.listFiles('keys', signal)).find((file) => file.id === id);
  const opened =
    listed === undefined
      ? undefined
      : await unwrapMasterKey(await loadKey(repository.store, listed, signal), password, { signal });
  const { encrypt, macK, macR } = repository.masterKey;
  if (
    opened !== undefined &&
    Buffer.from(opened.encrypt).equals(encrypt) &&
    Buffer.from(opened.macK).equals(macK) &&
    Buffer.from(opened.macR).equals(macR)
  )
    return;
  throw new RepositoryError('corrupt', 'the store does not return the new key as it was written', {
    where: keyOf('keys', id),
    advice: 'check the store and the network to it, then run the command again',
  });
}

/** Nobody may open the repository by a key that was said to have failed. */
async function takeBack({ store, logger }: Repository, id: string): Promise<void> {
  try {
    await store.delete(keyOf('keys', id), { signal: AbortSignal.timeout(removalLimitMs) });
  } catch (error) {
    logger.warn(`a new key that failed could not be removed: ${keyOf('keys', id)}: ${describeError(error)}`);
  }
}

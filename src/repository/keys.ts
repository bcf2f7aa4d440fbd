import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { RepositoryError } from '../base/errors.ts';
import { systemClock } from '../base/system-clock.ts';
import type { ObjectStore } from '../providers/objects/store.ts';
import { putConfirmed } from './confirmed-put.ts';
import type { MasterKey } from './crypto/cipher.ts';
import { unwrapMasterKey, wrapMasterKey } from './crypto/password-key.ts';
import type { ScryptCost } from './crypto/password-key.ts';
import { idOf, keyOf, prefixOf } from './format/file-kind.ts';
import { decodeKeyFile, encodeKeyFile, maximumKeyFileBytes } from './format/key-file.ts';
import { formatTimestamp } from './format/timestamp.ts';
import { hostname, userInfo } from 'node:os';

/** As restic: a repository with more keys than this opens by key id only. */
const keysTried = 20;
/** Anyone who can write to the store can add key files; their cost must not add up without limit. */
const triedForMs = 30_000;

export interface AddKeyOptions {
  readonly createdMs: number;
  readonly scryptCost?: ScryptCost | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface OpenKeyOptions {
  /**
   * Tells whether a master key is this repository's: a key file that two processes left which made a repository at the
   * same moment opens with the password too. When none fits, one that merely opened is returned.
   */
  readonly fits?: ((masterKey: MasterKey) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

export interface OpenedKey {
  readonly id: string;
  readonly masterKey: MasterKey;
}

/** Stores the master key under a password and returns the key file's id. */
export async function addKey(
  store: ObjectStore,
  masterKey: MasterKey,
  password: string,
  options: AddKeyOptions,
): Promise<string> {
  const wrapped = await wrapMasterKey(masterKey, password, {
    cost: options.scryptCost,
    signal: options.signal,
  });
  const file = encodeKeyFile({
    created: formatTimestamp(BigInt(options.createdMs) * 1_000_000n),
    username: userName(),
    hostname: hostname(),
    ...wrapped,
  });
  const id = createHash('sha256').update(file).digest('hex');
  await putConfirmed(store, keyOf('keys', id), file, { sha256: id, mode: 'create', signal: options.signal });
  return id;
}

/**
 * Tries the password on each key. A key file that is damaged is passed over, and named only when no key opens: another
 * key may still be whole.
 */
export async function openWithPassword(
  store: ObjectStore,
  password: string,
  options: OpenKeyOptions = {},
): Promise<OpenedKey> {
  const clock = options.clock ?? systemClock;
  const startedMs = clock.monotonicMs();
  const damaged: unknown[] = [];
  let opened: OpenedKey | undefined;
  let tried = 0;
  for await (const object of store.list(prefixOf('keys'), { signal: options.signal })) {
    const id = idOf('keys', object.key);
    // The first key is tried however long the listing took: a slow store is no store without keys.
    const isLate = tried > 0 && clock.monotonicMs() - startedMs > triedForMs;
    if (id === undefined || tried === keysTried || isLate) continue;
    tried++;
    try {
      const masterKey = await tryKey(store, id, object.sizeBytes, password, options.signal);
      if (masterKey !== undefined) {
        opened = { id, masterKey };
        if (options.fits === undefined || options.fits(masterKey)) return opened;
      }
    } catch (error) {
      if (!(error instanceof RepositoryError)) throw error;
      damaged.push(error);
    }
  }
  if (tried === 0) {
    throw new RepositoryError('no-repository', 'the repository has no key file', {
      where: `${store.url}/keys`,
      advice: 'the location may be wrong, or its keys were deleted: restore a copy of keys/',
    });
  }
  if (opened !== undefined) return opened;
  if (damaged.length === tried) throw damaged[0];
  throw new RepositoryError('wrong-password', 'the password opens no key of the repository', {
    where: store.url,
    advice:
      damaged.length === 0
        ? 'check the password'
        : `check the password; ${damaged.length} key file is damaged`,
  });
}

async function tryKey(
  store: ObjectStore,
  id: string,
  sizeBytes: number,
  password: string,
  signal: AbortSignal | undefined,
): Promise<MasterKey | undefined> {
  const where = keyOf('keys', id);
  if (sizeBytes > maximumKeyFileBytes) {
    throw new RepositoryError('corrupt', `the key file is larger than ${maximumKeyFileBytes} bytes`, {
      where,
    });
  }
  const bytes = await store.get(where, { signal });
  if (createHash('sha256').update(bytes).digest('hex') !== id) {
    throw new RepositoryError('corrupt', 'the key file does not hash to its name', { where });
  }
  return unwrapMasterKey(decodeKeyFile(bytes, where), password, { signal });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user often stands in no passwd file.
    return '';
  }
}

import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { RepositoryError, UsageError } from '../base/errors.ts';
import { systemClock } from '../base/system-clock.ts';
import type { ObjectStore } from '../providers/objects/store.ts';
import { putConfirmed } from './confirmed-put.ts';
import type { MasterKey } from './crypto/cipher.ts';
import { unwrapMasterKey, wrapMasterKey } from './crypto/password-key.ts';
import type { ScryptCost } from './crypto/password-key.ts';
import { idOf, keyOf, prefixOf } from './format/file-kind.ts';
import { decodeKeyFile, encodeKeyFile, maximumKeyFileBytes } from './format/key-file.ts';
import type { KeyFile } from './format/key-file.ts';
import { formatTimestamp } from './format/timestamp.ts';
import { hostname, userInfo } from 'node:os';

/** As restic: of more keys than this, some are not tried. */
export const keysTried = 20;
/** Anyone who can write to the store can add key files; their cost must not add up without limit. */
const triedForMs = 30_000;

export interface SealKeyOptions {
  readonly createdMs: number;
  /** Default: the user that this process runs as. */
  readonly username?: string | undefined;
  /** Default: this host. */
  readonly hostname?: string | undefined;
  readonly scryptCost?: ScryptCost | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SealedKey {
  readonly id: string;
  readonly bytes: Uint8Array;
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

/** The key file that holds the master key under a password; nothing is stored yet. */
export async function sealKey(
  masterKey: MasterKey,
  password: string,
  options: SealKeyOptions,
): Promise<SealedKey> {
  if (password === '') throw new UsageError('an empty password would protect nothing');
  const wrapped = await wrapMasterKey(masterKey, password, {
    cost: options.scryptCost,
    signal: options.signal,
  });
  const bytes = encodeKeyFile({
    created: formatTimestamp(BigInt(options.createdMs) * 1_000_000n),
    username: options.username ?? userName(),
    hostname: options.hostname ?? hostname(),
    ...wrapped,
  });
  return { id: createHash('sha256').update(bytes).digest('hex'), bytes };
}

export async function putKey(
  store: ObjectStore,
  { id, bytes }: SealedKey,
  signal: AbortSignal | undefined,
): Promise<void> {
  await putConfirmed(store, keyOf('keys', id), bytes, { sha256: id, mode: 'create', signal });
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
      const keyFile = await loadKey(store, { id, sizeBytes: object.sizeBytes }, options.signal);
      const masterKey = await unwrapMasterKey(keyFile, password, { signal: options.signal });
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

/** Reads a key file; throws RepositoryError `corrupt` or `unsupported` for one that no password can open. */
export async function loadKey(
  store: ObjectStore,
  { id, sizeBytes }: { readonly id: string; readonly sizeBytes: number },
  signal: AbortSignal | undefined,
): Promise<KeyFile> {
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
  return decodeKeyFile(bytes, where);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user often stands in no passwd file.
    return '';
  }
}

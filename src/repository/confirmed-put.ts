import { RepositoryError, StoreError } from '../base/errors.ts';
import type { PutOptions } from '../providers/objects/driver.ts';
import type { ObjectStore } from '../providers/objects/store.ts';

const attempts = 3;

/**
 * Stores bytes under a name that no other bytes will ever have. Where the store confirms no put by a checksum they are
 * read back, and put again when they did not arrive (design D3): no file may name another that is not there. Throws
 * RepositoryError `corrupt` when they never arrive whole.
 */
export async function putConfirmed(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
  options: PutOptions = {},
): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    // What stands there after the first attempt is this very put, damaged.
    await store.put(key, bytes, attempt === 1 ? options : { ...options, mode: 'overwrite' });
    if (store.capabilities.confirmsPuts || (await isStored(store, key, bytes, options.signal))) return;
  }
  throw new RepositoryError('corrupt', 'the store returned other bytes than were put', {
    where: key,
    advice: 'check the store and the network to it, then run the command again',
  });
}

async function isStored(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    return (await store.get(key, { signal })).equals(bytes);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return false;
    throw error;
  }
}

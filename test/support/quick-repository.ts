/** Repositories in a folder that open at once and are locked without a wait, for tests that use many of them. */
import type { Clock } from '../../src/base/clock.ts';
import { throwIfAborted } from '../../src/base/errors.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import type { ChunkerName } from '../../src/repository/chunker/chunker.ts';
import { settleMs } from '../../src/repository/lock-keeper.ts';
import { Repository } from '../../src/repository/repository.ts';
import { PEER_PASSWORD } from './restic.ts';
import { weakScrypt } from './weak-key.ts';

/**
 * The system's clock, but for the short sleep in which the lock protocol waits for others: a test that takes turns has
 * nobody to wait for. Longer sleeps stay, or the lock's keeper would look at the clock without end.
 */
export const hastyClock: Clock = {
  ...systemClock,
  async sleep(ms, signal) {
    throwIfAborted(signal);
    if (ms > settleMs) await systemClock.sleep(ms, signal);
  },
};

/** Creates a repository of version 2 at a folder, with {@link PEER_PASSWORD} and a key that protects nothing. */
export async function initQuickly(
  location: string,
  options: { readonly chunker?: ChunkerName | undefined } = {},
): Promise<Repository> {
  const store = await openStore(location);
  const { chunker } = options;
  return Repository.init(store, {
    password: PEER_PASSWORD,
    scryptCost: weakScrypt,
    clock: hastyClock,
    chunker,
  });
}

/** Opens a repository that whoever made with {@link PEER_PASSWORD}. */
export async function openQuickly(location: string): Promise<Repository> {
  return Repository.open(await openStore(location), { password: PEER_PASSWORD, clock: hastyClock });
}

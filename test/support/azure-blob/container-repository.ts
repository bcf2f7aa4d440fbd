import type { Clock } from '../../../src/base/clock.ts';
import { openStore } from '../../../src/providers/objects/open.ts';
import type { AzureBlobSettings } from '../../../src/providers/objects/settings.ts';
import { Repository } from '../../../src/repository/repository.ts';
import { hastyClock } from '../quick-repository.ts';
import { PEER_PASSWORD } from '../restic.ts';
import { weakScrypt } from '../weak-key.ts';
import type { AzureContainer } from './azure-container.ts';

export interface ContainerOptions {
  readonly prefix?: string;
  /** Instead of the server's own. */
  readonly endpoint?: string | undefined;
  readonly settings?: AzureBlobSettings;
  /** Of the store's waits. Default: the system's. */
  readonly clock?: Clock;
}

/** Creates a repository with {@link PEER_PASSWORD} and a key that protects nothing. */
export async function initInContainer(
  container: AzureContainer,
  options: ContainerOptions = {},
): Promise<Repository> {
  const store = await storeIn(container, options);
  return Repository.init(store, { password: PEER_PASSWORD, scryptCost: weakScrypt, clock: hastyClock });
}

export async function openInContainer(
  container: AzureContainer,
  options: ContainerOptions = {},
): Promise<Repository> {
  return Repository.open(await storeIn(container, options), { password: PEER_PASSWORD, clock: hastyClock });
}

function storeIn(container: AzureContainer, { prefix, endpoint, settings, clock }: ContainerOptions) {
  return openStore(container.location(prefix, endpoint), {
    settings: { azureBlob: { ...container.settings.azureBlob, ...settings } },
    clock,
  });
}

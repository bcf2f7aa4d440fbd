import type { Clock } from '../../../src/base/clock.ts';
import { openStore } from '../../../src/providers/objects/open.ts';
import type { GcsSettings } from '../../../src/providers/objects/settings.ts';
import type { ChunkerName } from '../../../src/repository/chunker/chunker.ts';
import { Repository } from '../../../src/repository/repository.ts';
import { hastyClock } from '../quick-repository.ts';
import { PEER_PASSWORD } from '../restic.ts';
import { weakScrypt } from '../weak-key.ts';
import type { GcsBucket } from './gcs-bucket.ts';

export interface GcsBucketOptions {
  readonly prefix?: string;
  /** Instead of the server's own. */
  readonly endpoint?: string | undefined;
  readonly settings?: GcsSettings;
  /** Of the store's waits. Default: the system's. */
  readonly clock?: Clock;
}

/** Creates a repository with {@link PEER_PASSWORD} and a key that protects nothing. */
export async function initInGcs(
  bucket: GcsBucket,
  options: GcsBucketOptions & { readonly chunker?: ChunkerName } = {},
): Promise<Repository> {
  const { chunker } = options;
  const store = await storeIn(bucket, options);
  return Repository.init(store, {
    password: PEER_PASSWORD,
    scryptCost: weakScrypt,
    clock: hastyClock,
    chunker,
  });
}

export async function openInGcs(bucket: GcsBucket, options: GcsBucketOptions = {}): Promise<Repository> {
  return Repository.open(await storeIn(bucket, options), { password: PEER_PASSWORD, clock: hastyClock });
}

function storeIn(bucket: GcsBucket, { prefix, endpoint, settings, clock }: GcsBucketOptions) {
  return openStore(bucket.location(prefix, endpoint), { settings: { gcs: settings }, clock });
}

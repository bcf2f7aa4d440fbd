import type { Clock } from '../base/clock.ts';
import { DiskError } from '../base/errors.ts';
import type {
  DiskDescription,
  DiskDriver,
  DiskProvider,
  DiskSnapshotDescription,
} from '../providers/disks/driver.ts';

const firstPollMs = 1_000;
const longestPollMs = 30_000;
const pollGrowth = 1.5;

export interface WaitOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (percent: number | undefined, waitedMs: number) => void;
  /** What it means that there is nothing of the id. Default: that it vanished. */
  readonly explainAbsence?: ((id: string) => DiskError) | undefined;
}

/**
 * Resolves with the snapshot when it can be restored from. Throws DiskError `failed`, and what the signal was fired
 * with.
 */
export async function waitForSnapshot(
  driver: DiskDriver,
  id: string,
  options: WaitOptions,
): Promise<DiskSnapshotDescription> {
  const { signal, explainAbsence = (where) => vanished(driver.provider, where) } = options;
  const lagMs = driver.capabilities.listingLagMs;
  return poll(id, { ...options, explainAbsence, lagMs }, async () => {
    const snapshot = await driver.describeSnapshot(id, { signal });
    if (snapshot === undefined) return { state: 'absent' };
    if (snapshot.state === 'ready') return { state: 'done', value: snapshot };
    if (snapshot.state === 'pending') return { state: 'going', percent: snapshot.progressPercent };
    throw ended('the snapshot', id, snapshot);
  });
}

/** Resolves with the disk when it can be attached. Throws as {@link waitForSnapshot}. */
export async function waitForDisk(
  driver: DiskDriver,
  id: string,
  options: WaitOptions,
): Promise<DiskDescription> {
  const { signal, explainAbsence = (where) => vanished(driver.provider, where) } = options;
  const lagMs = driver.capabilities.listingLagMs;
  return poll(id, { ...options, explainAbsence, lagMs }, async () => {
    const disk = await driver.describeDisk(id, { signal });
    if (disk === undefined) return { state: 'absent' };
    if (disk.state === 'available' || disk.state === 'in-use') return { state: 'done', value: disk };
    if (disk.state === 'creating') return { state: 'going', percent: undefined };
    throw ended('the disk', id, disk);
  });
}

function ended(
  what: string,
  where: string,
  { state, failure }: { readonly state: string; readonly failure?: string | undefined },
): DiskError {
  const why = state === 'deleting' ? 'is being deleted by somebody else' : 'ended in failure';
  return new DiskError(
    'failed',
    `${what} ${why}${failure === undefined ? '' : `, as the cloud says: ${failure}`}`,
    {
      where,
      advice: 'see what the cloud says of it, and run the command again: it begins a new one',
    },
  );
}

interface PollOptions extends WaitOptions {
  readonly explainAbsence: (id: string) => DiskError;
  /** How long something may be there and not be seen. */
  readonly lagMs: number;
}

type Look<T> =
  | { readonly state: 'absent' }
  | { readonly state: 'going'; readonly percent: number | undefined }
  | { readonly state: 'done'; readonly value: T };

async function poll<T>(
  where: string,
  { clock, signal, onProgress, explainAbsence, lagMs }: PollOptions,
  look: () => Promise<Look<T>>,
): Promise<T> {
  const beganMs = clock.monotonicMs();
  let lastSeenMs = beganMs;
  for (let pauseMs = firstPollMs; ; pauseMs = Math.min(longestPollMs, pauseMs * pollGrowth)) {
    const seen = await look();
    const nowMs = clock.monotonicMs();
    if (seen.state === 'done') return seen.value;
    if (seen.state === 'going') {
      lastSeenMs = nowMs;
      onProgress(seen.percent, nowMs - beganMs);
    } else if (nowMs - lastSeenMs > Math.max(lagMs, longestPollMs)) throw explainAbsence(where);
    await clock.sleep(pauseMs, signal);
  }
}

/** What clouds call the permissions to use a key for a disk. */
const keyPermissions: Readonly<Record<DiskProvider, string>> = {
  aws: 'kms:Decrypt, kms:CreateGrant, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt*',
  gcp: 'cloudkms.cryptoKeyVersions.useToDecrypt and useToEncrypt, for the service agent of Compute Engine',
  azure: 'Get, WrapKey and UnwrapKey in the vault, for the identity of the disk encryption set',
};

/** EC2 gives out the id of a volume first, and removes the volume when its key then denies the use. */
function vanished(provider: DiskProvider, where: string): DiskError {
  return new DiskError('failed', 'the cloud gave out an id, and then had nothing of it', {
    where,
    advice: `see whether its encryption key exists, is enabled, and may be used (${keyPermissions[provider]})`,
  });
}

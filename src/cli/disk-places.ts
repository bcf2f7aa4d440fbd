import { UsageError } from '../base/errors.ts';
import type { DiskProvider } from '../providers/disks/driver.ts';
import { regionOf } from '../snapshot/disk-document.ts';
import type { ListedDisk } from '../snapshot/list-disks.ts';
import type { Arguments } from './arguments.ts';
import type { diskCloudOptions } from './disk-options.ts';

/** A cloud, and one region of it where its API has one for each. */
export interface DiskPlace {
  readonly provider: DiskProvider;
  readonly region?: string | undefined;
}

/** Where the documents say that something is, each place once: EC2 knows the things of one region only. */
export function placesOf(
  listed: readonly ListedDisk[],
  args: Arguments<typeof diskCloudOptions>,
  provider?: DiskProvider,
): DiskPlace[] {
  const wanted = args.value('region');
  const places = new Map<string, DiskPlace>();
  const add = (place: DiskPlace): void => void places.set(JSON.stringify(place), place);
  for (const { document } of listed) {
    if (provider !== undefined && document.provider !== provider) continue;
    if (document.provider !== 'aws') add({ provider: document.provider });
    else add({ provider: 'aws', region: wanted ?? regionOf(document) });
  }
  if (places.size === 0 && provider !== undefined) add({ provider, region: wanted });
  return [...places.values()];
}

/** As {@link placesOf}, where somewhere must be looked. */
export function requiredPlaces(
  listed: readonly ListedDisk[],
  args: Arguments<typeof diskCloudOptions>,
  provider: DiskProvider | undefined,
): DiskPlace[] {
  const places = placesOf(listed, args, provider);
  if (places.length > 0) return places;
  throw new UsageError('the repository names no cloud', { advice: 'use --provider aws, azure or gcp' });
}

import type { DiskDriver } from '../providers/disks/driver.ts';
import { allOf } from '../base/all-of.ts';
import type { AbortableOptions } from '../providers/objects/driver.ts';
import type { Repository } from '../repository/repository.ts';
import { diskTag, repositoryTags } from './disk-tags.ts';
import { diskEngine } from './engine-options.ts';
import type { PreflightCloudFacts } from './preflight/facts.ts';

/** What the cloud is asked about. */
export interface GatherFactsOptions extends AbortableOptions {
  readonly diskId: string;
  /** Region that the disk shall be restored in. */
  readonly targetRegion: string;
  /** Type that it shall have there. Default: its own. */
  readonly type?: string | undefined;
  /** Id of the document that the snapshot will have: what an earlier try took for it is not counted. */
  readonly document?: string | undefined;
  /** The cloud as it is reached in the target's region. Default: the driver. */
  readonly targetDriver?: DiskDriver | undefined;
}

/**
 * Asks the cloud what {@link preflight} must know. Of the disk's snapshots it sees those that this repository took.
 * Throws DiskError, CancelledError.
 *
 * @example
 * const facts = await gatherPreflightFacts(repository, disks, { diskId: 'disk-1', targetRegion: 'mem-1' });
 * console.log(facts.disk?.zones, facts.targetZones);
 */
export async function gatherPreflightFacts(
  repository: Repository,
  driver: DiskDriver,
  { diskId, targetRegion, type, document, targetDriver = driver, signal }: GatherFactsOptions,
): Promise<PreflightCloudFacts> {
  const source = diskEngine(repository, driver, {}).driver;
  const target = diskEngine(repository, targetDriver, {}).driver;
  const disk = await source.describeDisk(diskId, { signal });
  const wanted = type ?? disk?.type;
  const snapshots = await allOf(source.listSnapshots({ tags: repositoryTags(repository), signal }));
  return {
    disk,
    typeLimits:
      wanted === undefined ? undefined : await target.describeType(wanted, targetRegion, { signal }),
    targetZones: await target.listZones(targetRegion, { signal }),
    quotas: await target.describeQuotas({ region: targetRegion, type: wanted }, { signal }),
    // Azure takes an id in any case, and has one spelling for it.
    snapshotsMs: snapshots
      .filter(({ diskId: of, tags }) => of === disk?.id && (tags[diskTag.document] ?? '') !== document)
      .map(({ createdMs }) => createdMs),
    capabilities: driver.capabilities,
    nowMs: repository.clock.nowMs(),
  };
}

import { readFile } from 'node:fs/promises';
import { FileSystemError, UsageError, describeError } from '../base/errors.ts';
import type { DiskDriver, DiskProvider } from '../providers/disks/driver.ts';
import { parseDiskHandle } from '../providers/disks/handle.ts';
import type { DiskHandle } from '../providers/disks/handle.ts';
import type { Repository } from '../repository/repository.ts';
import { readClusterObjects } from '../snapshot/cluster-objects.ts';
import type { ClusterObjects, VolumeFacts } from '../snapshot/cluster-objects.ts';
import type { DiskMapping } from '../snapshot/disk-mapping.ts';
import { gatherPreflightFacts } from '../snapshot/gather-facts.ts';
import { preflight } from '../snapshot/preflight.ts';
import type { PreflightViolation } from '../snapshot/preflight.ts';
import { csiDriverOfProvider } from '../snapshot/preflight/disk-families.ts';
import type { PreflightFacts } from '../snapshot/preflight/facts.ts';
import { quotaNeeds } from '../snapshot/preflight/quota-needs.ts';
import { repositoryPlace } from '../snapshot/repository-place.ts';
import type { Arguments } from './arguments.ts';
import type {
  diskClusterOptions,
  diskCloudOptions,
  diskMappingOptions,
  diskTargetOptions,
} from './disk-options.ts';

type DiskArguments = Arguments<
  typeof diskClusterOptions & typeof diskCloudOptions & typeof diskMappingOptions
>;

/** A volume that was named, and what is known of it without asking a cloud. */
export interface NamedVolume {
  readonly name: string;
  readonly driver: string;
  /** Undefined where it is on no cloud's disk. */
  readonly handle?: DiskHandle | undefined;
  readonly facts?: VolumeFacts | undefined;
}

/** Volumes and clusters as operands, files and options name them. */
export interface DiskPlan {
  readonly volumes: readonly NamedVolume[];
  readonly source: ClusterObjects | undefined;
  readonly target: ClusterObjects | undefined;
  /** Of the volumes that are on a cloud's disk; undefined where none is. */
  readonly provider: DiskProvider | undefined;
  readonly region: string | undefined;
  readonly targetRegion: string | undefined;
}

/** Reads what the command line names. Throws UsageError for a volume that is nowhere, and for two clouds. */
export async function readDiskPlan(args: DiskArguments): Promise<DiskPlan> {
  const source = await readObjects(args.value('source'));
  const target = await readObjects(args.value('target'));
  const volumes = args.operands.map((operand) => volumeOf(operand, source));
  if (volumes.length === 0) {
    throw new UsageError('no volume was named', { advice: 'name handles, or volumes of --source' });
  }
  const providers = new Set(volumes.flatMap(({ handle }) => handle?.provider ?? []));
  if (providers.size > 1)
    throw new UsageError('the volumes are in several clouds', { where: [...providers].join() });
  const [provider] = providers;
  const ofHandle = volumes.map(({ handle }) => handle?.region).find((region) => region !== undefined);
  const region = args.value('region') ?? ofHandle ?? source?.region;
  // The cloud that is asked knows no region of another one.
  const isElsewhere = target?.provider !== undefined && target.provider !== provider;
  const targetRegion = args.value('target-region') ?? (isElsewhere ? region : (target?.region ?? region));
  return { volumes, source, target, provider, region, targetRegion };
}

async function readObjects(path: string | undefined): Promise<ClusterObjects | undefined> {
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new FileSystemError('io', `the objects of a cluster: ${describeError(cause)}`, {
      where: path,
      advice: 'write them with kubectl get nodes,storageclasses,persistentvolumes -o yaml',
      cause,
    });
  });
  return readClusterObjects(text, path);
}

/** A PersistentVolume by its name or its claim's `namespace/name`, else a handle. */
function volumeOf(operand: string, source: ClusterObjects | undefined): NamedVolume {
  const facts = source?.volumes.find(
    ({ name, claim }) => name === operand || (claim && `${claim.namespace}/${claim.name}` === operand),
  );
  if (facts === undefined) {
    const handle = handleOf(operand, source);
    return { name: operand, driver: csiDriverOfProvider(handle.provider), handle };
  }
  const name = facts.claim === undefined ? facts.name : `${facts.claim.namespace}/${facts.claim.name}`;
  const { driver, handle } = facts;
  return { name, driver, facts, handle: handle === undefined ? undefined : handleOrNone(handle) };
}

function handleOf(operand: string, source: ClusterObjects | undefined): DiskHandle {
  if (source === undefined) return parseDiskHandle(operand);
  const handle = handleOrNone(operand);
  if (handle !== undefined) return handle;
  const names = source.volumes.map(({ name, claim }) => (claim ? `${claim.namespace}/${claim.name}` : name));
  throw new UsageError('neither a volume of --source nor a handle of a known form', {
    where: operand,
    advice: names.length === 0 ? 'the file has no volumes' : `the file has ${someOf(names)}`,
  });
}

const namesTold = 10;

function someOf(names: readonly string[]): string {
  const more = names.length - namesTold;
  return names.slice(0, namesTold).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** A driver that this program does not know may write anything. */
function handleOrNone(text: string): DiskHandle | undefined {
  try {
    return parseDiskHandle(text);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** What the options say of the restored disk, but for its region. */
export function mappingOf(
  args: Arguments<typeof diskMappingOptions & typeof diskTargetOptions>,
): DiskMapping {
  const [zones, sizeGib, throughputMib] = [
    args.list('zone'),
    args.integer('size-gib', 1),
    args.integer('throughput-mib', 1),
  ];
  const keyId = args.value('key');
  return {
    zones: zones.length === 0 ? undefined : zones,
    type: args.value('type'),
    sizeBytes: sizeGib === undefined ? undefined : sizeGib * 2 ** 30,
    iops: args.integer('iops', 1),
    throughputBytesPerSecond: throughputMib === undefined ? undefined : throughputMib * 2 ** 20,
    encryption: keyId === undefined ? undefined : { kind: 'customer-key', keyId },
    account: args.value('target-account'),
    resourceGroup: args.value('target-resource-group'),
  };
}

export interface DiskDrivers {
  readonly driver: DiskDriver;
  readonly targetDriver: DiskDriver;
}

/** What speaks against each volume; `drivers` are undefined where there is no cloud to ask. */
export async function violationsOf(
  plan: DiskPlan,
  repository: Repository,
  args: DiskArguments,
  {
    pass,
    documentOf,
    drivers,
    signal,
  }: {
    readonly pass: 'stage' | 'final';
    /** Id of the document that a volume's snapshot will have, where that is known. */
    readonly documentOf?: ((volume: string) => string) | undefined;
    readonly drivers: DiskDrivers | undefined;
    readonly signal: AbortSignal;
  },
): Promise<PreflightViolation[]> {
  const violations: PreflightViolation[] = [];
  const planned = new Map<string, number>();
  for (const volume of plan.volumes) {
    const common = commonFacts(plan, volume, repository, args);
    const cloud =
      drivers === undefined || volume.handle === undefined || plan.targetRegion === undefined
        ? undefined
        : await gatherPreflightFacts(repository, drivers.driver, {
            diskId: volume.handle.diskId,
            targetRegion: plan.targetRegion,
            type: args.value('type'),
            document: documentOf?.(volume.name),
            targetDriver: drivers.targetDriver,
            signal,
          });
    const facts: PreflightFacts = { ...common, pass, planned: Object.fromEntries(planned), cloud };
    violations.push(...preflight(facts));
    for (const [quota, need] of Object.entries(quotaNeeds(facts))) {
      planned.set(quota, (planned.get(quota) ?? 0) + need);
    }
  }
  return violations;
}

function commonFacts(
  { source, target, region, targetRegion, provider }: DiskPlan,
  volume: NamedVolume,
  repository: Repository,
  args: DiskArguments,
): Omit<PreflightFacts, 'pass' | 'planned' | 'cloud'> {
  const className = args.value('class');
  const known = target?.classes.find(({ name }) => name === className);
  const { handle } = volume;
  return {
    volume: volume.name,
    driver: volume.driver,
    handle,
    source: {
      provider: source?.provider ?? provider,
      region,
      account: source?.account ?? args.value('account'),
      resourceGroup: source?.resourceGroup,
      zones: source?.zones ?? [],
    },
    target: {
      provider: target?.provider ?? provider,
      region: targetRegion,
      account: args.value('target-account') ?? target?.account,
      resourceGroup: args.value('target-resource-group') ?? target?.resourceGroup,
      zones: target?.zones ?? [],
    },
    targetClass:
      className === undefined || target === undefined ? undefined : { name: className, facts: known },
    repository: repositoryPlace(repository.store.url, args.value('repository-region')),
    quiesced: args.flag('quiesced'),
    shareWith: args.list('share-with'),
    mapping: mappingOf(args),
  };
}

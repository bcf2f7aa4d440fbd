import { stringify } from 'yaml';
import { UsageError } from '../base/errors.ts';
import type { DiskDescription } from '../providers/disks/driver.ts';
import { csiDriverOfProvider, isInNoZone } from './preflight/disk-families.ts';
import { formatGibibytes } from './quantity.ts';

/** What the target cluster is told of a restored disk. */
export interface DiskManifestOptions {
  /** Namespace and name of the claim that pods name. */
  readonly claim: { readonly namespace: string; readonly name: string };
  readonly storageClass: string;
  /** Of the PersistentVolume. Default: `tranship-` and the namespace and name of the claim. */
  readonly name?: string | undefined;
  /** Default: `ReadWriteOnce`. */
  readonly accessModes?: readonly string[] | undefined;
  /** Default: `Filesystem`. */
  readonly volumeMode?: string | undefined;
  /** Default: the driver's own. */
  readonly fsType?: string | undefined;
  /** Default: the usual one of the disk's cloud. */
  readonly csiDriver?: string | undefined;
}

/**
 * A PersistentVolume and its claim, as YAML, that give a restored disk to pods of the target cluster: bound to each
 * other, kept when the claim goes (`Retain`), and only on nodes in the disk's zones, or in none as it is. Throws
 * UsageError for a name that Kubernetes does not take.
 *
 * @example
 * const disk = await disks.describeDisk('disk-1', {});
 * const claim = { namespace: 'shop', name: 'data' };
 * if (disk !== undefined) console.log(diskManifests(disk, { claim, storageClass: 'fast' }));
 */
export function diskManifests(disk: DiskDescription, options: DiskManifestOptions): string {
  const { claim, storageClass, accessModes = ['ReadWriteOnce'], volumeMode = 'Filesystem', fsType } = options;
  const name = options.name ?? `tranship-${claim.namespace}-${claim.name}`;
  for (const given of [name, claim.namespace, claim.name, storageClass]) checkName(given);
  const driver = options.csiDriver ?? csiDriverOfProvider(disk.provider);
  const storage = formatGibibytes(disk.sizeBytes);
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': driver } },
    spec: {
      capacity: { storage },
      accessModes,
      volumeMode,
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: storageClass,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...claim },
      csi: {
        driver,
        volumeHandle: disk.id,
        ...(fsType === undefined || volumeMode === 'Block' ? {} : { fsType }),
      },
      ...affinityOf(disk),
    },
  };
  const persistentVolumeClaim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: claim,
    spec: {
      accessModes,
      volumeMode,
      storageClassName: storageClass,
      volumeName: name,
      resources: { requests: { storage } },
    },
  };
  const [first, second] = [volume, persistentVolumeClaim].map((object) =>
    stringify(object, { aliasDuplicateObjects: false }),
  );
  return `${first}---\n${second}`;
}

/** By the label that nodes of every cloud have; on nodes of Azure that are in no zone the driver's own is empty. */
function affinityOf({ provider, type, zones }: DiskDescription): object {
  const zone = isInNoZone(provider, type, zones)
    ? { key: 'topology.disk.csi.azure.com/zone', values: [''] }
    : { key: 'topology.kubernetes.io/zone', values: zones };
  if (zone.values.length === 0) return {};
  const matchExpressions = [{ key: zone.key, operator: 'In', values: zone.values }];
  return { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } } };
}

function checkName(name: string): void {
  if (name.length <= 253 && /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(name)) return;
  throw new UsageError('Kubernetes takes no such name', {
    where: name,
    advice: 'use lower-case letters, digits, hyphens and dots',
  });
}

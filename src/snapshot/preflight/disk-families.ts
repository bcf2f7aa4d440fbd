import { isZoneRedundant } from '../../providers/disks/zone-redundancy.ts';
import type { DiskProvider } from '../../providers/disks/driver.ts';
import type { StorageClassFacts } from '../cluster-objects.ts';

/** Types between which a disk may change without behaving otherwise, by the cloud's own grouping. */
const families: Readonly<Record<DiskProvider, Readonly<Record<string, readonly string[]>>>> = {
  aws: {
    'general purpose': ['gp2', 'gp3'],
    'provisioned IOPS': ['io1', 'io2'],
    'hard disk': ['st1', 'sc1'],
    magnetic: ['standard'],
  },
  gcp: {
    'persistent disk': ['pd-standard', 'pd-balanced', 'pd-ssd', 'pd-extreme'],
    hyperdisk: [
      'hyperdisk-balanced',
      'hyperdisk-balanced-high-availability',
      'hyperdisk-extreme',
      'hyperdisk-throughput',
      'hyperdisk-ml',
    ],
  },
  azure: {
    'managed disk': ['Standard_LRS', 'StandardSSD_LRS', 'StandardSSD_ZRS', 'Premium_LRS', 'Premium_ZRS'],
    'Premium SSD v2': ['PremiumV2_LRS'],
    'Ultra disk': ['UltraSSD_LRS'],
  },
};

/** The family of a disk type; undefined for one that cannot be snapshotted, or is not known. */
export function familyOf(provider: DiskProvider, type: string): string | undefined {
  const found = Object.entries(families[provider]).find(([, types]) => types.includes(type));
  return found?.[0];
}

/**
 * True for a disk of Azure that is in no zone and is not kept in all of them: no machine that is in a zone can have it.
 */
export function isInNoZone(provider: DiskProvider, type: string, zones: readonly string[]): boolean {
  return provider === 'azure' && zones.length === 0 && !isZoneRedundant(type);
}

export function typesOf(provider: DiskProvider): readonly string[] {
  return Object.values(families[provider]).flat();
}

/** Whose snapshots this engine takes; an in-tree plug-in is answered by the CSI driver of the same disks. */
const provisioners: Readonly<Record<string, { readonly csi: string; readonly provider: DiskProvider }>> = {
  'ebs.csi.aws.com': { csi: 'ebs.csi.aws.com', provider: 'aws' },
  'kubernetes.io/aws-ebs': { csi: 'ebs.csi.aws.com', provider: 'aws' },
  'pd.csi.storage.gke.io': { csi: 'pd.csi.storage.gke.io', provider: 'gcp' },
  'gcp.csi.confidential.cloud': { csi: 'pd.csi.storage.gke.io', provider: 'gcp' },
  'kubernetes.io/gce-pd': { csi: 'pd.csi.storage.gke.io', provider: 'gcp' },
  'disk.csi.azure.com': { csi: 'disk.csi.azure.com', provider: 'azure' },
  'kubernetes.io/azure-disk': { csi: 'disk.csi.azure.com', provider: 'azure' },
};

/** The CSI driver that has the disks of a provisioner or in-tree plug-in; undefined for any other storage. */
export function csiDriverOf(provisioner: string): string | undefined {
  return provisioners[provisioner]?.csi;
}

export function csiDriverOfProvider(provider: DiskProvider): string {
  const drivers = { aws: 'ebs.csi.aws.com', gcp: 'pd.csi.storage.gke.io', azure: 'disk.csi.azure.com' };
  return drivers[provider];
}

export function snapshotProvisioners(): readonly string[] {
  return Object.keys(provisioners);
}

/** The disk type that a storage class orders, by parameter or by its provisioner's default. */
export function typeOfClass({ provisioner, parameters }: StorageClassFacts): string | undefined {
  const parameter = (name: string): string | undefined =>
    Object.entries(parameters).find(([key]) => key.toLowerCase() === name)?.[1];
  switch (provisioners[provisioner]?.provider) {
    case 'aws':
      return parameter('type') ?? (provisioner === 'ebs.csi.aws.com' ? 'gp3' : 'gp2');
    case 'gcp':
      return parameter('type') ?? 'pd-standard';
    case 'azure':
      return parameter('skuname') ?? parameter('storageaccounttype') ?? 'StandardSSD_LRS';
    case undefined:
      return undefined;
  }
}

import type { DiskPermissions } from '../permissions.ts';

const operations = {
  disk: ['compute.zoneOperations.list', 'compute.regionOperations.list'],
  snapshot: ['compute.globalOperations.list'],
} as const;

/** The permissions that each method's calls take, those of rare ways included. */
export const permissions = {
  account: [],
  describeDisk: ['compute.disks.get', ...operations.disk],
  createDisk: [
    'compute.disks.create',
    'compute.disks.setLabels',
    'compute.disks.get',
    'compute.snapshots.useReadOnly',
  ],
  deleteDisk: ['compute.disks.delete', ...operations.disk],
  listDisks: ['compute.disks.list'],
  describeSnapshot: ['compute.snapshots.get', ...operations.snapshot],
  createSnapshot: [
    'compute.disks.get',
    'compute.disks.createSnapshot',
    'compute.snapshots.create',
    'compute.snapshots.setLabels',
    'compute.snapshots.get',
  ],
  deleteSnapshot: ['compute.snapshots.delete', ...operations.snapshot],
  listSnapshots: ['compute.snapshots.list'],
  shareSnapshot: [
    'compute.projects.get',
    'compute.snapshots.get',
    'compute.snapshots.getIamPolicy',
    'compute.snapshots.setIamPolicy',
    'cloudkms.cryptoKeys.getIamPolicy',
    'cloudkms.cryptoKeys.setIamPolicy',
  ],
  unshareSnapshot: [
    'compute.snapshots.getIamPolicy',
    'compute.snapshots.setIamPolicy',
    'cloudkms.cryptoKeys.getIamPolicy',
    'cloudkms.cryptoKeys.setIamPolicy',
  ],
  describeType: ['compute.diskTypes.list'],
  listZones: ['compute.zones.list'],
  describeQuotas: ['compute.projects.get', 'compute.regions.get'],
} as const satisfies DiskPermissions;

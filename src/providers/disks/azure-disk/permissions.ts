import type { DiskDriver } from '../driver.ts';

type Method = Exclude<keyof DiskDriver, 'provider' | 'capabilities' | 'createSnapshots'>;

/** As Azure names them in roles. */
export const actions = {
  readDisk: 'Microsoft.Compute/disks/read',
  writeDisk: 'Microsoft.Compute/disks/write',
  deleteDisk: 'Microsoft.Compute/disks/delete',
  /** Azure asks for it, and for that of snapshots, where it checks what a copy is of. */
  copyDisk: 'Microsoft.Compute/disks/beginGetAccess/action',
  readSnapshot: 'Microsoft.Compute/snapshots/read',
  writeSnapshot: 'Microsoft.Compute/snapshots/write',
  deleteSnapshot: 'Microsoft.Compute/snapshots/delete',
  copySnapshot: 'Microsoft.Compute/snapshots/beginGetAccess/action',
  /** Wanted only where a customer's key encrypts. */
  readEncryptionSet: 'Microsoft.Compute/diskEncryptionSets/read',
  readTypes: 'Microsoft.Compute/skus/read',
  readUsages: 'Microsoft.Compute/locations/usages/read',
} as const;

const { readDisk, readSnapshot, writeSnapshot, readEncryptionSet } = actions;

/** What a role must allow for each method of the driver. */
export const permissions: Readonly<Record<Method, readonly string[]>> = {
  account: [],
  describeDisk: [readDisk],
  createDisk: [readDisk, actions.writeDisk, readSnapshot, actions.copySnapshot, readEncryptionSet],
  deleteDisk: [actions.deleteDisk],
  listDisks: [readDisk],
  describeSnapshot: [readSnapshot],
  createSnapshot: [readDisk, actions.copyDisk, readSnapshot, writeSnapshot, readEncryptionSet],
  copySnapshot: [readSnapshot, writeSnapshot, actions.copySnapshot, readEncryptionSet],
  deleteSnapshot: [actions.deleteSnapshot],
  listSnapshots: [readSnapshot],
  shareSnapshot: [readSnapshot],
  unshareSnapshot: [],
  describeType: [actions.readTypes],
  listZones: [actions.readTypes],
  describeQuotas: [actions.readUsages],
  close: [],
};

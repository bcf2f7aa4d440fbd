import type { DiskDriver } from '../driver.ts';

type Method = Exclude<keyof DiskDriver, 'provider' | 'capabilities' | 'createSnapshots'>;

const readDisk = 'Microsoft.Compute/disks/read';
const readSnapshot = 'Microsoft.Compute/snapshots/read';
const writeSnapshot = 'Microsoft.Compute/snapshots/write';
/** Azure asks for it of what is copied from, where it checks a copy. */
const copyDisk = 'Microsoft.Compute/disks/beginGetAccess/action';
const copySnapshot = 'Microsoft.Compute/snapshots/beginGetAccess/action';
/** Wanted only where a customer's key encrypts. */
const useEncryptionSet = 'Microsoft.Compute/diskEncryptionSets/read';

/** What a role must allow for each method of the driver. */
export const permissions: Readonly<Record<Method, readonly string[]>> = {
  account: [],
  describeDisk: [readDisk],
  createDisk: [readDisk, 'Microsoft.Compute/disks/write', readSnapshot, copySnapshot, useEncryptionSet],
  deleteDisk: ['Microsoft.Compute/disks/delete'],
  listDisks: [readDisk],
  describeSnapshot: [readSnapshot],
  createSnapshot: [readDisk, copyDisk, readSnapshot, writeSnapshot, useEncryptionSet],
  copySnapshot: [readSnapshot, writeSnapshot, copySnapshot, useEncryptionSet],
  deleteSnapshot: ['Microsoft.Compute/snapshots/delete'],
  listSnapshots: [readSnapshot],
  shareSnapshot: [readSnapshot],
  unshareSnapshot: [],
  describeType: ['Microsoft.Compute/skus/read'],
  listZones: ['Microsoft.Compute/skus/read'],
  describeQuotas: ['Microsoft.Compute/locations/usages/read'],
  close: [],
};

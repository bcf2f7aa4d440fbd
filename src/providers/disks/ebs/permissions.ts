import type { DiskPermissions } from '../permissions.ts';

/** To read and write with a customer's key, which EBS does in the name of the caller. */
const keyUse = [
  'kms:CreateGrant',
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

/** What each call asks of IAM; those of KMS only where a disk is encrypted. */
export const permissions = {
  // Everybody may ask who they are.
  account: [],
  describeDisk: ['ec2:DescribeVolumes', 'kms:DescribeKey'],
  createDisk: ['ec2:CreateTags', 'ec2:CreateVolume', 'ec2:DescribeVolumes', ...keyUse],
  deleteDisk: ['ec2:DeleteVolume'],
  listDisks: ['ec2:DescribeVolumes', 'kms:DescribeKey'],
  describeSnapshot: ['ec2:DescribeSnapshots', 'kms:DescribeKey'],
  createSnapshot: ['ec2:CreateSnapshot', 'ec2:CreateTags', 'kms:DescribeKey'],
  createSnapshots: [
    'ec2:CreateSnapshots',
    'ec2:CreateTags',
    'ec2:DeleteSnapshot',
    'ec2:DescribeInstances',
    'ec2:DescribeSnapshots',
    'ec2:DescribeVolumes',
    'kms:DescribeKey',
  ],
  copySnapshot: ['ec2:CopySnapshot', 'ec2:CreateTags', 'ec2:DescribeSnapshots', ...keyUse],
  deleteSnapshot: ['ec2:DeleteSnapshot'],
  listSnapshots: ['ec2:DescribeSnapshots', 'kms:DescribeKey'],
  shareSnapshot: [
    'ec2:DescribeSnapshotAttribute',
    'ec2:DescribeSnapshots',
    'ec2:ModifySnapshotAttribute',
    'kms:CreateGrant',
    'kms:DescribeKey',
    'kms:ListGrants',
    'kms:RevokeGrant',
  ],
  unshareSnapshot: ['ec2:ModifySnapshotAttribute', 'kms:RevokeGrant'],
  describeType: [],
  listZones: ['ec2:DescribeAvailabilityZones', 'ec2:DescribeRegions'],
  describeQuotas: [],
} satisfies DiskPermissions;

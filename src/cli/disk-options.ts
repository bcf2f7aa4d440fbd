import type { OptionTable } from './option-table.ts';

/** How a cloud's disks are reached. */
export const diskCloudOptions = {
  region: {
    kind: 'value',
    placeholder: 'REGION',
    default: 'that of the disk, the cluster or AWS_REGION',
    help: 'region, or location of Azure, of the disks',
  },
  account: {
    kind: 'value',
    placeholder: 'ID',
    default: 'that of the credentials',
    help: 'Google Cloud: project; Azure: subscription',
  },
  'disk-endpoint': { kind: 'value', placeholder: 'URL', help: 'where the cloud’s API is, if not at its own' },
} as const satisfies OptionTable;

/** Where the restored disks shall be, beside their region. */
export const diskTargetOptions = {
  'target-account': {
    kind: 'value',
    placeholder: 'ID',
    help: 'account, project or subscription of the restored disks',
  },
  'target-resource-group': { kind: 'value', placeholder: 'NAME', help: 'Azure: their resource group' },
} as const satisfies OptionTable;

/** What is known of both clusters. */
export const diskClusterOptions = {
  source: {
    kind: 'value',
    placeholder: 'FILE',
    help: 'of the source cluster: kubectl get nodes,storageclasses,persistentvolumes -o yaml',
  },
  target: { kind: 'value', placeholder: 'FILE', help: 'the same of the target cluster' },
  class: { kind: 'value', placeholder: 'NAME', help: 'storage class of the target' },
  'target-region': { kind: 'value', placeholder: 'REGION', help: 'where the disks shall be restored' },
  ...diskTargetOptions,
  'repository-region': { kind: 'value', placeholder: 'REGION', help: 'where the repository’s bucket is' },
  'share-with': {
    kind: 'list',
    placeholder: 'ID',
    help: 'an account, project or subscription that shall be able to restore; may be given again',
  },
  quiesced: { kind: 'flag', help: 'nothing writes to the volumes until the snapshot is there' },
} as const satisfies OptionTable;

/** What of a restored disk is otherwise than the source. */
export const diskMappingOptions = {
  zone: { kind: 'list', placeholder: 'ZONE', help: 'zone of the disk; of a regional one twice' },
  type: { kind: 'value', placeholder: 'TYPE', help: 'type of the disk, in the cloud’s words: gp3, pd-ssd' },
  'size-gib': { kind: 'value', placeholder: 'N', help: 'size of the disk in GiB, at least the source’s' },
  iops: { kind: 'value', placeholder: 'N', help: 'operations a second' },
  'throughput-mib': { kind: 'value', placeholder: 'N', help: 'throughput in MiB a second' },
  key: {
    kind: 'value',
    placeholder: 'ID',
    help: 'encryption key: an ARN, a resource name, a disk encryption set',
  },
} as const satisfies OptionTable;

/** How long it may take. */
export const diskTimeOptions = {
  timeout: { kind: 'value', placeholder: 'DURATION', default: '1h', help: 'how long everything may take' },
  'keep-unfinished': {
    kind: 'flag',
    help: 'leave what is not ready in time, or when interrupted, for the next run to go on with',
  },
  'take-over': { kind: 'flag', help: 'go on with what a run left that was killed' },
} as const satisfies OptionTable;

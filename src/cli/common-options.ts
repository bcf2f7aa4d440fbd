import type { OptionTable } from './option-table.ts';

/** Understood by every command, before its name and after it. */
export const commonOptions = {
  json: { kind: 'flag', help: 'print JSON objects, one a line, with restic’s message types' },
  quiet: { kind: 'flag', short: 'q', help: 'print results and problems only' },
  verbose: { kind: 'flag', short: 'v', help: 'name what is done; twice, name everything' },
  help: { kind: 'flag', short: 'h', help: 'print this help' },
} as const satisfies OptionTable;

/** How a store beyond this machine is reached. */
export const storeOptions = {
  profile: {
    kind: 'value',
    placeholder: 'NAME',
    default: 'AWS_PROFILE',
    help: 'S3: profile of the shared credentials file',
  },
  'credentials-file': {
    kind: 'value',
    placeholder: 'FILE',
    default: 'the environment’s',
    help: 'GCS: a file of Google’s; S3: the shared credentials file',
  },
  'allow-http': { kind: 'flag', help: 'GCS, S3: allow an http:// endpoint off this machine' },
  'idle-timeout': {
    kind: 'value',
    placeholder: 'DURATION',
    default: '2m',
    help: 'GCS, S3: try again when nothing moved for so long',
  },
} as const satisfies OptionTable;

export const repositoryOptions = {
  repository: {
    kind: 'value',
    short: 'r',
    aliases: ['repo'],
    placeholder: 'LOCATION',
    default: 'TRANSHIP_REPOSITORY',
    help: 'where the repository is: a path, gs://bucket/prefix, s3://bucket/prefix?endpoint=URL, velero:FILE?path=PATH',
  },
  'repository-file': { kind: 'value', placeholder: 'FILE', help: 'a file that holds the location' },
  'password-file': {
    kind: 'value',
    short: 'p',
    placeholder: 'FILE',
    default: 'TRANSHIP_PASSWORD, or ask',
    help: 'a file that holds the password',
  },
  'password-command': {
    kind: 'value',
    placeholder: 'COMMAND',
    help: 'a program that prints the password, run without a shell',
  },
  ...storeOptions,
  ...commonOptions,
} as const satisfies OptionTable;

/** Options that may stand before the command's name. */
export const leadingOptions = {
  ...repositoryOptions,
  version: { kind: 'flag', short: 'V', help: 'print the version' },
} as const satisfies OptionTable;

export const lockOptions = {
  'retry-lock': {
    kind: 'value',
    placeholder: 'DURATION',
    default: '0',
    help: 'how long to wait while others lock the repository: 30s, 5m',
  },
} as const satisfies OptionTable;

/** For commands that only read the repository. */
export const readOptions = {
  ...lockOptions,
  'no-lock': { kind: 'flag', help: 'take no lock, for a repository that cannot be written' },
} as const satisfies OptionTable;

export const filterOptions = {
  host: { kind: 'list', short: 'H', placeholder: 'NAME', help: 'only snapshots of this host' },
  tag: { kind: 'list', placeholder: 'TAG,...', help: 'only snapshots that carry all of these tags' },
  path: { kind: 'list', placeholder: 'PATH', help: 'only snapshots that hold this path' },
} as const satisfies OptionTable;

export const workerOptions = {
  workers: { kind: 'value', placeholder: 'N', default: 'one a processor', help: 'threads' },
} as const satisfies OptionTable;

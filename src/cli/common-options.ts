import type { OptionTable } from './option-table.ts';
import { storeSettingsHelp } from './store-settings.ts';

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
    help: 'Azure: a file of AZURE_NAME=value lines; GCS: a file of Google’s; S3: the shared credentials file',
  },
  'allow-http': { kind: 'flag', help: 'allow an http:// endpoint off this machine, and warn of it' },
  'idle-timeout': {
    kind: 'value',
    placeholder: 'DURATION',
    default: '2m',
    help: 'a remote store: try again when nothing moved for so long',
  },
  'ca-cert': {
    kind: 'value',
    aliases: ['cacert'],
    placeholder: 'FILE',
    default: 'AWS_CA_BUNDLE',
    help: 'trust the authorities in this PEM file too',
  },
  'insecure-tls': {
    kind: 'flag',
    help: 'do not check the certificate of the store’s server, and warn of it',
  },
  option: { kind: 'list', short: 'o', placeholder: 'NAME=VALUE', help: storeSettingsHelp },
  'limit-upload': {
    kind: 'value',
    placeholder: 'RATE',
    default: 'unlimited',
    help: 'send at most so much a second: KiB, 10M for MiB, or 08:00-18:00=10M by the time of day',
  },
  'limit-download': {
    kind: 'value',
    placeholder: 'RATE',
    default: 'unlimited',
    help: 'receive at most so much a second, likewise',
  },
  'limit-requests': {
    kind: 'value',
    placeholder: 'N',
    default: 'unlimited',
    help: 'send at most so many requests a second',
  },
} as const satisfies OptionTable;

export const repositoryOptions = {
  repository: {
    kind: 'value',
    short: 'r',
    aliases: ['repo'],
    placeholder: 'LOCATION',
    default: 'TRANSHIP_REPOSITORY',
    help: 'a path, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, azblob://ACCOUNT/CONTAINER/PREFIX or velero:FILE',
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

/** The repository that is copied from; what is not given here is as for the other one. */
export const sourceOptions = {
  'from-repository': {
    kind: 'value',
    aliases: ['from-repo'],
    placeholder: 'LOCATION',
    default: 'TRANSHIP_FROM_REPOSITORY',
    help: 'where the source repository is, as -r',
  },
  'from-repository-file': { kind: 'value', placeholder: 'FILE', help: 'a file that holds its location' },
  'from-password-file': {
    kind: 'value',
    placeholder: 'FILE',
    default: 'TRANSHIP_FROM_PASSWORD, or ask',
    help: 'a file that holds its password',
  },
  'from-password-command': {
    kind: 'value',
    placeholder: 'COMMAND',
    help: 'a program that prints its password, run without a shell',
  },
  'from-profile': {
    kind: 'value',
    placeholder: 'NAME',
    default: 'as --profile',
    help: 'S3: profile for the source',
  },
  'from-credentials-file': {
    kind: 'value',
    placeholder: 'FILE',
    default: 'as --credentials-file',
    help: 'credentials file for the source, of whichever service it is on',
  },
  'from-option': {
    kind: 'list',
    placeholder: 'NAME=VALUE',
    help: 'settings for the source’s store instead of those of --option',
  },
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

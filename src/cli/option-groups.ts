import type { NamedText } from './command.ts';
import {
  commonOptions,
  filterOptions,
  readOptions,
  repositoryOptions,
  sourceOptions,
} from './common-options.ts';
import type { OptionTable } from './option-table.ts';
import { excludeOptions, includeOptions } from './pattern-options.ts';

/** Options that several commands share, and what the help says where a command has one of them. */
export interface OptionGroup {
  readonly title: string;
  readonly options: OptionTable;
  readonly environment: readonly NamedText[];
  readonly files: readonly NamedText[];
}

const generalGroup: OptionGroup = {
  title: 'Options of every command',
  options: commonOptions,
  environment: [
    { name: 'NO_COLOR', help: 'when set, nothing is coloured' },
    { name: 'TRANSHIP_DEBUG', help: '1 adds to an error where in the program it comes from' },
  ],
  files: [],
};

const repositoryGroup: OptionGroup = {
  title: 'Options of the repository',
  options: { ...repositoryOptions, ...readOptions },
  environment: [
    { name: 'TRANSHIP_REPOSITORY, RESTIC_REPOSITORY', help: 'where the repository is' },
    { name: 'TRANSHIP_REPOSITORY_FILE, RESTIC_REPOSITORY_FILE', help: 'a file that holds the location' },
    { name: 'TRANSHIP_PASSWORD, RESTIC_PASSWORD', help: 'the password' },
    { name: 'TRANSHIP_PASSWORD_FILE, RESTIC_PASSWORD_FILE', help: 'a file that holds the password' },
    {
      name: 'TRANSHIP_PASSWORD_COMMAND, RESTIC_PASSWORD_COMMAND',
      help: 'a program that prints the password',
    },
    { name: 'GOOGLE_APPLICATION_CREDENTIALS, GOOGLE_ACCESS_TOKEN', help: 'GCS: credentials' },
    { name: 'STORAGE_EMULATOR_HOST', help: 'GCS: the endpoint, where the location names none' },
    { name: 'AZURE_ACCOUNT_NAME', help: 'Azure: the account of an azure: location' },
    {
      name: 'AZURE_ACCOUNT_KEY, AZURE_ACCOUNT_SAS, AZURE_STORAGE_CONNECTION_STRING',
      help: 'Azure: credentials',
    },
    {
      name: 'AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET',
      help: 'Azure: a service principal',
    },
    {
      name: 'AZURE_CLIENT_CERTIFICATE_PATH, AZURE_CLIENT_CERTIFICATE_PASSWORD',
      help: 'Azure: its certificate and key instead of a secret',
    },
    { name: 'AZURE_FEDERATED_TOKEN_FILE', help: 'Azure: the identity of a pod' },
    { name: 'AZURE_CREDENTIALS_FILE', help: 'Azure: a file of such variables' },
    { name: 'AZURE_CLOUD_NAME, AZURE_ENDPOINT_SUFFIX, AZURE_AUTHORITY_HOST', help: 'Azure: which cloud' },
    { name: 'AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN', help: 'S3: credentials' },
    { name: 'AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE', help: 'S3: where credentials are' },
    { name: 'AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN', help: 'S3: the identity of a pod' },
    { name: 'AWS_REGION', help: 'S3: the region, where the location names none' },
    { name: 'AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL', help: 'S3: the endpoint, likewise' },
    { name: 'AWS_CA_BUNDLE, RESTIC_CACERT', help: 'S3: a PEM file of authorities to trust too' },
    { name: 'HTTPS_PROXY, HTTP_PROXY, NO_PROXY', help: 'S3: the proxy, and for which hosts there is none' },
  ],
  files: [
    { name: 'a file with a password', help: 'text; white space around it is no part of the password' },
    {
      name: '~/.config/gcloud/application_default_credentials.json',
      help: 'GCS: credentials, unless the environment has some',
    },
    { name: '~/.aws/credentials', help: 'S3: credentials, unless the environment has some' },
  ],
};

const sourceGroup: OptionGroup = {
  title: 'Options of the source repository',
  options: sourceOptions,
  environment: [
    { name: 'TRANSHIP_FROM_REPOSITORY, RESTIC_FROM_REPOSITORY', help: 'where the source is' },
    {
      name: 'TRANSHIP_FROM_REPOSITORY_FILE, RESTIC_FROM_REPOSITORY_FILE',
      help: 'a file that holds its location',
    },
    { name: 'TRANSHIP_FROM_PASSWORD, RESTIC_FROM_PASSWORD', help: 'its password' },
    {
      name: 'TRANSHIP_FROM_PASSWORD_FILE, RESTIC_FROM_PASSWORD_FILE',
      help: 'a file that holds its password',
    },
    {
      name: 'TRANSHIP_FROM_PASSWORD_COMMAND, RESTIC_FROM_PASSWORD_COMMAND',
      help: 'a program that prints its password',
    },
    {
      name: 'TRANSHIP_FROM_AWS_ACCESS_KEY_ID, TRANSHIP_FROM_AWS_SECRET_ACCESS_KEY',
      help: 'S3: credentials for the source',
    },
    { name: 'TRANSHIP_FROM_AWS_SESSION_TOKEN', help: 'S3: of temporary ones' },
  ],
  files: [],
};

const patternGroup: OptionGroup = {
  title: 'Options that choose files',
  options: { ...includeOptions, ...excludeOptions },
  environment: [],
  files: [
    {
      name: 'a file of patterns',
      help: 'one a line; a line that begins with # is a comment; $NAME is a variable of the environment',
    },
  ],
};

const filterGroup: OptionGroup = {
  title: 'Options that choose snapshots',
  options: filterOptions,
  environment: [],
  files: [],
};

/** In the order of the help, after the options that are a command's own. */
export const optionGroups: readonly OptionGroup[] = [
  patternGroup,
  filterGroup,
  sourceGroup,
  repositoryGroup,
  generalGroup,
];

/** The options of a command that are a group's: the same object, since `--tag` of another meaning is another one. */
export function optionsOfGroup(options: OptionTable, index: number): OptionTable {
  return pick(options, (name, spec) => groupIndexOf(name, spec) === index);
}

/** The options that are a command's own. */
export function ownOptions(options: OptionTable): OptionTable {
  return optionsOfGroup(options, -1);
}

function groupIndexOf(name: string, spec: OptionTable[string]): number {
  // From the end: the repository's table holds those of every command too.
  return optionGroups.findLastIndex((group) => group.options[name] === spec);
}

function pick(
  options: OptionTable,
  isWanted: (name: string, spec: OptionTable[string]) => boolean,
): OptionTable {
  return Object.fromEntries(Object.entries(options).filter(([name, spec]) => isWanted(name, spec)));
}

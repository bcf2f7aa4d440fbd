import { readFile } from 'node:fs/promises';
import { FileSystemError, UsageError } from '../base/errors.ts';
import { parseStoreLocation } from '../providers/objects/open.ts';
import type { S3Settings, StoreSettings } from '../providers/objects/settings.ts';
import { parseTagList } from '../providers/objects/tag-list.ts';
import type { Arguments } from './arguments.ts';
import type { sourceOptions, storeOptions } from './common-options.ts';
import { parseDurationMs } from './duration.ts';
import type { Environment } from './environment.ts';

interface Setting {
  /** How the help names the value. */
  readonly placeholder: string;
  /** Throws UsageError for a value that it cannot be. */
  readonly read: (value: string) => ServiceSettings;
}

type ServiceSettings = Pick<StoreSettings, 'gcs' | 's3'>;

const ENCRYPTIONS = ['AES256', 'aws:kms'] as const;

/** What `--option` may name. Settings that few need: an option of its own for each would fill every command's help. */
const known: Readonly<Record<string, Setting>> = {
  'gcs.kms-key-name': { placeholder: 'NAME', read: (kmsKeyName) => ({ gcs: { kmsKeyName } }) },
  'gcs.universe-domain': { placeholder: 'DOMAIN', read: (universeDomain) => ({ gcs: { universeDomain } }) },
  's3.storage-class': { placeholder: 'CLASS', read: (storageClass) => ({ s3: { storageClass } }) },
  's3.server-side-encryption': {
    placeholder: 'AES256|aws:kms',
    read: (text) => ({ s3: { serverSideEncryption: oneOf(ENCRYPTIONS, text) } }),
  },
  's3.kms-key-id': { placeholder: 'ID', read: (kmsKeyId) => ({ s3: { kmsKeyId } }) },
  's3.customer-key-file': { placeholder: 'FILE', read: (customerKeyFile) => ({ s3: { customerKeyFile } }) },
  's3.tags': { placeholder: 'KEY=VALUE&...', read: (text) => ({ s3: { tags: tagsOf(text) } }) },
  's3.object-lock': {
    placeholder: 'governance|compliance:DAYS',
    read: (text) => ({ s3: { objectLock: lockOf(text) } }),
  },
  's3.instance-metadata': {
    placeholder: 'true|false',
    read: (text) => ({ s3: { instanceMetadata: oneOf(['true', 'false'], text) === 'true' } }),
  },
};

export const storeSettingNames: readonly string[] = Object.keys(known);

/** For the help of `--option`. */
export const storeSettingsHelp = Object.entries(known)
  .map(([name, { placeholder }]) => `${name}=${placeholder}`)
  .join(', ');

/** What the options and the environment say of how the store at a location is reached. */
export function storeSettings(
  location: string,
  args: Arguments<typeof storeOptions>,
  environment: Environment,
): Promise<StoreSettings> {
  return settingsWith(location, args.list('option'), args, environment);
}

/** As for the other repository, but for the credentials: from the options for it, from the environment, or the same. */
export async function sourceSettings(
  location: string,
  args: Arguments<typeof storeOptions & typeof sourceOptions>,
  environment: Environment,
): Promise<StoreSettings> {
  const options = args.list('from-option');
  const settings = await settingsWith(
    location,
    options.length === 0 ? args.list('option') : options,
    args,
    environment,
  );
  const ownProfile = args.value('from-profile');
  const ownFile = args.value('from-credentials-file');
  if (ownProfile !== undefined || ownFile !== undefined) {
    const profile = ownProfile ?? args.value('profile');
    const credentialsFile = ownFile ?? args.value('credentials-file');
    // A token of the environment is the target's, and would go before the file.
    const googleAccessToken = ownFile === undefined ? settings.gcs?.googleAccessToken : undefined;
    return {
      azureBlob: { ...settings.azureBlob, credentialsFile },
      gcs: { ...settings.gcs, credentialsFile, googleAccessToken },
      s3: { ...settings.s3, profile, credentialsFile },
    };
  }
  const { accessKeyId, secretAccessKey, sessionToken } = environment.from;
  if (accessKeyId === undefined && secretAccessKey === undefined && sessionToken === undefined)
    return settings;
  // A key without its other half would be looked for elsewhere, and another one found.
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new UsageError('the S3 credentials of the source are not complete', {
      advice: 'set both TRANSHIP_FROM_AWS_ACCESS_KEY_ID and TRANSHIP_FROM_AWS_SECRET_ACCESS_KEY',
    });
  }
  return { ...settings, s3: { ...settings.s3, credentials: { accessKeyId, secretAccessKey, sessionToken } } };
}

async function settingsWith(
  location: string,
  options: readonly string[],
  args: Arguments<typeof storeOptions>,
  environment: Environment,
): Promise<StoreSettings> {
  const idleTimeout = args.value('idle-timeout');
  // Many a machine's environment names one, which takes longer to read than a local repository to open.
  const caFile = args.value('ca-cert') ?? (isRemote(location) ? environment.caFile : undefined);
  const common = {
    credentialsFile: args.value('credentials-file'),
    allowHttp: args.flag('allow-http'),
    caCertificates: caFile === undefined ? undefined : await readCertificates(caFile),
    // Undefined and not false: what describes the store may say it too.
    insecureTls: args.flag('insecure-tls') ? true : undefined,
    proxy: environment.proxy,
    idleTimeoutMs: idleTimeout === undefined ? undefined : parseDurationMs(idleTimeout),
  };
  const { gcs, s3 } = settingsOf(options);
  return {
    azureBlob: { ...common, environment: environment.azure },
    gcs: {
      ...common,
      endpoint: environment.gcsEndpoint,
      googleAccessToken: environment.gcsAccessToken,
      ...gcs,
    },
    s3: {
      ...common,
      endpoint: environment.s3Endpoint,
      profile: args.value('profile'),
      ...s3,
    },
  };
}

function settingsOf(options: readonly string[]): ServiceSettings {
  return options
    .map(settingOf)
    .reduce((all, one) => ({ gcs: { ...all.gcs, ...one.gcs }, s3: { ...all.s3, ...one.s3 } }), {});
}

function settingOf(option: string): ServiceSettings {
  const equals = option.indexOf('=');
  const name = equals === -1 ? option : option.slice(0, equals);
  const setting = Object.hasOwn(known, name) ? known[name] : undefined;
  if (setting === undefined) {
    throw new UsageError('unknown setting of a store', {
      where: name,
      advice: `use one of: ${storeSettingNames.join(', ')}`,
    });
  }
  const value = equals === -1 ? '' : option.slice(equals + 1);
  if (value === '')
    throw new UsageError('a setting of a store needs a value', {
      where: name,
      advice: textOf(name, setting),
    });
  try {
    return setting.read(value);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.what, {
      where: `${name}=${value}`,
      advice: textOf(name, setting),
      cause: error,
    });
  }
}

function textOf(name: string, { placeholder }: Setting): string {
  return `write ${name}=${placeholder}`;
}

function oneOf<Word extends string>(words: readonly Word[], text: string): Word {
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw new UsageError('unknown value');
  return word;
}

function tagsOf(text: string): Record<string, string> {
  const tags = parseTagList(text);
  if (tags === undefined) throw new UsageError('not a list of tags');
  return tags;
}

function lockOf(text: string): NonNullable<S3Settings['objectLock']> {
  const [, mode, days] = /^(governance|compliance):(\d{1,5})$/i.exec(text) ?? [];
  if (mode === undefined) throw new UsageError('not a mode and a number of days');
  return { mode: mode.toLowerCase() === 'governance' ? 'GOVERNANCE' : 'COMPLIANCE', days: Number(days) };
}

function isRemote(location: string): boolean {
  const { kind } = parseStoreLocation(location);
  return kind !== 'local' && kind !== 'memory';
}

async function readCertificates(path: string): Promise<string> {
  const pem = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new FileSystemError('io', 'cannot read the certificates', {
      where: path,
      advice: 'check --ca-cert, or AWS_CA_BUNDLE',
      cause,
    });
  });
  // Loads Node's TLS, which a local repository has no need of.
  const { parseCertificates } = await import('../providers/objects/certificates.ts');
  parseCertificates(pem, path);
  return pem;
}

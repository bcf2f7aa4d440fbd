import { readFile } from 'node:fs/promises';
import { FileSystemError, UsageError } from '../base/errors.ts';
import type { S3Settings, StoreSettings } from '../providers/objects/settings.ts';
import type { Arguments } from './arguments.ts';
import type { storeOptions } from './common-options.ts';
import { parseDurationMs } from './duration.ts';
import type { Environment } from './environment.ts';

interface Setting {
  /** How the help names the value. */
  readonly placeholder: string;
  /** Throws UsageError for a value that it cannot be. */
  readonly read: (value: string) => S3Settings;
}

const ENCRYPTIONS = ['AES256', 'aws:kms'] as const;

/** What `--option` may name. Settings that few need: an option of its own for each would fill every command's help. */
const settings: Readonly<Record<string, Setting>> = {
  's3.storage-class': { placeholder: 'CLASS', read: (storageClass) => ({ storageClass }) },
  's3.server-side-encryption': {
    placeholder: 'AES256|aws:kms',
    read: (text) => ({ serverSideEncryption: oneOf(ENCRYPTIONS, text) }),
  },
  's3.kms-key-id': { placeholder: 'ID', read: (kmsKeyId) => ({ kmsKeyId }) },
  's3.customer-key-file': { placeholder: 'FILE', read: (customerKeyFile) => ({ customerKeyFile }) },
  's3.tags': { placeholder: 'KEY=VALUE&...', read: (text) => ({ tags: tagsOf(text) }) },
  's3.object-lock': {
    placeholder: 'governance|compliance:DAYS',
    read: (text) => ({ objectLock: lockOf(text) }),
  },
  's3.instance-metadata': {
    placeholder: 'true|false',
    read: (text) => ({ instanceMetadata: oneOf(['true', 'false'], text) === 'true' }),
  },
};

export const storeSettingNames: readonly string[] = Object.keys(settings);

/** For the help of `--option`. */
export const storeSettingsHelp = Object.entries(settings)
  .map(([name, { placeholder }]) => `${name}=${placeholder}`)
  .join(', ');

/** What the options and the environment say of how a store is reached. */
export async function storeSettings(
  args: Arguments<typeof storeOptions>,
  environment: Environment,
): Promise<StoreSettings> {
  const idleTimeout = args.value('idle-timeout');
  const caFile = args.value('ca-cert') ?? environment.caFile;
  const common = {
    credentialsFile: args.value('credentials-file'),
    allowHttp: args.flag('allow-http'),
    idleTimeoutMs: idleTimeout === undefined ? undefined : parseDurationMs(idleTimeout),
  };
  return {
    azureBlob: { ...common, environment: environment.azure },
    gcs: { ...common, endpoint: environment.gcsEndpoint, accessToken: environment.gcsAccessToken },
    s3: {
      ...common,
      endpoint: environment.s3Endpoint,
      profile: args.value('profile'),
      caCertificates: caFile === undefined ? undefined : await readCertificates(caFile),
      insecureTls: args.flag('insecure-tls'),
      proxy: environment.proxy,
      ...settingsOf(args.list('option')),
    },
  };
}

function settingsOf(options: readonly string[]): S3Settings {
  return options.map(settingOf).reduce((all, one) => ({ ...all, ...one }), {});
}

function settingOf(option: string): S3Settings {
  const equals = option.indexOf('=');
  const name = equals === -1 ? option : option.slice(0, equals);
  const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
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
  const tags: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    if (name === '' || Object.hasOwn(tags, name)) throw new UsageError('not a list of tags');
    tags[name] = value;
  }
  return tags;
}

function lockOf(text: string): NonNullable<S3Settings['objectLock']> {
  const [, mode, days] = /^(governance|compliance):(\d{1,5})$/i.exec(text) ?? [];
  if (mode === undefined) throw new UsageError('not a mode and a number of days');
  return { mode: mode.toLowerCase() === 'governance' ? 'GOVERNANCE' : 'COMPLIANCE', days: Number(days) };
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

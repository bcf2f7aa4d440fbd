import { UsageError } from '../../../base/errors.ts';
import { parameterText } from '../location-parameters.ts';
import { withoutUndefined } from '../merged-settings.ts';
import type { S3Credentials, S3Settings } from '../settings.ts';
import { parseTagList } from '../tag-list.ts';
import type { CredentialSource, ProviderStore } from './described-store.ts';
import { iniSection } from './ini-section.ts';
import { meaningless, taken } from './known-keys.ts';
import type { KnownKeys } from './known-keys.ts';
import { certificatesOf, endpointOf, textOf } from './value-forms.ts';
import type { YamlValue } from './yaml-value.ts';

/** What a description says of S3, while it is read. */
export interface AwsDraft {
  region?: string | undefined;
  endpoint?: string | undefined;
  pathStyle?: boolean | undefined;
  profile?: string | undefined;
  credentialsFile?: string | undefined;
  /** Where it says that any certificate is to be taken. */
  insecure?: YamlValue | undefined;
  caCertificates?: string | undefined;
  serverSideEncryption?: S3Settings['serverSideEncryption'];
  kmsKeyId?: string | undefined;
  customerKeyFile?: string | undefined;
  /** Where it names a Secret and its key: `name/key`. */
  customerKeySecret?: YamlValue | undefined;
  /** What that Secret holds. */
  customerKey?: Uint8Array | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
}

/** Keys of `spec.config` for velero-plugin-for-aws. */
export const awsConfigKeys: KnownKeys<AwsDraft> = {
  region: taken((value, draft) => (draft.region = textOf(value))),
  s3Url: taken((value, draft) => (draft.endpoint = endpointOf(value))),
  s3ForcePathStyle: taken((value, draft) => (draft.pathStyle = value.textFlag())),
  profile: taken((value, draft) => (draft.profile = textOf(value))),
  credentialsFile: taken((value, draft) => (draft.credentialsFile = textOf(value))),
  serverSideEncryption: taken((value, draft) => (draft.serverSideEncryption = encryptionOf(value))),
  kmsKeyId: taken((value, draft) => (draft.kmsKeyId = textOf(value))),
  customerKeyEncryptionFile: taken((value, draft) => (draft.customerKeyFile = textOf(value))),
  customerKeyEncryptionSecret: taken(
    (value, draft) => (draft.customerKeySecret = textOf(value) === undefined ? undefined : value),
  ),
  tagging: taken((value, draft) => (draft.tags = tagsOf(value))),
  insecureSkipTLSVerify: taken(
    (value, draft) => (draft.insecure = value.textFlag() === true ? value : undefined),
  ),
  // Velero hands the certificates to its plug-in under this key.
  caCert: taken((value, draft) => (draft.caCertificates = certificatesOf(value))),
  // Of links that Velero gives out.
  publicUrl: meaningless,
  signatureVersion: meaningless,
  // The signature covers a SHA-256 of every body.
  checksumAlgorithm: meaningless,
  // The SDK reads both forms of file.
  enableSharedConfig: meaningless,
  // Velero adds them from `objectStorage`.
  bucket: meaningless,
  prefix: meaningless,
};

const keyNames = ['kmsKeyId', 'customerKeyEncryptionFile', 'customerKeyEncryptionSecret'] as const;

/** Throws UsageError where a `config` names several keys to encrypt with, as Velero's plug-in does. */
export function refuseSeveralKeys(config: YamlValue): void {
  const [first, second] = keyNames
    .map((name) => config.member(name))
    .filter((value) => textOf(value) !== undefined);
  if (first === undefined || second === undefined) return;
  throw second.wrong(`stands beside ${first.path}`, 'name one key to encrypt with');
}

export function awsStore(draft: AwsDraft, credentials: CredentialSource | undefined): ProviderStore {
  const { region, endpoint, pathStyle } = draft;
  const parameters = [
    ...(endpoint === undefined ? [] : [`endpoint=${endpoint}`]),
    ...(region === undefined ? [] : [`region=${parameterText(region)}`]),
    ...(pathStyle === undefined ? [] : [`path-style=${String(pathStyle)}`]),
  ];
  const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  return {
    locationFor: (bucket, prefix) => `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}${query}`,
    settings: { s3: { ...identitySettings(draft, credentials), ...bucketSettings(draft) } },
    warnings: insecureWarnings(draft),
  };
}

function encryptionOf(value: YamlValue): S3Settings['serverSideEncryption'] {
  const text = textOf(value);
  if (text === undefined || text === 'AES256' || text === 'aws:kms') return text;
  throw value.wrong('must be AES256 or aws:kms');
}

function tagsOf(value: YamlValue): Readonly<Record<string, string>> | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const tags = parseTagList(text);
  if (tags === undefined) throw value.wrong('is no list of tags', 'write NAME=VALUE&NAME=VALUE');
  return tags;
}

/** What is asked of bucket and server; a key goes before `serverSideEncryption`, as Velero's plug-in has it. */
function bucketSettings(draft: AwsDraft): S3Settings {
  const { kmsKeyId, customerKey, customerKeyFile, serverSideEncryption } = draft;
  const { tags, caCertificates, insecure } = draft;
  const encryption =
    kmsKeyId !== undefined
      ? ({ kmsKeyId, serverSideEncryption: 'aws:kms' } as const)
      : customerKeyFile !== undefined
        ? { customerKeyFile }
        : customerKey !== undefined
          ? { customerKey }
          : { serverSideEncryption };
  const all = { ...encryption, tags, caCertificates, insecureTls: insecure === undefined ? undefined : true };
  return withoutUndefined(all);
}

function insecureWarnings({ insecure, endpoint }: AwsDraft): string[] {
  if (insecure === undefined || endpoint?.startsWith('http:') !== true) return [];
  return [
    `${insecure.path} has no effect, as the endpoint shows no certificate: it is plain HTTP (${insecure.place})`,
  ];
}

function identitySettings(draft: AwsDraft, source: CredentialSource | undefined): S3Settings {
  const { profile } = draft;
  if (source?.kind === 'text') return { credentials: sharedCredentials(source, profile ?? 'default') };
  return { profile, credentialsFile: source?.path ?? draft.credentialsFile };
}

/** The access key of a profile; throws UsageError that names what is missing. */
function sharedCredentials(source: { text: string; place: string }, profile: string): S3Credentials {
  const section = iniSection(source.text, profile);
  if (section === undefined) {
    throw new UsageError(`the credentials have no profile ${JSON.stringify(profile)}`, {
      where: source.place,
    });
  }
  const field = (name: string): string => {
    const value = section.get(name);
    if (value !== undefined && value !== '') return value;
    throw new UsageError(`the profile ${JSON.stringify(profile)} has no ${name}`, {
      where: source.place,
      advice: 'for roles and programs, store it as a file and name that with ?credentials=FILE',
    });
  };
  return {
    accessKeyId: field('aws_access_key_id'),
    secretAccessKey: field('aws_secret_access_key'),
    sessionToken: section.get('aws_session_token'),
  };
}

import { awsStore } from './aws.ts';
import type { AwsDraft } from './aws.ts';
import { azureStore } from './azure.ts';
import type { AzureDraft } from './azure.ts';
import type { CredentialSource, Description, ProviderStore } from './described-store.ts';
import { gcpStore } from './gcp.ts';
import type { GcpDraft } from './gcp.ts';
import { meaningless, takeKeys, taken } from './known-keys.ts';
import type { KnownKeys } from './known-keys.ts';
import type { Secret, Secrets } from './secrets.ts';
import { encodedCertificatesOf, endpointOf, textOf } from './value-forms.ts';
import type { YamlValue } from './yaml-value.ts';

/** What mig-controller has Velero put before all it stores. */
const PREFIX = 'velero';

interface StorageDraft {
  readonly aws: AwsDraft;
  readonly gcp: GcpDraft;
  readonly azure: AzureDraft;
}

export const migStorageKeys: KnownKeys<StorageDraft> = {
  awsRegion: taken((value, { aws }) => (aws.region = textOf(value))),
  awsS3Url: taken((value, { aws }) => (aws.endpoint = endpointOf(value))),
  awsS3ForcePathStyle: taken((value, { aws }) => (aws.pathStyle = value.flag())),
  azureStorageAccount: taken((value, { azure }) => (azure.account = textOf(value))),
  awsKmsKeyId: taken((value, { aws }) => (aws.kmsKeyId = textOf(value))),
  s3CustomCABundle: taken((value, { aws }) => (aws.caCertificates = encodedCertificatesOf(value))),
  insecure: taken((value, { aws }) => (aws.insecure = value.flag() === true ? value : undefined)),
  // Read by name, below.
  credsSecretRef: meaningless,
  awsBucketName: meaningless,
  gcpBucket: meaningless,
  azureStorageContainer: meaningless,
  // Of links that Velero gives out.
  awsPublicUrl: meaningless,
  awsSignatureVersion: meaningless,
  // It leads to the account's key through Azure's management, which tranship never asks.
  azureResourceGroup: meaningless,
};

const specKeys: KnownKeys<unknown> = {
  backupStorageProvider: meaningless,
  backupStorageConfig: meaningless,
  // Of snapshots of disks, and of the controller.
  volumeSnapshotProvider: meaningless,
  volumeSnapshotConfig: meaningless,
  refresh: meaningless,
};

/** Reads a `MigStorage`; `source` are credentials that go before its own. Throws UsageError. */
export function readMigStorage(
  object: YamlValue,
  secrets: Secrets,
  source: CredentialSource | undefined,
): Description {
  const spec = object.member('spec');
  takeKeys(spec, specKeys, undefined);
  const provider = spec.member('backupStorageProvider');
  const config = spec.member('backupStorageConfig');
  const draft: StorageDraft = { aws: {}, gcp: {}, azure: {} };
  takeKeys(config, migStorageKeys, draft);
  const secret = secretOf(config, secrets);
  const described = (store: ProviderStore, bucketKey: string): Description => ({
    store,
    bucket: config.member(bucketKey).requiredText(),
    prefix: PREFIX,
    prefixValue: config,
    readOnly: false,
    warnings: [...missingSecret(config, secret ?? source), ...store.warnings],
  });
  switch (provider.requiredText()) {
    case 'aws':
      return described(awsStore(draft.aws, source ?? awsCredentials(secret)), 'awsBucketName');
    case 'gcp':
      return described(
        gcpStore(draft.gcp, source ?? textCredentials(secret, 'gcp-credentials')),
        'gcpBucket',
      );
    case 'azure':
      return described(
        azureStore(draft.azure, config, source ?? textCredentials(secret, 'azure-credentials')),
        'azureStorageContainer',
      );
    default:
      throw provider.wrong('names a provider that is not known', 'use aws, gcp or azure');
  }
}

function secretOf(config: YamlValue, secrets: Secrets): Secret | undefined {
  const reference = config.member('credsSecretRef');
  if (!reference.isPresent) return undefined;
  return secrets.find(reference.member('name').requiredText(), reference.member('namespace').text());
}

function missingSecret(config: YamlValue, found: Secret | CredentialSource | undefined): string[] {
  const reference = config.member('credsSecretRef');
  if (found !== undefined || !reference.isPresent) return [];
  const name = reference.member('name').requiredText();
  return [
    `the Secret ${name} is not in the file: credentials come from the environment (${reference.place})`,
  ];
}

function textCredentials(secret: Secret | undefined, key: string): CredentialSource | undefined {
  if (secret === undefined) return undefined;
  return { kind: 'text', text: secret.bytes(key).toString('utf8'), place: secret.placeOf(key) };
}

/** The two keys of the Secret, as the file of shared credentials that mig-controller makes of them. */
function awsCredentials(secret: Secret | undefined): CredentialSource | undefined {
  if (secret === undefined) return undefined;
  const [id, key] = ['aws-access-key-id', 'aws-secret-access-key'];
  const text = (name: string): string => secret.bytes(name).toString('utf8').trim();
  return {
    kind: 'text',
    text: `[default]\naws_access_key_id=${text(id)}\naws_secret_access_key=${text(key)}\n`,
    place: secret.placeOf(id),
  };
}

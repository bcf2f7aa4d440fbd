import { parseCertificates } from '../certificates.ts';
import { awsConfigKeys, awsStore } from './aws.ts';
import type { AwsDraft } from './aws.ts';
import { azureConfigKeys, azureStore } from './azure.ts';
import type { AzureDraft } from './azure.ts';
import { withCertificates } from './described-store.ts';
import type { CredentialSource, Description, ProviderStore } from './described-store.ts';
import { gcpConfigKeys, gcpStore } from './gcp.ts';
import type { GcpDraft } from './gcp.ts';
import { meaningless, takeKeys, taken } from './known-keys.ts';
import type { KnownKeys } from './known-keys.ts';
import type { Secrets } from './secrets.ts';
import { encodedCertificatesOf, textOf } from './value-forms.ts';
import type { YamlValue } from './yaml-value.ts';

interface SpecDraft {
  readOnly: boolean;
  readonly warnings: string[];
}

interface ObjectStorageDraft {
  bucket?: string;
  caCertificates?: string | undefined;
  prefix: string;
}

export const specKeys: KnownKeys<SpecDraft> = {
  accessMode: taken((value, draft) => {
    const mode = textOf(value) ?? 'ReadWrite';
    if (mode !== 'ReadOnly' && mode !== 'ReadWrite') throw value.wrong('must be ReadOnly or ReadWrite');
    draft.readOnly = mode === 'ReadOnly';
    if (draft.readOnly) draft.warnings.push(`${value.path} is ReadOnly: nothing is written (${value.place})`);
  }),
  // Read by name, below.
  provider: meaningless,
  config: meaningless,
  objectStorage: meaningless,
  credential: meaningless,
  // Of Velero's own work.
  backupSyncPeriod: meaningless,
  validationFrequency: meaningless,
  default: meaningless,
};

export const objectStorageKeys: KnownKeys<ObjectStorageDraft> = {
  bucket: taken((value, draft) => (draft.bucket = value.requiredText())),
  prefix: taken((value, draft) => (draft.prefix = (value.text() ?? '').replace(/^\/+|\/+$/g, ''))),
  caCert: taken((value, draft) => (draft.caCertificates = encodedCertificatesOf(value))),
  // Read by name, below.
  caCertRef: meaningless,
};

/** Reads a `BackupStorageLocation`; `source` are credentials that go before its own. Throws UsageError. */
export function readBackupStorageLocation(
  object: YamlValue,
  secrets: Secrets,
  source: CredentialSource | undefined,
): Description {
  const spec = object.member('spec');
  const own: SpecDraft = { readOnly: false, warnings: [] };
  takeKeys(spec, specKeys, own);
  const storage: ObjectStorageDraft = { prefix: '' };
  takeKeys(spec.member('objectStorage'), objectStorageKeys, storage);
  const bucket = spec.member('objectStorage').member('bucket').requiredText();
  const { credentials, warnings } = credentialsOf(object, secrets, source);
  const described = providerStore(spec, credentials);
  const pem = storage.caCertificates ?? referredCertificates(object, secrets);
  const store = { ...described, settings: withCertificates(described.settings, pem) };
  return {
    store,
    bucket,
    prefix: storage.prefix,
    prefixValue: spec.member('objectStorage').member('prefix'),
    readOnly: own.readOnly,
    warnings: [...own.warnings, ...warnings, ...store.warnings],
  };
}

function providerStore(spec: YamlValue, credentials: CredentialSource | undefined): ProviderStore {
  const provider = spec.member('provider');
  const config = spec.member('config');
  switch (provider.requiredText().replace(/^velero\.io\//, '')) {
    case 'aws': {
      const draft: AwsDraft = {};
      takeKeys(config, awsConfigKeys, draft);
      return awsStore(draft, credentials);
    }
    case 'gcp': {
      const draft: GcpDraft = {};
      takeKeys(config, gcpConfigKeys, draft);
      return gcpStore(draft, credentials);
    }
    case 'azure': {
      const draft: AzureDraft = {};
      takeKeys(config, azureConfigKeys, draft);
      return azureStore(draft, config, credentials);
    }
    default:
      throw provider.wrong('names a provider that is not known', 'use aws, gcp or azure');
  }
}

/** Throws UsageError where the Secret is not in the file: without it the server would be taken for an impostor. */
function referredCertificates(object: YamlValue, secrets: Secrets): string | undefined {
  const reference = object.member('spec').member('objectStorage').member('caCertRef');
  if (!reference.isPresent) return undefined;
  const name = reference.member('name').requiredText();
  const key = reference.member('key').requiredText();
  const secret = secrets.find(name, object.member('metadata').member('namespace').text());
  if (secret === undefined) throw reference.wrong(`names the Secret ${name}, which is not in the file`);
  const pem = secret.bytes(key).toString('utf8');
  parseCertificates(pem, secret.placeOf(key));
  return pem;
}

/** From the Secret that the location names, or the one that Velero takes where it names none. */
function credentialsOf(
  object: YamlValue,
  secrets: Secrets,
  source: CredentialSource | undefined,
): { readonly credentials: CredentialSource | undefined; readonly warnings: readonly string[] } {
  if (source !== undefined) return { credentials: source, warnings: [] };
  const named = object.member('spec').member('credential');
  const name = named.isPresent ? named.member('name').requiredText() : 'cloud-credentials';
  const key = named.isPresent ? named.member('key').requiredText() : 'cloud';
  const secret = secrets.find(name, object.member('metadata').member('namespace').text());
  if (secret !== undefined) {
    const text = secret.bytes(key).toString('utf8');
    return { credentials: { kind: 'text', text, place: secret.placeOf(key) }, warnings: [] };
  }
  if (!named.isPresent) return { credentials: undefined, warnings: [] };
  const warning = `the Secret ${name} is not in the file: credentials come from the environment (${named.place})`;
  return { credentials: undefined, warnings: [warning] };
}

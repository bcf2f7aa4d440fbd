import { parseCertificates } from '../certificates.ts';
import { awsConfigKeys, awsStore, refuseSeveralKeys } from './aws.ts';
import type { AwsDraft } from './aws.ts';
import { azureConfigKeys, azureStore } from './azure.ts';
import type { AzureDraft } from './azure.ts';
import { withCertificates } from './described-store.ts';
import type { CredentialSource, Description, ProviderStore } from './described-store.ts';
import { gcpConfigKeys, gcpStore } from './gcp.ts';
import type { GcpDraft } from './gcp.ts';
import { meaningless, takeKeys, taken } from './known-keys.ts';
import type { KnownKeys } from './known-keys.ts';
import type { Secret, Secrets } from './secrets.ts';
import { encodedCertificatesOf, textOf } from './value-forms.ts';
import type { YamlValue } from './yaml-value.ts';

/** Of a key with which a server encrypts and decrypts, and which it forgets. */
const CUSTOMER_KEY_BYTES = 32;

/** The Secret of a name, in the namespace of the location. */
type FindSecret = (name: string) => Secret | undefined;

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
  const namespace = object.member('metadata').member('namespace').text();
  const findSecret: FindSecret = (name) => secrets.find(name, namespace);
  const { credentials, warnings } = credentialsOf(spec, findSecret, source);
  const described = providerStore(spec, credentials, findSecret);
  const pem = storage.caCertificates ?? referredCertificates(spec, findSecret);
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

function providerStore(
  spec: YamlValue,
  credentials: CredentialSource | undefined,
  findSecret: FindSecret,
): ProviderStore {
  const provider = spec.member('provider');
  const config = spec.member('config');
  switch (provider.requiredText().replace(/^velero\.io\//, '')) {
    case 'aws': {
      const draft: AwsDraft = {};
      takeKeys(config, awsConfigKeys, draft);
      refuseSeveralKeys(config);
      draft.customerKey = customerKeyOf(draft.customerKeySecret, findSecret);
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

/** Throws UsageError where the Secret is not in the file: without it nothing could be read. */
function customerKeyOf(reference: YamlValue | undefined, findSecret: FindSecret): Uint8Array | undefined {
  if (reference === undefined) return undefined;
  const [, name, key] = /^([^/]+)\/([^/]+)$/.exec(reference.requiredText()) ?? [];
  if (name === undefined || key === undefined) {
    throw reference.wrong('names no Secret and its key', 'write SECRET/KEY');
  }
  const bytes = requiredSecret(reference, name, findSecret).bytes(key);
  if (bytes.byteLength === CUSTOMER_KEY_BYTES) return bytes;
  throw reference.wrong(`names a key of ${bytes.byteLength} bytes, where it has ${CUSTOMER_KEY_BYTES}`);
}

function requiredSecret(reference: YamlValue, name: string, findSecret: FindSecret): Secret {
  const secret = findSecret(name);
  if (secret === undefined) throw reference.wrong(`names the Secret ${name}, which is not in the file`);
  return secret;
}

/** Throws UsageError where the Secret is not in the file: without it the server would be taken for an impostor. */
function referredCertificates(spec: YamlValue, findSecret: FindSecret): string | undefined {
  const reference = spec.member('objectStorage').member('caCertRef');
  if (!reference.isPresent) return undefined;
  const name = reference.member('name').requiredText();
  const key = reference.member('key').requiredText();
  const secret = requiredSecret(reference, name, findSecret);
  const pem = secret.bytes(key).toString('utf8');
  parseCertificates(pem, secret.placeOf(key));
  return pem;
}

/** From the Secret that the location names, or the one that Velero takes where it names none. */
function credentialsOf(
  spec: YamlValue,
  findSecret: FindSecret,
  source: CredentialSource | undefined,
): { readonly credentials: CredentialSource | undefined; readonly warnings: readonly string[] } {
  if (source !== undefined) return { credentials: source, warnings: [] };
  const named = spec.member('credential');
  const name = named.isPresent ? named.member('name').requiredText() : 'cloud-credentials';
  const key = named.isPresent ? named.member('key').requiredText() : 'cloud';
  const secret = findSecret(name);
  if (secret !== undefined) {
    const text = secret.bytes(key).toString('utf8');
    return { credentials: { kind: 'text', text, place: secret.placeOf(key) }, warnings: [] };
  }
  if (!named.isPresent) return { credentials: undefined, warnings: [] };
  const warning = `the Secret ${name} is not in the file: credentials come from the environment (${named.place})`;
  return { credentials: undefined, warnings: [warning] };
}

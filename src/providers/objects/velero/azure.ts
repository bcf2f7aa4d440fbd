import type { ProviderStore } from './described-store.ts';
import { meaningless, taken, unsupportedText } from './known-keys.ts';
import type { KnownKeys } from './known-keys.ts';
import { endpointOf, textOf } from './value-forms.ts';
import type { YamlValue } from './yaml-value.ts';

/** What a description says of Azure Blob Storage, while it is read. */
export interface AzureDraft {
  account?: string | undefined;
  endpoint?: string | undefined;
}

/** Keys of `spec.config` for velero-plugin-for-microsoft-azure. */
export const azureConfigKeys: KnownKeys<AzureDraft> = {
  storageAccount: taken((value, draft) => (draft.account = textOf(value))),
  storageAccountURI: taken((value, draft) => (draft.endpoint = endpointOf(value, 'https://'))),
  storageAccountKeyEnvVar: unsupportedText('name the file with ?credentials=FILE'),
  activeDirectoryAuthorityURI: unsupportedText('name the cloud as AZURE_CLOUD_NAME in the credentials'),
  // They lead Velero to the account’s key through Azure’s management, which tranship never asks.
  resourceGroup: meaningless,
  subscriptionId: meaningless,
  useAAD: meaningless,
  // Of Velero’s own uploads.
  blockSizeInBytes: meaningless,
  caCert: unsupportedText('use a certificate that the machine trusts'),
  bucket: meaningless,
  prefix: meaningless,
};

/** Throws UsageError where `config` names no account. */
export function azureStore({ account, endpoint }: AzureDraft, config: YamlValue): ProviderStore {
  if (account === undefined) throw config.member('storageAccount').wrong('is missing');
  const query = endpoint === undefined ? '' : `?endpoint=${endpoint}`;
  return {
    locationFor: (bucket, prefix) => {
      return `azblob://${account}/${bucket}${prefix === '' ? '' : `/${prefix}`}${query}`;
    },
    settings: {},
    warnings: [],
  };
}

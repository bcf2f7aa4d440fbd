import { parameterText } from '../location-parameters.ts';
import { azureKeyNames } from '../azure-key-names.ts';
import { withoutUndefined } from '../merged-settings.ts';
import { credentialsOf } from './described-store.ts';
import type { CredentialSource, ProviderStore } from './described-store.ts';
import { meaningless, taken } from './known-keys.ts';
import type { KnownKeys } from './known-keys.ts';
import { certificatesOf, endpointOf, endpointWithPathOf, textOf } from './value-forms.ts';
import type { YamlValue } from './yaml-value.ts';

/** What a description says of Azure Blob Storage, while it is read. */
export interface AzureDraft {
  account?: string | undefined;
  endpoint?: string | undefined;
  authorityHost?: string | undefined;
  caCertificates?: string | undefined;
}

/** Keys of `spec.config` for velero-plugin-for-microsoft-azure. */
export const azureConfigKeys: KnownKeys<AzureDraft> = {
  storageAccount: taken((value, draft) => (draft.account = textOf(value))),
  storageAccountURI: taken((value, draft) => (draft.endpoint = endpointWithPathOf(value, 'https://'))),
  storageAccountKeyEnvVar: {
    kind: 'unsupported',
    asks: (value) => !['', ...azureKeyNames].includes(value.text() ?? ''),
    advice: `call the variable one of: ${azureKeyNames.join(', ')}`,
  },
  activeDirectoryAuthorityURI: taken((value, draft) => (draft.authorityHost = endpointOf(value, 'https://'))),
  // They lead Velero to the account’s key through Azure’s management, which tranship never asks.
  resourceGroup: meaningless,
  subscriptionId: meaningless,
  useAAD: meaningless,
  // Of Velero’s own uploads.
  blockSizeInBytes: meaningless,
  caCert: taken((value, draft) => (draft.caCertificates = certificatesOf(value))),
  bucket: meaningless,
  prefix: meaningless,
};

/** Throws UsageError where `config` names no account. */
export function azureStore(
  { account, endpoint, authorityHost, caCertificates }: AzureDraft,
  config: YamlValue,
  source: CredentialSource | undefined,
): ProviderStore {
  if (account === undefined) throw config.member('storageAccount').wrong('is missing');
  if (endpoint !== undefined && !isEndpointOf(account, new URL(endpoint))) {
    throw config
      .member('storageAccountURI')
      .wrong(
        'has a path that does not end in the account',
        'write https://HOST, or http://HOST:PORT/ACCOUNT',
      );
  }
  const query = endpoint === undefined ? '' : `?endpoint=${parameterText(endpoint)}`;
  return {
    locationFor: (bucket, prefix) => {
      return `azblob://${account}/${bucket}${prefix === '' ? '' : `/${prefix}`}${query}`;
    },
    settings: { azureBlob: withoutUndefined({ ...credentialsOf(source), authorityHost, caCertificates }) },
    warnings: [],
  };
}

/** Azure has the account in its host's name, emulators as the end of a path. */
function isEndpointOf(account: string, { pathname }: URL): boolean {
  return pathname === '/' || pathname.endsWith(`/${account}`);
}

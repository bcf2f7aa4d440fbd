import type { ProviderStore } from './described-store.ts';
import { meaningless, taken, unsupportedText } from './known-keys.ts';
import type { KnownKeys } from './known-keys.ts';
import { endpointOf } from './value-forms.ts';

/** What a description says of Google Cloud Storage, while it is read. */
export interface GcpDraft {
  endpoint?: string | undefined;
}

/** Keys of `spec.config` for velero-plugin-for-gcp. */
export const gcpConfigKeys: KnownKeys<GcpDraft> = {
  storeEndpoint: taken((value, draft) => (draft.endpoint = endpointOf(value))),
  credentialsFile: unsupportedText('name the file with ?credentials=FILE'),
  kmsKeyName: unsupportedText('leave it out and set it as the default of the bucket'),
  serviceAccount: unsupportedText('bind the account to the pod, or use its key file'),
  universeDomain: unsupportedText('name the endpoint with storeEndpoint'),
  caCert: unsupportedText('use a certificate that the machine trusts'),
  bucket: meaningless,
  prefix: meaningless,
};

export function gcpStore({ endpoint }: GcpDraft): ProviderStore {
  const query = endpoint === undefined ? '' : `?endpoint=${endpoint}`;
  return {
    locationFor: (bucket, prefix) => `gs://${bucket}${prefix === '' ? '' : `/${prefix}`}${query}`,
    settings: {},
    warnings: [],
  };
}

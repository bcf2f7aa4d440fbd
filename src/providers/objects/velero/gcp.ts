import { withoutUndefined } from '../merged-settings.ts';
import { credentialsOf } from './described-store.ts';
import type { CredentialSource, ProviderStore } from './described-store.ts';
import { meaningless, taken } from './known-keys.ts';
import type { KnownKeys } from './known-keys.ts';
import { certificatesOf, endpointOf, textOf } from './value-forms.ts';

/** What a description says of Google Cloud Storage, while it is read. */
export interface GcpDraft {
  endpoint?: string | undefined;
  credentialsFile?: string | undefined;
  kmsKeyName?: string | undefined;
  universeDomain?: string | undefined;
  caCertificates?: string | undefined;
}

/** Keys of `spec.config` for velero-plugin-for-gcp. */
export const gcpConfigKeys: KnownKeys<GcpDraft> = {
  storeEndpoint: taken((value, draft) => (draft.endpoint = endpointOf(value))),
  credentialsFile: taken((value, draft) => (draft.credentialsFile = textOf(value))),
  kmsKeyName: taken((value, draft) => (draft.kmsKeyName = textOf(value))),
  universeDomain: taken((value, draft) => (draft.universeDomain = textOf(value))),
  // Of links that Velero signs.
  serviceAccount: meaningless,
  caCert: taken((value, draft) => (draft.caCertificates = certificatesOf(value))),
  bucket: meaningless,
  prefix: meaningless,
};

export function gcpStore(draft: GcpDraft, source: CredentialSource | undefined): ProviderStore {
  const { endpoint, credentialsFile, kmsKeyName, universeDomain, caCertificates } = draft;
  const bucketSettings = { kmsKeyName, universeDomain, caCertificates };
  const query = endpoint === undefined ? '' : `?endpoint=${endpoint}`;
  return {
    locationFor: (bucket, prefix) => `gs://${bucket}${prefix === '' ? '' : `/${prefix}`}${query}`,
    settings: { gcs: withoutUndefined({ ...credentialsOf(source, credentialsFile), ...bucketSettings }) },
    warnings: [],
  };
}

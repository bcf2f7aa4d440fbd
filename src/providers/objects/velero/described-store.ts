import type { StoreSettings } from '../settings.ts';
import type { YamlValue } from './yaml-value.ts';

/** A store as a description of Velero's means it, in the form that every store is opened by. */
export interface DescribedStore {
  /** As a user would write it: `s3://bucket/prefix?...`. */
  readonly location: string;
  readonly settings: StoreSettings;
  /** The description says that nothing may be written. */
  readonly readOnly: boolean;
  /** What a user should know, a line each. */
  readonly warnings: readonly string[];
}

/** What a provider makes of its part of a description. */
export interface ProviderStore {
  /** Bucket and prefix follow. */
  readonly locationFor: (bucket: string, prefix: string) => string;
  readonly settings: StoreSettings;
  readonly warnings: readonly string[];
}

/** The settings, with authorities of the description's for whichever service it is. */
export function withCertificates(settings: StoreSettings, pem: string | undefined): StoreSettings {
  if (pem === undefined) return settings;
  return {
    azureBlob: { ...settings.azureBlob, caCertificates: pem },
    gcs: { ...settings.gcs, caCertificates: pem },
    s3: { ...settings.s3, caCertificates: pem },
  };
}

/** Credentials as the plug-in reads them. */
export type CredentialSource =
  /** A file of its own. */
  | { readonly kind: 'file'; readonly path: string }
  /** From a Secret; `place` names it, for messages. */
  | { readonly kind: 'text'; readonly text: string; readonly place: string };

/** For services whose plug-ins read a file that is a text of one form; `file` is one that the description names. */
export function credentialsOf(
  source: CredentialSource | undefined,
  file?: string,
): { readonly credentialsText?: string; readonly credentialsFile?: string | undefined } {
  return source?.kind === 'text'
    ? { credentialsText: source.text }
    : { credentialsFile: source?.path ?? file };
}

/** What one object of Kubernetes says of a store. */
export interface Description {
  readonly store: ProviderStore;
  readonly bucket: string;
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
  /** Where the prefix stands. */
  readonly prefixValue: YamlValue;
  readonly readOnly: boolean;
  readonly warnings: readonly string[];
}

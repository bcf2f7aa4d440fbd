/** What reaching a store takes beyond its location, by kind of store. Plain data: another thread can be given it. */
export interface StoreSettings {
  readonly azureBlob?: AzureBlobSettings | undefined;
  readonly s3?: S3Settings | undefined;
}

/** How Azure Blob Storage is reached beyond its location. */
export interface AzureBlobSettings {
  /** Default: what the credentials file names, else what `environment` names. */
  readonly credentials?: AzureBlobCredentials | undefined;
  /** A file of `AZURE_NAME=value` lines, as Velero's plug-in takes it. Default: AZURE_CREDENTIALS_FILE, else none. */
  readonly credentialsFile?: string | undefined;
  /**
   * Variables whose names begin with AZURE_, as restic, Velero and Azure's own programs name them; the library reads
   * none of the process's by itself. Default: none.
   */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** `https://host/path` before the container's name, where the location has none. Default: the account's own. */
  readonly endpoint?: string | undefined;
  /** Allows http:// to hosts other than this one. Default false. */
  readonly allowHttp?: boolean | undefined;
  /** After how long without a byte in either direction a request has failed; at least 1. Default 120,000. */
  readonly idleTimeoutMs?: number | undefined;
}

/** A way to prove to Azure who one is. */
export type AzureBlobCredentials =
  | { readonly kind: 'account-key'; readonly accountKey: string }
  /** A shared access signature: `sv=...&sig=...`. */
  | { readonly kind: 'sas'; readonly sas: string }
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | (AzurePrincipal & { readonly kind: 'client-secret'; readonly clientSecret: string })
  | (AzurePrincipal & AzureCertificate & { readonly kind: 'client-certificate' })
  /** The identity of a pod; the file with its token is read anew for each token of Azure's. */
  | (AzurePrincipal & { readonly kind: 'workload-identity'; readonly tokenFile: string });

/** Whom Microsoft Entra ID knows. */
export interface AzurePrincipal {
  readonly tenantId: string;
  readonly clientId: string;
}

/** A certificate and its private key, both PEM: a text, or the path of a file. */
export interface AzureCertificate {
  readonly certificate: { readonly pem: string } | { readonly path: string };
  readonly certificatePassword?: string | undefined;
}

/** How an S3 store is reached beyond its location. */
export interface S3Settings {
  /** Default: AWS_ACCESS_KEY_ID, then the shared files, then a web identity token. */
  readonly credentials?: S3Credentials | undefined;
  /** `https://host:port`, where the location names none. Default: Amazon's. */
  readonly endpoint?: string | undefined;
  /** Profile of the shared files. Default: AWS_PROFILE, else `default`. */
  readonly profile?: string | undefined;
  /** A shared credentials file. Default: AWS_SHARED_CREDENTIALS_FILE, else `~/.aws/credentials`. */
  readonly credentialsFile?: string | undefined;
  /** Allows http:// to hosts other than this one. Default false. */
  readonly allowHttp?: boolean | undefined;
  /** After how long without a byte in either direction a request has failed; at least 1. Default 120,000. */
  readonly idleTimeoutMs?: number | undefined;
}

/** An access key of S3; a session token where it is a temporary one. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

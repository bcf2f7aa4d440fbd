/** What reaching a store takes beyond its location, by kind of store. Plain data: another thread can be given it. */
export interface StoreSettings {
  readonly azureBlob?: AzureBlobSettings | undefined;
  readonly gcs?: GcsSettings | undefined;
  readonly s3?: S3Settings | undefined;
}

/** How connections to any service are made. */
export interface ConnectionSettings {
  /** Allows http:// to hosts other than this one; the logger is warned of it. Default false. */
  readonly allowHttp?: boolean | undefined;
  /** Authorities whose certificates are trusted beside those that Node trusts, as PEM text. */
  readonly caCertificates?: string | undefined;
  /** Takes any certificate of the store's server, whoever it is from; the logger is warned of it. Default false. */
  readonly insecureTls?: boolean | undefined;
  /** Default: none; the environment is not looked at. */
  readonly proxy?: ProxySettings | undefined;
  /** After how long without a byte in either direction a request has failed; at least 1. Default 120,000. */
  readonly idleTimeoutMs?: number | undefined;
}

/** How Azure Blob Storage is reached beyond its location. */
export interface AzureBlobSettings extends ConnectionSettings {
  /** Default: what the credentials file names, else what `environment` names. */
  readonly credentials?: AzureBlobCredentials | undefined;
  /** A file of `AZURE_NAME=value` lines, as Velero's plug-in takes it. Default: AZURE_CREDENTIALS_FILE, else none. */
  readonly credentialsFile?: string | undefined;
  /** What such a file would hold; goes before it. */
  readonly credentialsText?: string | undefined;
  /** `https://host` of who gives out tokens. Default: that of the credentials, else that of their cloud. */
  readonly authorityHost?: string | undefined;
  /**
   * Variables whose names begin with AZURE_, as restic, Velero and Azure's own programs name them; the library reads
   * none of the process's by itself. Default: none.
   */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** `https://host/path` before the container's name, where the location has none. Default: the account's own. */
  readonly endpoint?: string | undefined;
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

/** How a bucket of Google Cloud Storage is reached beyond its location. */
export interface GcsSettings extends ConnectionSettings {
  /**
   * JSON of a service account, a user, or an account of another provider whose token is in a file or at a URL. Default:
   * the access tokens, then application default credentials, and none where the endpoint is not Google's.
   */
  readonly credentialsFile?: string | undefined;
  /** What such a file would hold; goes before it. */
  readonly credentialsText?: string | undefined;
  /** A token of OAuth 2; it ends after an hour or so, and nothing renews it. Never sent unencrypted over a network. */
  readonly accessToken?: string | undefined;
  /** As `accessToken`, where that is missing, and sent to Google's own hosts only: others must not learn it. */
  readonly googleAccessToken?: string | undefined;
  /** `https://host:port`, where the location names none. Default: `storage.` and the universe's domain. */
  readonly endpoint?: string | undefined;
  /** The domain of the cloud's services, where they are a partner's and not Google's. Default: `googleapis.com`. */
  readonly universeDomain?: string | undefined;
  /**
   * The key of Google's key service with which the server encrypts what is put:
   * `projects/P/locations/L/keyRings/R/cryptoKeys/K`. Default: as the bucket says.
   */
  readonly kmsKeyName?: string | undefined;
}

/** How an S3 store is reached beyond its location. */
export interface S3Settings extends ConnectionSettings {
  /** Default: AWS_ACCESS_KEY_ID, then the shared files, then a web identity token. */
  readonly credentials?: S3Credentials | undefined;
  /** `https://host:port`, where the location names none. Default: AWS_ENDPOINT_URL_S3, else Amazon's. */
  readonly endpoint?: string | undefined;
  /** Profile of the shared files. Default: AWS_PROFILE, else `default`. */
  readonly profile?: string | undefined;
  /** A shared credentials file. Default: AWS_SHARED_CREDENTIALS_FILE, else `~/.aws/credentials`. */
  readonly credentialsFile?: string | undefined;
  /**
   * Asks the metadata service of the container or the machine when nothing else has credentials (of a machine by
   * version 2 of its protocol only). Default false: off the cloud that only waits, and on it the answer may be an
   * identity that nobody meant.
   */
  readonly instanceMetadata?: boolean | undefined;
  /** The server encrypts what is put, with its own key or one of its key service. Default: as the bucket says. */
  readonly serverSideEncryption?: 'AES256' | 'aws:kms' | undefined;
  /** The key of the key service, with `aws:kms`. Default: the bucket's, or the account's. */
  readonly kmsKeyId?: string | undefined;
  /**
   * A file of exactly 32 bytes, the key with which the server encrypts and decrypts every object and which it does not
   * keep (SSE-C). Never sent unencrypted over a network.
   */
  readonly customerKeyFile?: string | undefined;
  /** What such a file would hold; goes before it. */
  readonly customerKey?: Uint8Array | undefined;
  /** Storage class of packs of file contents; all else is read by every pass and keeps the bucket's. */
  readonly storageClass?: string | undefined;
  /** Tags of every object; at most 10. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Retention of every object but locks. The bucket must have been made with Object Lock. */
  readonly objectLock?: ObjectLock | undefined;
}

/** Until when objects cannot be deleted: so many days from when each is put. */
export interface ObjectLock {
  /** `GOVERNANCE` can be lifted by who has the permission, `COMPLIANCE` by nobody. */
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  /** 1 to 36,500. */
  readonly days: number;
}

/** Proxies as the variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY name them; requests to this machine use none. */
export interface ProxySettings {
  /** For https:// URLs: `http://host:port` or `https://host:port`, with user and password where it wants them. */
  readonly https?: string | undefined;
  /** For http:// URLs. */
  readonly http?: string | undefined;
  /** Hosts that are reached without: `*`, addresses, networks such as 10.0.0.0/8, domains; with commas between. */
  readonly except?: string | undefined;
}

/** An access key of S3; a session token where it is a temporary one. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** What reaching a store takes beyond its location, by kind of store. Plain data: another thread can be given it. */
export interface StoreSettings {
  readonly gcs?: GcsSettings | undefined;
  readonly s3?: S3Settings | undefined;
}

/** How a bucket of Google Cloud Storage is reached beyond its location. */
export interface GcsSettings {
  /**
   * JSON of a service account, a user, or an account of another provider whose token is in a file or at a URL. Default:
   * the access token, then application default credentials, and none where the endpoint is not Google's.
   */
  readonly credentialsFile?: string | undefined;
  /** A token of OAuth 2; it ends after an hour or so, and nothing renews it. */
  readonly accessToken?: string | undefined;
  /** `https://host:port`, where the location names none. Default: Google's. */
  readonly endpoint?: string | undefined;
  /** Allows http:// to hosts other than this one. Default false. */
  readonly allowHttp?: boolean | undefined;
  /** After how long without a byte in either direction a request has failed; at least 1. Default 120,000. */
  readonly idleTimeoutMs?: number | undefined;
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

import type { ConnectionSettings, S3Credentials } from '../objects/settings.ts';

/** What reaching a cloud's disks takes, by cloud. Plain data. */
export interface DiskSettings {
  readonly aws?: AwsDiskSettings | undefined;
  readonly azure?: AzureDiskSettings | undefined;
  readonly gcp?: GcpDiskSettings | undefined;
}

/** How EBS is reached. Credentials are found as for S3. */
export interface AwsDiskSettings extends ConnectionSettings {
  readonly credentials?: S3Credentials | undefined;
  readonly profile?: string | undefined;
  readonly credentialsFile?: string | undefined;
  readonly instanceMetadata?: boolean | undefined;
  /** `https://host:port` of EC2. Default: Amazon's in the region. */
  readonly endpoint?: string | undefined;
  /** The same of KMS, which is asked where a customer's key is shared. */
  readonly kmsEndpoint?: string | undefined;
  /** The same of STS, which tells the account of the credentials. */
  readonly stsEndpoint?: string | undefined;
}

/** How Compute Engine is reached. Credentials are found as for Google Cloud Storage. */
export interface GcpDiskSettings extends ConnectionSettings {
  readonly credentialsFile?: string | undefined;
  readonly credentialsText?: string | undefined;
  readonly accessToken?: string | undefined;
  /** As `accessToken`, where that is missing, and for Google's own hosts only. */
  readonly googleAccessToken?: string | undefined;
  /** Project of what is made. Default: that of the credentials. */
  readonly project?: string | undefined;
  /** `https://host:port` of Compute Engine. Default: Google's. */
  readonly endpoint?: string | undefined;
  /** The same of Cloud KMS, which is asked where a customer's key is shared. */
  readonly kmsEndpoint?: string | undefined;
}

/** How Azure's management is reached. Credentials are those of a service principal or a workload identity. */
export interface AzureDiskSettings extends ConnectionSettings {
  readonly credentialsFile?: string | undefined;
  readonly credentialsText?: string | undefined;
  /** Variables whose names begin with AZURE_; the library reads none of the process's by itself. Default: none. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Default: AZURE_SUBSCRIPTION_ID of the credentials file, else of `environment`. */
  readonly subscriptionId?: string | undefined;
  /** `https://host:port` of the management. Default: that of the cloud that the credentials name. */
  readonly endpoint?: string | undefined;
  readonly authorityHost?: string | undefined;
}

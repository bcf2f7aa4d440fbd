import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { S3Driver } from '../../../src/providers/objects/s3/driver.ts';
import type { S3Location } from '../../../src/providers/objects/s3/location.ts';
import { formatS3Location } from '../../../src/providers/objects/s3/location.ts';
import type { S3Settings, StoreSettings } from '../../../src/providers/objects/settings.ts';
import { createBucket, s3Client } from './s3-client.ts';
import type { NewBucketOptions } from './s3-client.ts';
import type { S3Server } from './s3-server.ts';

/** A new bucket of a running server, as our own code and restic are told of it. */
export interface S3Bucket {
  readonly name: string;
  readonly settings: StoreSettings;
  /** For programs that take credentials from the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The whole bucket or what is below a prefix; through another endpoint where one is given. */
  readonly location: (prefix?: string, endpoint?: string) => string;
  readonly resticLocation: (prefix?: string) => string;
  /** The bare driver. */
  readonly driver: (settings?: S3Settings, endpoint?: string) => S3Driver;
  /** Keys of multipart uploads that were begun and neither completed nor aborted. */
  readonly unfinishedUploads: () => Promise<readonly string[]>;
}

export async function newBucket(server: S3Server, options?: NewBucketOptions): Promise<S3Bucket> {
  const name = await createBucket(server, options);
  const { accessKeyId, secretAccessKey, region } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const at = (prefix: string, endpoint = server.endpoint): S3Location => ({
    kind: 's3',
    bucket: name,
    prefix,
    endpoint,
    region,
    pathStyle: undefined,
  });
  return {
    name,
    settings: { s3: { credentials } },
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    location: (prefix = '', endpoint) => formatS3Location(at(prefix, endpoint)),
    resticLocation: (prefix = '') => `s3:${server.endpoint}/${name}${prefix === '' ? '' : `/${prefix}`}`,
    driver: (settings, endpoint) => new S3Driver(at('', endpoint), { credentials, ...settings }),
    unfinishedUploads: () => unfinishedUploads(server, name),
  };
}

async function unfinishedUploads(server: S3Server, bucket: string): Promise<readonly string[]> {
  const client = s3Client(server);
  try {
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return (Uploads ?? []).map(({ Key }) => Key ?? '');
  } finally {
    client.destroy();
  }
}

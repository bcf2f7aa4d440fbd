import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Server } from './s3-server.ts';

/** A client of the plain SDK, to look at a server's state past our own code. The caller destroys it. */
export function s3Client(server: S3Server, overrides: S3ClientConfig = {}): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    ...overrides,
  });
}

export interface NewBucketOptions {
  /** Objects of the bucket can be given a retention. Default false. */
  readonly objectLock?: boolean;
}

/** Makes a new bucket with a random name and returns the name. */
export async function createBucket(
  server: S3Server,
  { objectLock = false }: NewBucketOptions = {},
): Promise<string> {
  const client = s3Client(server);
  const name = `test-${randomUUID()}`;
  try {
    await client.send(
      new CreateBucketCommand({ Bucket: name, ...(objectLock ? { ObjectLockEnabledForBucket: true } : {}) }),
    );
  } finally {
    client.destroy();
  }
  return name;
}

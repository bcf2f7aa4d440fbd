import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import type { S3Bucket } from './s3-bucket.ts';
import { s3Client } from './s3-client.ts';
import type { S3Server } from './s3-server.ts';

/** A user who may do nothing until a bucket's policy allows it. */
export interface S3User {
  readonly name: string;
  /** For programs that take credentials from the environment. */
  readonly env: Readonly<Record<string, string>>;
}

export async function createUser(binary: string, server: S3Server, name: string): Promise<S3User> {
  const secret = `${name}-secret`;
  const admin = ['admin', '--access', server.accessKeyId, '--secret', server.secretAccessKey];
  const user = ['create-user', '--access', name, '--secret', secret, '--role', 'user'];
  await promisify(execFile)(binary, [...admin, '--endpoint-url', server.endpoint, ...user]);
  return { name, env: { AWS_ACCESS_KEY_ID: name, AWS_SECRET_ACCESS_KEY: secret } };
}

interface Policy {
  readonly Statement: readonly object[];
}

/** Gives the user the policy, as IAM would; this server knows policies of buckets, which name whom they are for. */
export async function allow(server: S3Server, bucket: S3Bucket, user: S3User, policy: Policy): Promise<void> {
  const client = s3Client(server);
  const named = policy.Statement.map((statement) => ({ ...statement, Principal: { AWS: [user.name] } }));
  try {
    const text = JSON.stringify({ ...policy, Statement: named });
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket.name, Policy: text }));
  } finally {
    client.destroy();
  }
}

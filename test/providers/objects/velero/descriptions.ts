/** Descriptions of Velero's, and what is read from them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { UsageError } from '../../../../src/base/errors.ts';
import type { DescribedStore } from '../../../../src/providers/objects/velero/described-store.ts';
import { parseVeleroLocation } from '../../../../src/providers/objects/velero/location.ts';
import { readDescription } from '../../../../src/providers/objects/velero/read-description.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

export const secretKey = 'hush-this-is-secret';
export const ini = `[default]\naws_access_key_id=AKID\naws_secret_access_key=${secretKey}\n`;
export const encoded = (text: string): string => Buffer.from(text).toString('base64');

export const secret = `
apiVersion: v1
kind: Secret
metadata: { name: cloud-credentials, namespace: velero }
data:
  cloud: ${encoded(ini)}
`;

export function location(spec: string): string {
  return `
apiVersion: velero.io/v1
kind: BackupStorageLocation
metadata: { name: default, namespace: velero }
spec:
${spec.replace(/^/gm, '  ')}
status: { phase: Available }
`;
}

export const plain = location(`provider: velero.io/aws
objectStorage: { bucket: replica, prefix: /velero/ }
config:
  region: eu-west-1
  s3Url: http://minio.velero.svc:9000
  publicUrl: https://minio.example.com
  s3ForcePathStyle: "true"
  signatureVersion: "4"
  checksumAlgorithm: ""`);

export async function read(t: TestContext, yaml: string, query = ''): Promise<DescribedStore> {
  const file = join(temporaryFolder(t), 'store.yaml');
  writeFileSync(file, yaml);
  return readDescription(parseVeleroLocation(`${file}${query}`), undefined);
}

/** The message of the UsageError, without the folder of the file. */
export async function refusal(t: TestContext, yaml: string, query = ''): Promise<string> {
  const [result] = await Promise.allSettled([read(t, yaml, query)]);
  assert.ok(result.status === 'rejected' && result.reason instanceof UsageError, 'it was not refused');
  assert.ok(!/\n/.test(result.reason.message), 'a message is one line');
  assert.ok(!result.reason.message.includes(secretKey), 'a message holds a secret');
  return result.reason.message.replace(/\/\S*\/store\.yaml/, 'store.yaml');
}

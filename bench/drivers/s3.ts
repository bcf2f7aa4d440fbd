/** The S3 driver and the AWS SDK on versitygw. */
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { S3Driver } from '../../src/providers/objects/s3/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { peer } from '../../test/support/peers.ts';
import type { S3Server } from '../../test/support/s3/s3-server.ts';
import { startVersitygw } from '../../test/support/s3/versitygw-server.ts';
import type { Contestant, DriverRace } from './driver-race.ts';

const bucket = 'bench';

function plainSdk(client: S3Client): Contestant {
  return {
    name: 'SDK',
    put: async (key, body) => {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    },
    get: async (key) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return (await Body?.transformToByteArray())?.byteLength ?? 0;
    },
    close: async () => client.destroy(),
  };
}

function ourDriver({ endpoint, region, accessKeyId, secretAccessKey }: S3Server): Contestant {
  const location = { kind: 's3', bucket, prefix: '', endpoint, region, pathStyle: undefined } as const;
  const store = new ObjectStore(new S3Driver(location, { credentials: { accessKeyId, secretAccessKey } }));
  return {
    name: 'tranship',
    put: (key, body, sha256) => store.put(key, body, { sha256 }),
    get: async (key) => (await store.get(key)).byteLength,
    close: () => store.close(),
  };
}

export async function s3Race(): Promise<DriverRace> {
  const binary = peer('versitygw');
  if (binary === undefined) throw new Error('versitygw is not installed; to get it: npm run peers');
  const server = await startVersitygw(binary);
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return { contestants: [plainSdk(client), ourDriver(server)], close: () => server.stop() };
}

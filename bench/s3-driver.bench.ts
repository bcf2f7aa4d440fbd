/**
 * 64 objects of 16 MiB put and got through the S3 driver, and through the plain SDK with as many requests at once, in
 * turns against one versitygw: npm run bench -- s3-driver [ROUNDS]. Prints medians of MB/s and our ratio to
 * the SDK, and keeps all figures in bench/results/s3-driver.json.
 */
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { S3Driver } from '../src/providers/objects/s3/driver.ts';
import { ObjectStore } from '../src/providers/objects/store.ts';
import { peer } from '../test/support/peers.ts';
import { startVersitygw } from '../test/support/s3/versitygw-server.ts';
import type { S3Server } from '../test/support/s3/s3-server.ts';
import { describeMachine } from './support/machine.ts';

const objects = 64;
const sizeBytes = 16 * 2 ** 20;
const concurrency = 8;
const bucket = 'bench';

interface Contestant {
  readonly name: string;
  put(key: string, body: Buffer, sha256: string): Promise<void>;
  get(key: string): Promise<number>;
  close(): Promise<void>;
}

function plainSdk(server: S3Server): Contestant {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  });
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

function ourDriver(server: S3Server): Contestant {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const location = { kind: 's3', bucket, prefix: '', endpoint, region, pathStyle: undefined } as const;
  const store = new ObjectStore(new S3Driver(location, { credentials: { accessKeyId, secretAccessKey } }));
  return {
    name: 'tranship',
    put: (key, body, sha256) => store.put(key, body, { sha256 }),
    get: async (key) => (await store.get(key)).byteLength,
    close: () => store.close(),
  };
}

async function timed(work: (index: number) => Promise<void>): Promise<number> {
  const limit = pLimit(concurrency);
  const startMs = performance.now();
  await Promise.all(Array.from({ length: objects }, (_, index) => limit(() => work(index))));
  return (objects * sizeBytes) / 1e6 / ((performance.now() - startMs) / 1000);
}

function hashed(body: Buffer): { readonly body: Buffer; readonly sha256: string } {
  return { body, sha256: createHash('sha256').update(body).digest('hex') };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function race(server: S3Server, rounds: number): Promise<void> {
  const contestants = [plainSdk(server), ourDriver(server)];
  const bodies = Array.from({ length: 4 }, () => hashed(randomBytes(sizeBytes)));
  const empty = hashed(Buffer.alloc(0));
  const speeds = new Map<string, number[]>();
  const note = (what: string, speed: number): void => {
    speeds.set(what, [...(speeds.get(what) ?? []), speed]);
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const { name } = contestant;
      const putOne = async (i: number): Promise<void> => {
        const { body, sha256 } = bodies[i % bodies.length] ?? empty;
        await contestant.put(`${name}/${i}`, body, sha256);
      };
      note(`put ${name}`, await timed(putOne));
      const checked = async (i: number): Promise<void> => {
        if ((await contestant.get(`${name}/${i}`)) !== sizeBytes) throw new Error(`${name}/${i} came short`);
      };
      note(`get ${name}`, await timed(checked));
    }
  }
  for (const kind of ['put', 'get']) {
    const [sdk = 1, ours = 0] = contestants.map(({ name }) => median(speeds.get(`${kind} ${name}`) ?? []));
    const ratio = (ours / sdk).toFixed(2);
    console.log(`${kind}: tranship ${ours.toFixed(0)} MB/s, SDK ${sdk.toFixed(0)} MB/s, ratio ${ratio}`);
  }
  for (const contestant of contestants) await contestant.close();
  await keep(Object.fromEntries(speeds));
}

async function keep(megabytesPerSecond: Readonly<Record<string, readonly number[]>>): Promise<void> {
  const results = join(import.meta.dirname, 'results');
  const work = { objects, sizeBytes, concurrency };
  const report = { finished: new Date().toISOString(), machine: describeMachine(), work, megabytesPerSecond };
  await mkdir(results, { recursive: true });
  await writeFile(join(results, 's3-driver.json'), `${JSON.stringify(report, undefined, 2)}\n`);
}

const binary = peer('versitygw');
if (binary === undefined) throw new Error('versitygw is not installed; to get it: npm run peers');
const server = await startVersitygw(binary);
try {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const admin = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  });
  await admin.send(new CreateBucketCommand({ Bucket: bucket }));
  admin.destroy();
  await race(server, Number(process.argv[2] ?? 5));
} finally {
  await server.stop();
}

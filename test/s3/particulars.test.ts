/** Encryption, tags, storage classes, retention and left-over uploads, on servers that no one here wrote. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import {
  CreateMultipartUploadCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import { StoreError } from '../../src/base/errors.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { S3Driver } from '../../src/providers/objects/s3/driver.ts';
import type { S3Settings } from '../../src/providers/objects/settings.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { peerSuite } from '../support/peers.ts';
import { cephKmsKeyId } from '../support/s3/ceph-server.ts';
import { startRefusingProxy } from '../support/servers/refusing-proxy.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import type { S3Bucket } from '../support/s3/s3-bucket.ts';
import { s3Client } from '../support/s3/s3-client.ts';
import type { S3Server } from '../support/s3/s3-server.ts';
import { s3Suite } from '../support/s3/s3-suite.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tranship } from '../support/tranship.ts';

const partSizeBytes = 5 * 2 ** 20;
const dayMs = 86_400_000;

function storeIn(t: TestContext, bucket: S3Bucket, settings: S3Settings): ObjectStore {
  const store = new ObjectStore(bucket.driver(settings));
  t.after(() => store.close());
  return store;
}

function plainClient(t: TestContext, server: S3Server) {
  const client = s3Client(server);
  t.after(() => client.destroy());
  return client;
}

async function refusal(work: Promise<unknown>): Promise<StoreError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof StoreError, String(error));
    assert.ok(!error.message.includes('\n'));
    return error;
  }
  return assert.fail('nothing was refused');
}

function keyFile(t: TestContext, bytes = Buffer.alloc(32, 5)): string {
  const path = join(temporaryFolder(t), 'customer-key');
  writeFileSync(path, bytes);
  return path;
}

/** Puts one object at once and one in parts. */
async function putBoth(store: ObjectStore): Promise<void> {
  await store.put('small', Buffer.from('contents'));
  await store.putLarge('large', [Buffer.alloc(partSizeBytes + 1, 3)], { partSizeBytes });
}

async function assertBoth(store: ObjectStore): Promise<void> {
  assert.equal((await store.get('small')).toString(), 'contents');
  assert.equal((await store.get('small', { range: { start: 2, end: 4 } })).toString(), 'nt');
  assert.equal((await store.head('large')).sizeBytes, partSizeBytes + 1);
  assert.ok((await store.get('large')).equals(Buffer.alloc(partSizeBytes + 1, 3)));
}

s3Suite('S3 particulars', (server) => {
  it('objects carry the tags of the settings, also those put in parts', async (t) => {
    const bucket = await newBucket(server());
    const tags = { team: 'storage', 'cost centre': '4/2' };
    await putBoth(storeIn(t, bucket, { tags }));
    const client = plainClient(t, server());
    // Ceph 16 forgets the tags that an upload in parts began with; no pass makes one.
    for (const Key of server().name === 'ceph' ? ['small'] : ['small', 'large']) {
      const { TagSet = [] } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket.name, Key }));
      assert.deepEqual(Object.fromEntries(TagSet.map(({ Key: name = '', Value }) => [name, Value])), tags);
    }
  });

  for (const mode of ['GOVERNANCE', 'COMPLIANCE'] as const) {
    it(`objects but locks are retained in ${mode} mode for as long as was said`, async (t) => {
      const bucket = await newBucket(server(), { objectLock: true });
      const clock = new ManualClock(Date.now());
      const { accessKeyId, secretAccessKey, endpoint, region } = server();
      const driver = new S3Driver(
        { kind: 's3', bucket: bucket.name, prefix: 'east', endpoint, region, pathStyle: undefined },
        { credentials: { accessKeyId, secretAccessKey }, objectLock: { mode, days: 3 } },
        { clock },
      );
      t.after(() => driver.close());
      const store = new ObjectStore(driver).withPrefix('east');
      const client = plainClient(t, server());
      await putBoth(store);
      await assertBoth(store);
      for (const key of ['small', 'large']) {
        const at = { Bucket: bucket.name, Key: `east/${key}` };
        const { Retention } = await client.send(new GetObjectRetentionCommand(at));
        assert.equal(Retention?.Mode, mode);
        const untilMs = Retention?.RetainUntilDate?.getTime() ?? 0;
        assert.ok(Math.abs(untilMs - (clock.nowMs() + 3 * dayMs)) < 2000);
      }
      await store.put('locks/1', Buffer.from('lock'));
      const lock = await client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: 'east/locks/1' }));
      assert.equal(lock.ObjectLockMode, undefined);
      await store.delete('locks/1');
      await assertSurvivesDeletion(t, server(), bucket, store);
    });
  }

  it('a retention in a bucket without Object Lock is refused, and told what may be the matter', async (t) => {
    const bucket = await newBucket(server());
    const store = storeIn(t, bucket, { objectLock: { mode: 'GOVERNANCE', days: 1 } });
    const error = await refusal(store.put('key', Buffer.from('x')));
    assert.equal(error.code, 'invalid-argument');
    assert.match(error.message, /InvalidRequest.*Object ?Lock/);
  });

  it('unfinished uploads of packs are swept when they are a day old, and no others', async (t) => {
    const bucket = await newBucket(server());
    const pack = (prefix: string, digit: string) => `${prefix}data/${digit.repeat(2)}/${digit.repeat(64)}`;
    const client = plainClient(t, server());
    const keys = [
      pack('east/', 'a'),
      pack('east/', 'b'),
      pack('west/', 'a'),
      'east/data/other',
      'east/config',
    ];
    for (const Key of keys) await client.send(new CreateMultipartUploadCommand({ Bucket: bucket.name, Key }));
    const open = async (nowMs: number) =>
      openStore(bucket.location('east'), { settings: bucket.settings, clock: new ManualClock(nowMs) });
    const sweep = async (nowMs: number): Promise<readonly string[]> => {
      const store = await open(nowMs);
      // Not named like a pack: by a clock that is a day ahead, this upload is as old as the others.
      await store.putLarge('large', [Buffer.alloc(partSizeBytes + 1)], { partSizeBytes });
      // The sweep is in the background; it is done with when nothing is left to be seen of it.
      for (let look = 0; look < 100 && (await bucket.unfinishedUploads()).length > 3; look += 1) {
        if (nowMs < Date.now() + dayMs) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await store.close();
      return [...(await bucket.unfinishedUploads())].sort();
    };
    assert.deepEqual(await sweep(Date.now() + dayMs - 3_600_000), [...keys].sort());
    assert.deepEqual(await sweep(Date.now() + dayMs + 3_600_000), [...keys].slice(2).sort());
  });
});

/** On a server that keeps versions a deletion hides the object; one that keeps none must refuse it. */
async function assertSurvivesDeletion(
  t: TestContext,
  server: S3Server,
  bucket: S3Bucket,
  store: ObjectStore,
): Promise<void> {
  const outcomes = await Promise.allSettled([store.delete('small'), store.deleteMany(['large'])]);
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    assert.ok(outcome.reason instanceof StoreError);
    assert.equal(outcome.reason.code, 'permission-denied');
    assert.match(outcome.reason.message, /before its retention ends \(Object Lock\): (east\/)?(small|large)/);
  }
  const list = new ListObjectVersionsCommand({ Bucket: bucket.name, Prefix: 'east/' });
  const { Versions = [] } = await plainClient(t, server).send(list);
  const kept = new Set(Versions.map(({ Key }) => Key));
  assert.ok(kept.has('east/small') && kept.has('east/large'));
}

peerSuite(['ceph'], 'encryption by a server that has it', (paths) => {
  it('with the customer’s key objects are read with that key and with no other', async (t) => {
    const { startCeph } = await import('../support/s3/ceph-server.ts');
    const server = await startCeph(paths.ceph);
    t.after(() => server.stop());
    const bucket = await newBucket(server);
    const store = storeIn(t, bucket, { customerKeyFile: keyFile(t) });
    await putBoth(store);
    await assertBoth(store);
    await assertBoth(storeIn(t, bucket, { customerKey: readFileSync(keyFile(t)) }));
    for (const settings of [{}, { customerKeyFile: keyFile(t, Buffer.alloc(32, 6)) }]) {
      const other = storeIn(t, bucket, settings);
      for (const key of ['small', 'large']) await refusal(other.get(key));
    }

    const kms = { serverSideEncryption: 'aws:kms', kmsKeyId: cephKmsKeyId } as const;
    const managed = storeIn(t, bucket, kms);
    await putBoth(managed);
    await assertBoth(managed);
    const client = plainClient(t, server);
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: 'small' }));
    assert.deepEqual([head.ServerSideEncryption, head.SSEKMSKeyId], ['aws:kms', cephKmsKeyId]);
    const unknown = storeIn(t, bucket, { ...kms, kmsKeyId: 'no-such-key' });
    await refusal(unknown.put('other', Buffer.from('x')));
  });
});

peerSuite(['versitygw'], 'settings of a store', ({ versitygw }) => {
  it('a server that takes objects and does not encrypt them is noticed', async (t) => {
    const server = await startVersitygw(versitygw);
    t.after(() => server.stop());
    const bucket = await newBucket(server);
    for (const settings of [
      { serverSideEncryption: 'AES256' },
      { serverSideEncryption: 'aws:kms' },
      { customerKeyFile: keyFile(t) },
      { customerKey: readFileSync(keyFile(t)) },
    ] as const) {
      const store = storeIn(t, bucket, settings);
      const error = await refusal(store.put('key', Buffer.from('x')));
      assert.equal(error.code, 'unsupported');
      assert.match(error.message, /without encrypting it/);
      assert.equal((await refusal(putBoth(store))).code, 'unsupported');
    }
    assert.deepEqual(await bucket.unfinishedUploads(), []);
  });

  it('of a pass only packs of file contents get the storage class, and all but locks the retention', async (t) => {
    const server = await startVersitygw(versitygw);
    t.after(() => server.stop());
    const bucket = await newBucket(server, { objectLock: true });
    const puts: IncomingMessage[] = [];
    const proxy = await startRefusingProxy(server.endpoint, (request) => {
      if (request.method === 'PUT') puts.push(request);
      return undefined;
    });
    t.after(() => proxy.stop());
    const folder = temporaryFolder(t);
    const [source, target] = [join(folder, 'source'), join(folder, 'target')];
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'contents');
    const location = bucket.location('', proxy.endpoint);
    const settings = ['-o', 's3.storage-class=STANDARD_IA', '-o', 's3.object-lock=governance:1'];
    const run = async (...args: readonly string[]): Promise<void> => {
      const { code, stderr } = await tranship([...args, '-r', location, ...settings], { env: bucket.env });
      assert.equal(code, 0, stderr);
    };
    await run('init');
    await run('stage', source, '--as', '/v');
    await run('restore', 'latest:/v', '--target', target, '--verify');
    await run('check', '--read-data');
    assert.deepEqual(readdirSync(target), ['file']);

    const classes = puts.filter(({ headers }) => headers['x-amz-storage-class'] === 'STANDARD_IA');
    const folders = puts.map(({ url = '' }) => url.split(/[/?]/)[2]);
    assert.deepEqual(new Set(folders), new Set(['config', 'keys', 'data', 'index', 'snapshots', 'locks']));
    assert.equal(folders.filter((name) => name === 'data').length, 2);
    assert.equal(classes.length, 1);
    assert.match(classes[0]?.url ?? '', /\/data\//);
    for (const { url = '', headers } of puts) {
      const isLock = url.includes('/locks/');
      assert.equal(headers['x-amz-object-lock-mode'], isLock ? undefined : 'GOVERNANCE', url);
      assert.ok(isLock || headers['content-md5'] !== undefined);
    }
  });
});

/** What ObjectDriver guarantees, on servers that no one here wrote. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it, test } from 'node:test';
import { StoreError } from '../../../../src/base/errors.ts';
import type { ErrorCode } from '../../../../src/base/errors.ts';
import { conformanceCases, runConformanceCase } from '../../../../src/providers/objects/conformance.ts';
import type { ObjectDriver } from '../../../../src/providers/objects/driver.ts';
import { withLimit } from '../../../../src/providers/objects/limit.ts';
import { withPrefix } from '../../../../src/providers/objects/prefix.ts';
import { withRetry } from '../../../../src/providers/objects/retry.ts';
import { S3Driver } from '../../../../src/providers/objects/s3/driver.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import { newBucket } from '../../../support/s3/s3-bucket.ts';
import type { S3Bucket } from '../../../support/s3/s3-bucket.ts';
import { s3Client } from '../../../support/s3/s3-client.ts';
import type { S3Server } from '../../../support/s3/s3-server.ts';
import { s3Suite } from '../../../support/s3/s3-suite.ts';

const stacks: readonly (readonly [name: string, decorate: (driver: ObjectDriver) => ObjectDriver])[] = [
  ['bare', (driver) => driver],
  [
    'as openStore does, below a prefix',
    (driver) => withRetry(withLimit(withPrefix(driver, 'clusters/east'), {})),
  ],
];

/** The least that S3 takes for a part that is not the last. */
const partSizeBytes = 5 * 2 ** 20;

async function rejectsWith(code: ErrorCode, work: Promise<unknown>): Promise<StoreError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof StoreError && error.code === code, `expected ${code}, got ${String(error)}`);
    return error;
  }
  return assert.fail(`nothing was thrown, expected ${code}`);
}

s3Suite('S3 store', (server) => {
  for (const [name, decorate] of stacks) {
    let bucket: Promise<S3Bucket> | undefined;
    for (const testCase of conformanceCases) {
      test(`${name}: ${testCase.name}`, async () => {
        const { driver, unfinishedUploads } = await (bucket ??= newBucket(server()));
        const bare = driver();
        const result = await runConformanceCase(testCase, decorate(bare), { partSizeBytes });
        await bare.close();
        assert.equal(result.outcome, 'passed', result.reason);
        assert.deepEqual(await unfinishedUploads(), [], 'unfinished uploads were left');
      });
    }
  }

  it('bytes that do not have the hash that was said are refused and not stored', async () => {
    const driver = (await newBucket(server())).driver();
    const sha256 = createHash('sha256').update('other').digest('hex');
    await rejectsWith('corrupt', driver.put('key', Buffer.from('bytes'), { sha256 }));
    await rejectsWith('not-found', driver.head('key', {}));
    await driver.close();
  });

  it('bytes in shared memory are stored as they are', async () => {
    const store = new ObjectStore((await newBucket(server())).driver());
    const shared = new Uint8Array(new SharedArrayBuffer(700_001)).fill(7, 1000);
    await store.put('shared', shared);
    assert.ok((await store.get('shared')).equals(Buffer.from(shared)));
    await store.close();
  });

  it('a bucket that does not exist is no missing object', async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = server();
    const missing = new S3Driver(
      { kind: 's3', bucket: 'never-made', prefix: '', endpoint, region, pathStyle: undefined },
      { credentials: { accessKeyId, secretAccessKey } },
    );
    const store = new ObjectStore(missing);
    for (const work of [() => store.get('key'), () => store.put('key', Buffer.from('x')), () => all(store)]) {
      assert.match((await rejectsWith('no-bucket', work())).message, /never-made/);
    }
    await store.close();
  });

  it('a wrong key and a wrong secret are told apart from a missing object, and not repeated', async () => {
    const { driver } = await newBucket(server());
    const { accessKeyId, secretAccessKey } = server();
    for (const credentials of [
      { accessKeyId: 'nobody', secretAccessKey },
      { accessKeyId, secretAccessKey: 'wrong-secret' },
    ]) {
      const store = new ObjectStore(driver({ credentials }));
      for (const work of [
        () => store.get('key'),
        () => store.put('key', Buffer.from('x')),
        () => all(store),
      ]) {
        const { message, retryable } = await rejectsWith('unauthenticated', work());
        assert.ok(!message.includes(secretAccessKey) && !message.includes('wrong-secret'));
        assert.equal(retryable, false);
      }
      await store.close();
    }
  });

  it('a part that is too small for its place is refused and the upload can be aborted', async () => {
    const { driver, unfinishedUploads } = await newBucket(server());
    const bare = driver();
    const upload = await bare.createMultipart('key', {});
    await upload.putPart(1, Buffer.alloc(1000));
    await upload.putPart(2, Buffer.alloc(1000));
    await assert.rejects(upload.complete(), StoreError);
    await upload.abort();
    await rejectsWith('not-found', bare.head('key', {}));
    assert.deepEqual(await unfinishedUploads(), []);
    await bare.close();
  });

  it('an object of one part, of exactly two, and of a byte more has all its bytes', async () => {
    const store = new ObjectStore((await newBucket(server())).driver());
    for (const sizeBytes of [partSizeBytes, 2 * partSizeBytes, 2 * partSizeBytes + 1]) {
      const body = Buffer.alloc(sizeBytes, sizeBytes % 251);
      await store.putLarge('key', [body], { partSizeBytes, mode: 'overwrite' });
      assert.ok((await store.get('key')).equals(body), `${sizeBytes} bytes`);
    }
    await store.close();
  });

  it('keys of other programs are left out of a listing, whatever they hold', async () => {
    const { driver, name } = await newBucket(server());
    await putForeign(server(), name, ['data/ok', 'data/a b+c', 'data/é&<>', 'data/-tmp-x']);
    const store = new ObjectStore(driver());
    assert.deepEqual(await all(store), ['data/ok']);
    await store.close();
  });
});

async function putForeign(server: S3Server, bucket: string, keys: readonly string[]): Promise<void> {
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  const client = s3Client(server);
  for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }));
  client.destroy();
}

async function all(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list()) keys.push(key);
  return keys;
}

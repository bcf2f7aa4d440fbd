/**
 * What ObjectDriver guarantees, on fake-gcs-server. Where it does as Google does not, this is what it means here:
 *
 * | request | Google | fake-gcs-server 1.56.1 | so |
 * |---|---|---|---|
 * | insert with ifGenerationMatch | 412 | 412 | proven here |
 * | insert with another MD5 | 400 | 400 | proven here |
 * | compose with ifGenerationMatch | 412 | ignored | the driver looks first; that Google refuses is not proven here |
 * | compose of a generation | these bytes or 404 | the newest | not proven here |
 * | a missing object or bucket | says which | one and the same 404 | the driver looks for the bucket, once |
 * | authorization | 401, 403 | none | in identity.test.ts, on a server of our own |
 * | XML multipart uploads | yes | no | not used |
 */
import assert from 'node:assert/strict';
import { it, test } from 'node:test';
import { StoreError } from '../../../../src/base/errors.ts';
import type { ErrorCode } from '../../../../src/base/errors.ts';
import { conformanceCases, runConformanceCase } from '../../../../src/providers/objects/conformance.ts';
import type { ObjectDriver } from '../../../../src/providers/objects/driver.ts';
import { GcsDriver } from '../../../../src/providers/objects/gcs/driver.ts';
import { withLimit } from '../../../../src/providers/objects/limit.ts';
import { withPrefix } from '../../../../src/providers/objects/prefix.ts';
import { withRetry } from '../../../../src/providers/objects/retry.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import { newGcsBucket } from '../../../support/gcs/gcs-bucket.ts';
import type { GcsBucket } from '../../../support/gcs/gcs-bucket.ts';
import { gcsSuite } from '../../../support/gcs/gcs-suite.ts';

const stacks: readonly (readonly [name: string, decorate: (driver: ObjectDriver) => ObjectDriver])[] = [
  ['bare', (driver) => driver],
  [
    'as openStore does, below a prefix',
    (driver) => withRetry(withLimit(withPrefix(driver, 'clusters/east'), {})),
  ],
];

async function rejectsWith(code: ErrorCode, work: Promise<unknown>): Promise<StoreError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof StoreError && error.code === code, `expected ${code}, got ${String(error)}`);
    return error;
  }
  return assert.fail(`nothing was thrown, expected ${code}`);
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list()) keys.push(key);
  return keys;
}

gcsSuite('GCS store', (server) => {
  for (const [name, decorate] of stacks) {
    let bucket: Promise<GcsBucket> | undefined;
    for (const testCase of conformanceCases) {
      test(`${name}: ${testCase.name}`, async () => {
        const { driver, names } = await (bucket ??= newGcsBucket(server()));
        const bare = driver();
        const result = await runConformanceCase(testCase, decorate(bare));
        await bare.close();
        assert.equal(result.outcome, 'passed', result.reason);
        assert.deepEqual(await names(), [], 'objects were left, those of unfinished uploads included');
      });
    }
  }

  it('bytes in shared memory are stored as they are', async () => {
    const store = new ObjectStore((await newGcsBucket(server())).driver());
    const shared = new Uint8Array(new SharedArrayBuffer(700_001)).fill(7, 1000);
    await store.put('shared', shared);
    assert.ok((await store.get('shared')).equals(Buffer.from(shared)));
    await store.close();
  });

  it('a bucket that does not exist is no missing object', async () => {
    const { endpoint } = server();
    const location = { kind: 'gcs', bucket: 'never-made', prefix: '', userProject: undefined } as const;
    const store = new ObjectStore(new GcsDriver({ ...location, endpoint }));
    for (const work of [
      () => store.get('key'),
      () => store.head('key'),
      () => store.put('key', Buffer.from('x')),
      () => store.delete('key'),
      () => keysOf(store),
    ]) {
      assert.match((await rejectsWith('no-bucket', work())).message, /never-made/);
    }
    await store.close();
  });

  it('an object of more parts than the server joins at once has all its bytes, and no part is left', async () => {
    const { driver, names } = await newGcsBucket(server());
    const store = new ObjectStore(driver());
    const body = Buffer.from(Array.from({ length: 70 * 1000 + 1 }, (_, index) => index % 251));
    await store.putLarge('large', [body], { partSizeBytes: 1000, mode: 'create' });
    assert.ok((await store.get('large')).equals(body));
    assert.deepEqual(await names(), ['large']);
    await rejectsWith(
      'already-exists',
      store.putLarge('large', [body], { partSizeBytes: 1000, mode: 'create' }),
    );
    assert.deepEqual(await names(), ['large']);
    await store.close();
  });

  it('keys of other programs are left out of a listing, whatever they hold', async () => {
    const { driver, putForeign } = await newGcsBucket(server());
    await putForeign(['data/ok', 'data/a b+c', 'data/é&<>', 'data/-tmp-x']);
    const store = new ObjectStore(driver());
    assert.deepEqual(await keysOf(store), ['data/ok']);
    await store.close();
  });
});

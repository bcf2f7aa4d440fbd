import assert from 'node:assert/strict';
import { it } from 'node:test';
import { StoreError } from '../../src/base/errors.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { checkStore } from '../../src/repository/store-check.ts';
import { newGcsBucket } from '../support/gcs/gcs-bucket.ts';
import { gcsSuite } from '../support/gcs/gcs-suite.ts';

gcsSuite('the check of a bucket of Google Cloud Storage', (server) => {
  it('finds that all works, claims nothing of checksums, and leaves nothing', async () => {
    const bucket = await newGcsBucket(server());
    const driver = bucket.driver();
    try {
      const { can, rights, features } = await checkStore(driver);
      assert.deepEqual(can, { stage: true, restore: true, prune: true });
      const others = [...rights, ...features].filter(({ outcome }) => outcome !== 'works');
      assert.deepEqual(
        others.map((found) => 'feature' in found && [found.feature, found.outcome]),
        [['checksum', 'unknown']],
      );
      assert.deepEqual(await bucket.names(), []);
    } finally {
      await driver.close();
    }
  });

  it('leaves no part in the bucket where nothing but locks may be deleted', async () => {
    const bucket = await newGcsBucket(server());
    const driver = bucket.driver();
    const refuse = (key: string): void => {
      if (!key.startsWith('locks/')) throw new StoreError('permission-denied', 'no', { where: key });
    };
    const guarded: ObjectDriver = {
      url: driver.url,
      capabilities: driver.capabilities,
      put: (key, body, options) => driver.put(key, body, options),
      get: (key, options) => driver.get(key, options),
      head: (key, options) => driver.head(key, options),
      list: (prefix, options) => driver.list(prefix, options),
      delete: async (key, options) => {
        refuse(key);
        await driver.delete(key, options);
      },
      deleteMany: async (keys, options) => {
        for (const key of keys) refuse(key);
        await driver.deleteMany(keys, options);
      },
      createMultipart: async (key, options) => {
        const upload = await driver.createMultipart(key, options);
        const abort = async (): Promise<void> => {
          refuse(key);
          await upload.abort();
        };
        return {
          putPart: (part, body, more) => upload.putPart(part, body, more),
          complete: (more) => upload.complete(more),
          abort,
        };
      },
      close: () => driver.close(),
    };
    try {
      const { can, left } = await checkStore(guarded);
      assert.deepEqual(can, { stage: undefined, restore: true, prune: false });
      assert.deepEqual([left, await bucket.names()], [[], []]);
    } finally {
      await driver.close();
    }
  });
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkStore } from '../../src/repository/store-check.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { s3Suite } from '../support/s3/s3-suite.ts';

s3Suite('the check of a store', (server) => {
  it('finds that all works, and leaves neither objects nor uploads', async () => {
    const bucket = await newBucket(server());
    const driver = bucket.driver();
    try {
      const { can, rights, features, clockSkewMs } = await checkStore(driver);
      assert.deepEqual(can, { stage: true, restore: true, prune: true });
      assert.deepEqual(
        [...rights, ...features].filter(({ outcome }) => outcome !== 'works'),
        [],
      );
      assert.ok(Math.abs(clockSkewMs ?? Infinity) <= 2000);
      for await (const { key } of driver.list('', {})) assert.fail(`it has left ${key}`);
      assert.deepEqual(await bucket.unfinishedUploads(), []);
    } finally {
      await driver.close();
    }
  });
});

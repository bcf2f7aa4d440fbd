import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkStore } from '../../src/repository/store-check.ts';
import { newContainer } from '../support/azure-blob/azure-container.ts';
import { azureSuite } from '../support/azure-blob/azure-suite.ts';

azureSuite('the check of a container', (server) => {
  it('finds that all works, claims nothing of checksums, and leaves nothing', async () => {
    const container = await newContainer(server());
    const driver = container.driver();
    try {
      const { can, rights, features } = await checkStore(driver);
      assert.deepEqual(can, { stage: true, restore: true, prune: true });
      const others = [...rights, ...features].filter(({ outcome }) => outcome !== 'works');
      assert.deepEqual(
        others.map((found) => 'feature' in found && [found.feature, found.outcome]),
        [['checksum', 'unknown']],
      );
      const blobs = container.client.listBlobsFlat({ includeUncommitedBlobs: true });
      for await (const { name } of blobs) assert.fail(`it has left ${name}`);
    } finally {
      await driver.close();
    }
  });
});

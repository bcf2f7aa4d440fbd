/**
 * What ObjectDriver guarantees, on Azure itself:
 * TRANSHIP_LIVE=azure TRANSHIP_LIVE_AZURE=azblob://account/container/prefix npm test -- test/live/azure-blob.test.ts
 * with credentials in the AZURE_ variables. Every case works below a random prefix and empties it.
 */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { AzureBlobDriver } from '../../src/providers/objects/azure-blob/driver.ts';
import { conformanceCases, runConformanceCase } from '../../src/providers/objects/conformance.ts';
import { parseStoreLocation } from '../../src/providers/objects/open.ts';
import { withPrefix } from '../../src/providers/objects/prefix.ts';
import { withRetry } from '../../src/providers/objects/retry.ts';

const isAsked = process.env['TRANSHIP_LIVE'] === 'azure';

describe('Azure itself', { skip: isAsked ? false : 'only with TRANSHIP_LIVE=azure' }, () => {
  const location = parseStoreLocation(process.env['TRANSHIP_LIVE_AZURE'] ?? 'azure:none:/');
  assert.ok(location.kind === 'azure-blob', 'TRANSHIP_LIVE_AZURE must be azblob://account/container/prefix');
  const bare = new AzureBlobDriver(location, { environment: process.env });
  after(() => bare.close());
  const driver = withRetry(location.prefix === '' ? bare : withPrefix(bare, location.prefix));
  for (const testCase of conformanceCases) {
    it(testCase.name, async () => {
      const { outcome, reason } = await runConformanceCase(testCase, driver);
      assert.equal(outcome, 'passed', reason);
    });
  }
});

/**
 * What ObjectDriver guarantees, on Google itself: TRANSHIP_LIVE=gcs TRANSHIP_LIVE_GCS=gs://bucket/prefix npm test --
 * test/live/gcs.test.ts, with application default credentials. Every case works below a random prefix and empties it.
 */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { conformanceCases, runConformanceCase } from '../../src/providers/objects/conformance.ts';
import { GcsDriver } from '../../src/providers/objects/gcs/driver.ts';
import { parseStoreLocation } from '../../src/providers/objects/open.ts';
import { withPrefix } from '../../src/providers/objects/prefix.ts';
import { withRetry } from '../../src/providers/objects/retry.ts';

const isAsked = process.env['TRANSHIP_LIVE'] === 'gcs';

describe('GCS itself', { skip: isAsked ? false : 'only with TRANSHIP_LIVE=gcs' }, () => {
  const location = parseStoreLocation(process.env['TRANSHIP_LIVE_GCS'] ?? 'gs://none');
  assert.ok(location.kind === 'gcs', 'TRANSHIP_LIVE_GCS must be gs://bucket/prefix');
  const bare = new GcsDriver(location);
  after(() => bare.close());
  const driver = withRetry(location.prefix === '' ? bare : withPrefix(bare, location.prefix));
  for (const testCase of conformanceCases) {
    it(testCase.name, async () => {
      const { outcome, reason } = await runConformanceCase(testCase, driver);
      assert.equal(outcome, 'passed', reason);
    });
  }
});

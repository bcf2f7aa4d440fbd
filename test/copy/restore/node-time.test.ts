import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nanosecondsSinceEpoch, nodeTime } from '../../../src/copy/restore/node-time.ts';
import { formatTimestamp, parseTimestamp } from '../../../src/repository/format/timestamp.ts';
import { createRandom } from '../../support/seed.ts';

describe('the time of a node', () => {
  for (const text of [
    '1970-01-01T00:00:00Z',
    '2023-11-14T22:13:20.12Z',
    '2024-02-29T23:59:59.999999999Z',
    '2023-11-14T22:13:20.1234567891234Z',
    '2023-11-14T22:13:20.000000001+05:30',
    '1969-12-31T23:59:59.5-11:00',
    '0000-01-01T00:00:00Z',
    '0099-06-01T01:02:03.4Z',
    '9999-12-31T23:59:59.000000001Z',
  ]) {
    it(`is that of the decoder for ${text}`, () => {
      const time = nodeTime(text);
      assert.equal(nanosecondsSinceEpoch(time), parseTimestamp(text));
      assert.ok(time.nanoseconds >= 0 && time.nanoseconds < 1e9);
    });
  }

  it('is what was written, for any', () => {
    const random = createRandom(7);
    for (let i = 0; i < 2000; i++) {
      const epochNs =
        (BigInt(random.below(2 ** 31)) - 2n ** 30n) * 1_000_000_000n + BigInt(random.below(1e9));
      assert.equal(nanosecondsSinceEpoch(nodeTime(formatTimestamp(epochNs))), epochNs);
    }
  });
});

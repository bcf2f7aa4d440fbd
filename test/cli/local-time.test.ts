import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import { formatLocalTime, parseTimeNs } from '../../src/cli/local-time.ts';

function localNs(...parts: readonly [number, number, number, number?, number?, number?]): bigint {
  const [year, month, day, hours = 0, minutes = 0, seconds = 0] = parts;
  return BigInt(new Date(year, month - 1, day, hours, minutes, seconds).getTime()) * 1_000_000n;
}

describe('times on the command line', () => {
  it('are dates and times in local time, or with a zone', () => {
    const utc = BigInt(Date.UTC(2026, 0, 31, 22, 59, 58)) * 1_000_000n;
    assert.deepEqual(
      [
        '2026-01-31',
        '31.01.2026',
        '2026-01-31 23:59',
        '31.01.2026 23:59:58',
        '2026-01-31 23:59:58 +0100',
        '31.01.2026 22:59:58 UTC',
        '2026-01-31T22:59:58.000000001Z',
      ].map((text) => parseTimeNs(text, 'oldest')),
      [
        localNs(2026, 1, 31),
        localNs(2026, 1, 31),
        localNs(2026, 1, 31, 23, 59),
        localNs(2026, 1, 31, 23, 59, 58),
        utc,
        utc,
        utc + 1n,
      ],
    );
  });

  it('are nothing else', () => {
    for (const text of [
      '',
      'yesterday',
      '2026',
      '2026-02-30',
      '2026-01-31 24:00',
      '2026-01-31 1:00',
      '1.2.2026',
    ]) {
      assert.throws(() => parseTimeNs(text, 'oldest'), UsageError, text);
    }
  });
});

it('a time is printed as it is read', () => {
  const epochNs = parseTimeNs('2026-01-31 23:59:58', 'time');
  assert.equal(formatLocalTime(Number(epochNs / 1_000_000n)), '2026-01-31 23:59:58');
});

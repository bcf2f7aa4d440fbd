import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatTimestamp, isTimestamp, parseTimestamp } from '../../../src/repository/format/timestamp.ts';
import { throwsCode } from '../../support/error-code.ts';
import { checkProperty } from '../../support/property.ts';

const second = 1_000_000_000n;

const texts: readonly (readonly [bigint, string])[] = [
  [0n, '1970-01-01T00:00:00Z'],
  [1_700_000_000_120_000_000n, '2023-11-14T22:13:20.12Z'],
  [1_700_000_000_000_000_001n, '2023-11-14T22:13:20.000000001Z'],
  [-1_500_000_000n, '1969-12-31T23:59:58.5Z'],
  [-1n, '1969-12-31T23:59:59.999999999Z'],
  [951_782_400n * second, '2000-02-29T00:00:00Z'],
  [4_102_444_799n * second + 100n, '2099-12-31T23:59:59.0000001Z'],
  [-62_135_596_800n * second, '0001-01-01T00:00:00Z'],
  [-62_167_219_200n * second, '0000-01-01T00:00:00Z'],
  [253_402_300_799n * second + 999_999_999n, '9999-12-31T23:59:59.999999999Z'],
  [(1n << 63n) - 1n, '2262-04-11T23:47:16.854775807Z'],
  [-(1n << 63n), '1677-09-21T00:12:43.145224192Z'],
];

describe('a timestamp', () => {
  for (const [ns, text] of texts) {
    it(`of ${ns} is ${text}`, () => {
      assert.equal(formatTimestamp(ns), text);
      assert.equal(parseTimestamp(text), ns);
    });
  }

  it('beyond the years of RFC 3339 keeps month, day and time', () => {
    assert.equal(formatTimestamp(253_402_300_800n * second), '9999-01-01T00:00:00Z');
    assert.equal(formatTimestamp(-62_167_219_201n * second), '0000-12-31T23:59:59Z');
    const leapDay = BigInt(Date.UTC(10_004, 1, 29)) * 1_000_000n;
    assert.equal(formatTimestamp(leapDay), '9999-03-01T00:00:00Z');
  });

  it('is what Date makes of it, to the millisecond', (t) => {
    const milliseconds = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
    checkProperty(
      t,
      fc.property(milliseconds, (ms) => {
        const text = formatTimestamp(BigInt(ms) * 1_000_000n);
        assert.equal(new Date(text).getTime(), ms);
        assert.equal(parseTimestamp(text), BigInt(ms) * 1_000_000n);
        assert.equal(isTimestamp(text), true);
      }),
    );
  });

  it('keeps every nanosecond of 64 bits', (t) => {
    checkProperty(
      t,
      fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (ns) => {
        assert.equal(parseTimestamp(formatTimestamp(ns)), ns);
      }),
    );
  });
});

describe('parsing a timestamp', () => {
  it('takes zones and any number of digits', () => {
    assert.equal(parseTimestamp('2023-11-14T17:13:20.12-05:00'), 1_700_000_000_120_000_000n);
    assert.equal(parseTimestamp('2023-11-15T03:43:20.120+05:30'), 1_700_000_000_120_000_000n);
    assert.equal(parseTimestamp('1970-01-01T00:00:00.1234567891234Z'), 123_456_789n);
    assert.equal(parseTimestamp('2024-02-29T00:00:00+00:00'), parseTimestamp('2024-02-29T00:00:00Z'));
  });

  const refused = [
    '',
    'now',
    '2023-11-14',
    '2023-11-14T22:13:20',
    '2023-11-14 22:13:20Z',
    '2023-11-14t22:13:20z',
    '2023-11-14T22:13:20.Z',
    '2023-11-14T22:13:20Z\n',
    ' 2023-11-14T22:13:20Z',
    '12023-11-14T22:13:20Z',
    '-023-11-14T22:13:20Z',
    '2023-00-14T22:13:20Z',
    '2023-13-14T22:13:20Z',
    '2023-02-29T22:13:20Z',
    '1900-02-29T22:13:20Z',
    '2023-04-31T22:13:20Z',
    '2023-11-00T22:13:20Z',
    '2023-11-14T24:00:00Z',
    '2023-11-14T23:60:00Z',
    '2023-11-14T23:59:60Z',
    '2023-11-14T22:13:20+24:00',
    '2023-11-14T22:13:20+00:60',
    '2023-11-14T22:13:20+0000',
    '２023-11-14T22:13:20Z',
  ];
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(isTimestamp(text), false);
      throwsCode('corrupt', () => parseTimestamp(text, 'snapshot x'), 'snapshot x');
    });
  }
});

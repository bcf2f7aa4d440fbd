import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/base/errors.ts';
import { checkStoreLimits, currentBytesPerSecond } from '../../../src/providers/objects/store-limits.ts';
import type { ByteRate } from '../../../src/providers/objects/store-limits.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** The rate when the wall clock of this time zone shows the time. */
function rateAt(rate: ByteRate, hours: number, minutes: number, day = 5): number {
  const clock = new ManualClock(new Date(2026, 2, day, hours, minutes).getTime());
  return currentBytesPerSecond(rate, clock);
}

const office: ByteRate = [
  { fromMinute: 8 * 60, toMinute: 18 * 60, bytesPerSecond: 10 },
  { fromMinute: 22 * 60, toMinute: 6 * 60 + 30, bytesPerSecond: 50 },
];

test('a rate holds from its first minute until before its last, and outside there is none', () => {
  const cases = [
    [7, 59, Infinity],
    [8, 0, 10],
    [17, 59, 10],
    [18, 0, Infinity],
    [21, 59, Infinity],
  ] as const;
  for (const [hours, minutes, rate] of cases) assert.equal(rateAt(office, hours, minutes), rate);
});

test('a span goes on past midnight', () => {
  for (const [hours, minutes] of [
    [22, 0],
    [23, 59],
    [0, 0],
    [6, 29],
  ] as const) {
    assert.equal(rateAt(office, hours, minutes), 50);
  }
  assert.equal(rateAt(office, 6, 30), Infinity);
});

test('a span from a minute to itself, or from 0 to 1440, is the whole day', () => {
  for (const [fromMinute, toMinute] of [
    [0, 1440],
    [600, 600],
    [0, 0],
  ] as const) {
    const always = [{ fromMinute, toMinute, bytesPerSecond: 7 }];
    checkStoreLimits({ uploadRate: always });
    for (const hours of [0, 9, 10, 23]) assert.equal(rateAt(always, hours, 59), 7);
  }
});

test('a span that ends at 1440 ends at midnight', () => {
  const evening = [{ fromMinute: 18 * 60, toMinute: 1440, bytesPerSecond: 7 }];
  checkStoreLimits({ uploadRate: evening });
  assert.equal(rateAt(evening, 23, 59), 7);
  assert.equal(rateAt(evening, 0, 0), Infinity);
});

test('the wall clock decides, also on the days on which it is put forward and back', () => {
  // In zones with summer time one of these days has 23 hours and one has 25; 8 o'clock is 8 o'clock on all.
  for (let day = 1; day <= 365; day++) {
    assert.equal(rateAt(office, 8, 0, day), 10);
    assert.equal(rateAt(office, 18, 0, day), Infinity);
  }
});

test('limits that cannot be kept are refused', () => {
  const refused = [
    { uploadRate: 0 },
    { downloadRate: Number.NaN },
    { requestsPerSecond: -1 },
    { uploadRate: [{ fromMinute: 0, toMinute: 1441, bytesPerSecond: 1 }] },
    { uploadRate: [{ fromMinute: 0.5, toMinute: 60, bytesPerSecond: 1 }] },
    { downloadRate: [{ fromMinute: 0, toMinute: 60, bytesPerSecond: 0 }] },
    {
      uploadRate: [
        { fromMinute: 1380, toMinute: 60, bytesPerSecond: 1 },
        { fromMinute: 59, toMinute: 90, bytesPerSecond: 1 },
      ],
    },
  ];
  for (const limits of refused) assert.throws(() => checkStoreLimits(limits), UsageError);
  checkStoreLimits({ uploadRate: office, downloadRate: Infinity, requestsPerSecond: 0.5 });
});

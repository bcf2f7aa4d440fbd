import type { Clock } from '../../base/clock.ts';
import { UsageError } from '../../base/errors.ts';

const minutesPerDay = 24 * 60;

/** Ceilings for all requests of one store together. Plain data. */
export interface StoreLimits {
  /** Bytes a second of the bodies that are sent. Default: no limit. */
  readonly uploadRate?: ByteRate | undefined;
  /** Bytes a second of the bodies that are received. Default: no limit. */
  readonly downloadRate?: ByteRate | undefined;
  /** Requests a second, of all kinds, every attempt counted. Default: no limit. */
  readonly requestsPerSecond?: number | undefined;
}

/** Bytes a second, above 0, `Infinity` for no limit; or rates by the time of day, and no limit at other times. */
export type ByteRate = number | readonly TimedByteRate[];

/**
 * A rate that holds every day from a minute (inclusive) to another (exclusive), 0 to 1440 after midnight by the wall
 * clock of the process's time zone. A span whose end is not behind its beginning goes on past midnight.
 */
export interface TimedByteRate {
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Above 0; `Infinity` for no limit. */
  readonly bytesPerSecond: number;
}

/** Throws UsageError for a rate that cannot be kept, or spans of time that overlap. */
export function checkStoreLimits({ uploadRate, downloadRate, requestsPerSecond }: StoreLimits): void {
  for (const rate of [uploadRate, downloadRate]) if (rate !== undefined) checkByteRate(rate);
  if (requestsPerSecond !== undefined) checkNumber(requestsPerSecond, 'requests a second');
}

function checkByteRate(rate: ByteRate): void {
  if (typeof rate === 'number') {
    checkNumber(rate, 'bytes a second');
    return;
  }
  const taken = new Uint8Array(minutesPerDay);
  for (const span of rate) {
    checkNumber(span.bytesPerSecond, 'bytes a second');
    for (const minute of minutesOf(span)) {
      if (taken[minute] === 1) {
        throw new UsageError('two limits hold at the same time of day', { where: timeText(minute) });
      }
      taken[minute] = 1;
    }
  }
}

function checkNumber(value: number, unit: string): void {
  if (value > 0) return;
  throw new UsageError(`a limit must be above 0 ${unit}`, {
    where: String(value),
    advice: 'leave it out for none',
  });
}

function* minutesOf({ fromMinute, toMinute }: TimedByteRate): Generator<number> {
  for (const minute of [fromMinute, toMinute]) {
    if (Number.isInteger(minute) && minute >= 0 && minute <= minutesPerDay) continue;
    throw new UsageError('not a minute of the day', { where: String(minute), advice: 'use 0 to 1440' });
  }
  const lengthMinutes = (toMinute - fromMinute + minutesPerDay) % minutesPerDay || minutesPerDay;
  for (let passed = 0; passed < lengthMinutes; passed++) yield (fromMinute + passed) % minutesPerDay;
}

function timeText(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/**
 * The rate at this moment. By the wall clock: when that is put forward or back (summer time), what it says then holds,
 * so that a limit of the office hours keeps to them.
 */
export function currentBytesPerSecond(rate: ByteRate, clock: Clock): number {
  if (typeof rate === 'number') return rate;
  const now = new Date(clock.nowMs());
  const minute = now.getHours() * 60 + now.getMinutes();
  return rate.find((span) => isWithin(span, minute))?.bytesPerSecond ?? Infinity;
}

function isWithin({ fromMinute, toMinute }: TimedByteRate, minute: number): boolean {
  if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

import { UsageError } from '../base/errors.ts';
import type { ByteRate, TimedByteRate } from '../providers/objects/store-limits.ts';

const unitBytes: Readonly<Record<string, number>> = { '': 2 ** 10, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/**
 * `512` (KiB a second, as restic takes it), `10M`, `1.5G`, `unlimited` or `0`; or rates by the time of day, no limit
 * at other times: `08:00-18:00=10M,18:00-22:30=50M`. UsageError for other text.
 */
export function parseByteRate(text: string, option: string): ByteRate {
  if (!text.includes('=')) return bytesPerSecond(text, option);
  return text.split(',').map((part) => timedRate(part, option));
}

function timedRate(text: string, option: string): TimedByteRate {
  const [, from = '', to = '', rate] = /^(\d\d:\d\d)-(\d\d:\d\d)=(.*)$/s.exec(text.trim()) ?? [];
  if (rate === undefined) throw notARate(text, option);
  return {
    fromMinute: minuteOf(from, option),
    toMinute: minuteOf(to, option),
    bytesPerSecond: bytesPerSecond(rate, option),
  };
}

function minuteOf(time: string, option: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  const minute = hours * 60 + minutes;
  if (minutes < 60 && minute <= 24 * 60) return minute;
  throw new UsageError(`not a time of the day in --${option}`, {
    where: time,
    advice: 'write 00:00 to 24:00',
  });
}

function bytesPerSecond(text: string, option: string): number {
  if (text === 'unlimited') return Infinity;
  const [, number, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([kKmMgG]?)$/.exec(text) ?? [];
  if (number === undefined) throw notARate(text, option);
  return Number(number) * (unitBytes[unit.toLowerCase()] ?? 0) || Infinity;
}

function notARate(text: string, option: string): UsageError {
  return new UsageError(`--${option} takes no such rate`, {
    where: JSON.stringify(text),
    advice: 'write KiB a second, 10M for MiB, or rates by the time of day: 08:00-18:00=10M,18:00-22:00=50M',
  });
}

import { UsageError } from '../base/errors.ts';
import { isTimestamp, parseTimestamp } from '../repository/format/timestamp.ts';

/** `2026-01-31` or `31.01.2026`, then perhaps hours and minutes, seconds, and a zone. */
const forms = [
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?: (?<time>\d\d:\d\d(?::\d\d)?)(?: (?<zone>[+-]\d{4}|UTC))?)?$/,
  /^(?<day>\d\d)\.(?<month>\d\d)\.(?<year>\d{4})(?: (?<time>\d\d:\d\d(?::\d\d)?)(?: (?<zone>[+-]\d{4}|UTC))?)?$/,
];

/** `2026-01-31 23:59:58` in the time zone of this process, as restic shows times. */
export function formatLocalTime(epochMs: number): string {
  const date = new Date(epochMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/**
 * Nanoseconds since the epoch of a time in one of restic's forms, or RFC 3339. Without a zone it is local time, a date
 * alone is its midnight. Throws UsageError.
 */
export function parseTimeNs(text: string, option: string): bigint {
  if (isTimestamp(text)) return parseTimestamp(text);
  for (const form of forms) {
    const fields = form.exec(text)?.groups;
    if (fields === undefined) continue;
    const { year, month, day, time = '00:00', zone } = fields;
    const stamp = `${year}-${month}-${day}T${time.padEnd(8, ':00')}`;
    if (!isTimestamp(`${stamp}${zoneText(zone ?? 'UTC')}`)) break;
    if (zone !== undefined) return parseTimestamp(`${stamp}${zoneText(zone)}`);
    return BigInt(Date.parse(stamp)) * 1_000_000n;
  }
  throw new UsageError(`--${option} is no time`, {
    where: JSON.stringify(text),
    advice: 'write "2026-01-31", "2026-01-31 23:59", "2026-01-31 23:59:58 +0100", or RFC 3339',
  });
}

function zoneText(zone: string): string {
  return zone === 'UTC' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3)}`;
}

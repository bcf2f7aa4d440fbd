import { RepositoryError } from '../../base/errors.ts';

/** What Go writes for a time.Time that was never set. */
export const zeroTimestamp = '0001-01-01T00:00:00Z';

const secondsPerDay = 86_400;
const nsPerSecond = 1_000_000_000n;

/**
 * RFC 3339 text in UTC of a time in nanoseconds since the epoch, as Go's RFC3339Nano: the fraction loses its trailing
 * zeros. Years outside 0..9999, which JSON cannot carry, are clamped as restic clamps them (same month, day and time).
 */
export function formatTimestamp(epochNs: bigint): string {
  let seconds = Number(epochNs / nsPerSecond);
  let nanoseconds = Number(epochNs % nsPerSecond);
  if (nanoseconds < 0) {
    nanoseconds += 1_000_000_000;
    seconds -= 1;
  }
  return timestampText(seconds, nanoseconds);
}

/** As {@link formatTimestamp}, of whole seconds since the epoch and the 0 to 999,999,999 nanoseconds behind them. */
export function timestampText(seconds: number, nanoseconds: number): string {
  return `${secondText(seconds)}${fractionText(nanoseconds)}Z`;
}

/** Times of a tree crowd into few seconds and days; both caches hold the last ones by their low bits. */
const cacheSlots = 64;
const cachedSeconds = new Float64Array(cacheSlots).fill(Number.NaN);
const cachedSecondTexts: string[] = new Array<string>(cacheSlots).fill('');
const cachedDays = new Float64Array(cacheSlots).fill(Number.NaN);
const cachedDayTexts: string[] = new Array<string>(cacheSlots).fill('');

function secondText(seconds: number): string {
  const slot = seconds & (cacheSlots - 1);
  if (cachedSeconds[slot] === seconds) return cachedSecondTexts[slot] ?? '';
  const day = Math.floor(seconds / secondsPerDay);
  const rest = seconds - day * secondsPerDay;
  const minutes = Math.floor(rest / 60);
  const time = [Math.floor(minutes / 60), minutes % 60, rest % 60].map(twoDigits).join(':');
  const text = `${dayText(day)}T${time}`;
  cachedSeconds[slot] = seconds;
  cachedSecondTexts[slot] = text;
  return text;
}

function dayText(day: number): string {
  const slot = day & (cacheSlots - 1);
  if (cachedDays[slot] === day) return cachedDayTexts[slot] ?? '';
  let { year, month, dayOfMonth } = civilDate(day);
  if (year < 0) year = 0;
  if (year > 9999) {
    year = 9999;
    // Go moves a 29 February that the clamped year lacks to the next day.
    if (month === 2 && dayOfMonth === 29) [month, dayOfMonth] = [3, 1];
  }
  const text = `${String(year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(dayOfMonth)}`;
  cachedDays[slot] = day;
  cachedDayTexts[slot] = text;
  return text;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

function fractionText(nanoseconds: number): string {
  if (nanoseconds === 0) return '';
  const digits = String(1_000_000_000 + nanoseconds);
  let end = 10;
  while (digits.charCodeAt(end - 1) === 0x30) end--;
  return `.${digits.slice(1, end)}`;
}

interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly dayOfMonth: number;
}

/**
 * The proleptic Gregorian date of a day since the epoch, by eras of 400 years that begin on 1 March
 * (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
 */
function civilDate(day: number): CivilDate {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    dayOfMonth: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

/** The inverse of {@link civilDate} (days_from_civil of the same source). */
function dayOf(year: number, month: number, dayOfMonth: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + dayOfMonth - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:Z|([+-])(\d\d):(\d\d))$/;
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/**
 * Nanoseconds since the epoch of RFC 3339 text with any zone; digits beyond nanoseconds are cut off, as Go does.
 * Throws RepositoryError `corrupt` on any other text, and on dates that do not exist.
 */
export function parseTimestamp(text: string, where?: string): bigint {
  const match = rfc3339.exec(text);
  if (match === null || !fieldsInRange(text)) {
    throw new RepositoryError('corrupt', 'time is not RFC 3339', where === undefined ? {} : { where });
  }
  const [, year, month, dayOfMonth, hour, minute, second, fraction = '', sign, zoneHour, zoneMinute] = match;
  const day = dayOf(Number(year), Number(month), Number(dayOfMonth));
  const zoneMinutes = sign === undefined ? 0 : Number(zoneHour) * 60 + Number(zoneMinute);
  const localSeconds = day * secondsPerDay + Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  const seconds = localSeconds + (sign === '-' ? zoneMinutes : -zoneMinutes) * 60;
  return BigInt(seconds) * nsPerSecond + BigInt(fraction.padEnd(9, '0'));
}

/** Whether {@link parseTimestamp} takes the text; cheaper, for decoders that keep times as text. */
export function isTimestamp(text: string): boolean {
  return rfc3339.test(text) && fieldsInRange(text);
}

/** Field checks on text that matches {@link rfc3339}, whose first 19 characters stand at fixed places. */
function fieldsInRange(text: string): boolean {
  const month = digitsAt(text, 5);
  const day = digitsAt(text, 8);
  if (day < 1 || day > (monthDays[month - 1] ?? 0)) return false;
  if (month === 2 && day === 29 && !isLeapYear(digitsAt(text, 0) * 100 + digitsAt(text, 2))) return false;
  if (digitsAt(text, 11) > 23 || digitsAt(text, 14) > 59 || digitsAt(text, 17) > 59) return false;
  if (text.endsWith('Z')) return true;
  return digitsAt(text, text.length - 5) <= 23 && digitsAt(text, text.length - 2) <= 59;
}

function digitsAt(text: string, index: number): number {
  return text.charCodeAt(index) * 10 + text.charCodeAt(index + 1) - 528;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

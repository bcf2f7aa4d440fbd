import { UsageError } from '../base/errors.ts';

/** `2026-01-31 23:59:58` in the time zone of this process, as restic shows times. */
export function formatLocalTime(epochMs: number): string {
  const date = new Date(epochMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Milliseconds since the epoch of `now`, `2026-01-31 23:59:58` in local time, or RFC 3339 text. */
export function parseTimeMs(text: string, nowMs: number): number {
  if (text === 'now') return nowMs;
  const local = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text);
  const withZone = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text);
  const epochMs = local || withZone ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isFinite(epochMs)) return epochMs;
  throw new UsageError('not a time', {
    where: JSON.stringify(text),
    advice: 'write "2026-01-31 23:59:58", or RFC 3339 with a zone',
  });
}

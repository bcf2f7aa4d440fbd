import { UsageError } from '../base/errors.ts';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** As restic prints durations: `0:07`, `1:02:03`. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** Milliseconds of a duration such as `5m`, `1h30m`, `250ms`; UsageError for other text. */
export function parseDurationMs(text: string): number {
  const parts = text.match(/\d+(?:\.\d+)?(?:ms|[smhd])/g) ?? [];
  if (text === '0') return 0;
  if (parts.length === 0 || parts.join('') !== text) {
    throw new UsageError('not a duration', {
      where: JSON.stringify(text),
      advice: 'write a number and a unit, such as 30s, 5m or 1h30m',
    });
  }
  return parts.reduce((sum, part) => {
    const number = Number.parseFloat(part);
    return sum + number * (unitMs[part.replace(/^[\d.]+/, '')] ?? 0);
  }, 0);
}

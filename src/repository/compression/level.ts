import { UsageError } from '../../base/errors.ts';

/** Throws UsageError unless `level` is one of zstd's, 1 to 22. */
export function assertLevel(level: number): void {
  if (!Number.isInteger(level) || level < 1 || level > 22) {
    throw new UsageError(`no zstd level: ${level}`, { advice: 'use a whole number from 1 to 22' });
  }
}

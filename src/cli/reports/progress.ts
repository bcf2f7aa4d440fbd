import { formatBytes, formatRate } from '../byte-size.ts';
import { formatDuration } from '../duration.ts';

/** How far a pass is; the totals are undefined while nobody knows them. */
export interface Progress {
  readonly elapsedMs: number;
  readonly files: number;
  readonly bytes: number;
  readonly errors: number;
  readonly totalFiles?: number | undefined;
  readonly totalBytes?: number | undefined;
  /** What only this kind of pass has to tell. */
  readonly detail?: string | undefined;
  readonly current?: string | undefined;
}

/** 0 to 1; 0 while the total is unknown. */
export function fractionDone({ files, bytes, totalFiles = 0, totalBytes = 0 }: Progress): number {
  if (totalBytes > 0) return Math.min(1, bytes / totalBytes);
  return totalFiles > 0 ? Math.min(1, files / totalFiles) : 0;
}

/** By the bytes so far; undefined where that would be a wild guess. */
export function remainingMs(progress: Progress): number | undefined {
  const fraction = fractionDone(progress);
  if (fraction <= 0 || progress.elapsedMs < 1000) return undefined;
  return (progress.elapsedMs / fraction) * (1 - fraction);
}

/** `[0:12] 45.2 %  1234 / 2000 files  1.2 GiB / 3 GiB  120.3 MB/s  0:14 left`. */
export function progressText(progress: Progress): string {
  const { elapsedMs, files, bytes, errors, totalFiles, totalBytes, detail, current } = progress;
  const leftMs = remainingMs(progress);
  const known = totalFiles !== undefined && totalBytes !== undefined;
  const parts = [
    `[${formatDuration(elapsedMs)}]${known ? ` ${(fractionDone(progress) * 100).toFixed(1)} %` : ''}`,
    known ? `${files} / ${totalFiles} files` : `${files} files`,
    known ? `${formatBytes(bytes)} / ${formatBytes(totalBytes)}` : formatBytes(bytes),
    formatRate(bytes, elapsedMs),
    ...(detail === undefined ? [] : [detail]),
    ...(errors === 0 ? [] : [`${errors} errors`]),
    ...(leftMs === undefined ? [] : [`${formatDuration(leftMs)} left`]),
    ...(current === undefined ? [] : [current]),
  ];
  return parts.join('  ');
}

/** The members of restic's status message; those that are 0 are left out, but for the fraction. */
export function statusMessage(progress: Progress): object {
  const leftMs = remainingMs(progress);
  return {
    message_type: 'status',
    ...nonZero('seconds_elapsed', Math.floor(progress.elapsedMs / 1000)),
    ...nonZero('seconds_remaining', Math.floor((leftMs ?? 0) / 1000)),
    percent_done: fractionDone(progress),
    ...nonZero('total_files', progress.totalFiles ?? 0),
    ...nonZero('files_done', progress.files),
    ...nonZero('total_bytes', progress.totalBytes ?? 0),
    ...nonZero('bytes_done', progress.bytes),
    ...nonZero('error_count', progress.errors),
    ...(progress.current === undefined ? {} : { current_files: [progress.current] }),
  };
}

export function nonZero(key: string, value: number): Readonly<Record<string, number>> {
  return value === 0 ? {} : { [key]: value };
}

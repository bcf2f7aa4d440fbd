const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** As restic prints sizes: `17 B`, `1.234 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(3)} ${units[unit] ?? ''}`;
}

/** Throughput in decimal megabytes, as networks and disks are rated. */
export function formatRate(bytes: number, elapsedMs: number): string {
  return elapsedMs <= 0 ? '- MB/s' : `${(bytes / 1000 / elapsedMs).toFixed(1)} MB/s`;
}

/** How many times `part` goes into `whole`: `3.21x`; `-` where there is nothing to divide by. */
export function formatRatio(whole: number, part: number): string {
  return part <= 0 ? '-' : `${(whole / part).toFixed(2)}x`;
}

/**
 * What deduplication saved: bytes of the source by bytes that were new. Folders count among the new bytes only, so that
 * a tree of tiny files would come out below 1, which says nothing about its contents.
 */
export function formatDedup(processed: number, added: number): string {
  return added <= 0 ? '-' : formatRatio(Math.max(processed, added), added);
}

import type { DiskPerformance } from '../driver.ts';

interface Provisioned {
  readonly iops: boolean;
  readonly throughput: boolean;
}

/** Types whose performance is ordered; that of all others follows from size and type, and the API refuses it. */
const provisioned: Readonly<Record<string, Provisioned>> = {
  'hyperdisk-balanced': { iops: true, throughput: true },
  'hyperdisk-balanced-high-availability': { iops: true, throughput: true },
  'hyperdisk-extreme': { iops: true, throughput: false },
  'hyperdisk-ml': { iops: false, throughput: true },
  'hyperdisk-throughput': { iops: false, throughput: true },
  'pd-extreme': { iops: true, throughput: false },
};
const MIB = 2 ** 20;

/** The fields of a disk that order performance, as far as its type takes them. */
export function performanceFields(
  type: string,
  { iops, throughputBytesPerSecond }: DiskPerformance,
): { readonly provisionedIops?: number; readonly provisionedThroughput?: number } {
  const takes = Object.hasOwn(provisioned, type) ? provisioned[type] : undefined;
  return {
    ...(takes?.iops === true && iops !== undefined ? { provisionedIops: iops } : {}),
    ...(takes?.throughput === true && throughputBytesPerSecond !== undefined
      ? { provisionedThroughput: Math.ceil(throughputBytesPerSecond / MIB) }
      : {}),
  };
}

/** The performance that a disk has by its fields; what is zero was not ordered. */
export function performanceOf(disk: {
  readonly provisionedIops?: unknown;
  readonly provisionedThroughput?: unknown;
}): DiskPerformance {
  const iops = Number(disk.provisionedIops ?? 0);
  const throughput = Number(disk.provisionedThroughput ?? 0);
  return {
    ...(iops === 0 ? {} : { iops }),
    ...(throughput === 0 ? {} : { throughputBytesPerSecond: throughput * MIB }),
  };
}

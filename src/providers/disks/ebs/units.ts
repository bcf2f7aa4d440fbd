/** EBS counts sizes in GiB and throughput in MiB/s. */
const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** The least whole number of GiB that holds it. */
export function gibOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / GIB);
}

export function bytesOfGib(gib: number | undefined): number {
  return (gib ?? 0) * GIB;
}

/** The least whole number of MiB/s that is not slower. */
export function mibOf(bytesPerSecond: number): number {
  return Math.ceil(bytesPerSecond / MIB);
}

export function bytesOfMib(mib: number): number {
  return mib * MIB;
}

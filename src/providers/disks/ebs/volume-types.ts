import type { VolumeType as VolumeTypeName } from '@aws-sdk/client-ec2';
import type { DiskTypeLimits } from '../driver.ts';
import { bytesOfGib } from './units.ts';

/** What volumes of a type may have, and which of their performance can be chosen. */
export interface VolumeType extends DiskTypeLimits {
  readonly name: VolumeTypeName;
  readonly takesIops: boolean;
  readonly takesThroughput: boolean;
}

const TIB = 1024;

/** See "Amazon EBS volume types". EC2 has no call that tells them, and they are the same in all regions. */
const types: readonly VolumeType[] = [
  volumeType('gp2', 1, 16 * TIB),
  volumeType('gp3', 1, 64 * TIB, { takesIops: true, takesThroughput: true }),
  volumeType('io1', 4, 16 * TIB, { takesIops: true }),
  volumeType('io2', 4, 64 * TIB, { takesIops: true }),
  volumeType('st1', 125, 16 * TIB),
  volumeType('sc1', 125, 16 * TIB),
  volumeType('standard', 1, TIB),
];

/** Undefined where EBS has no such type. */
export function volumeTypeOf(name: string): VolumeType | undefined {
  return types.find((type) => type.name === name);
}

function volumeType(
  name: VolumeTypeName,
  minGib: number,
  maxGib: number,
  { takesIops = false, takesThroughput = false } = {},
): VolumeType {
  return {
    name,
    minSizeBytes: bytesOfGib(minGib),
    maxSizeBytes: bytesOfGib(maxGib),
    takesIops,
    takesThroughput,
  };
}

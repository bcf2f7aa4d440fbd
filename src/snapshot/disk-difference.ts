import { isZoneRedundant } from '../providers/disks/zone-redundancy.ts';
import type { DiskDescription, DiskEncryption, NewDisk } from '../providers/disks/driver.ts';

/** How a disk differs from what was ordered, in words; undefined where it does not. */
export function differenceOf(ordered: NewDisk, made: DiskDescription): string | undefined {
  const { iops, throughputBytesPerSecond: throughput } = ordered;
  const pairs: readonly (readonly [string, unknown, unknown, boolean])[] = [
    ['type', ordered.type, made.type, ordered.type === made.type],
    ['bytes', ordered.sizeBytes, made.sizeBytes, made.sizeBytes >= ordered.sizeBytes],
    ['IOPS', iops, made.iops, iops === undefined || made.iops === iops],
    [
      'throughput',
      throughput,
      made.throughputBytesPerSecond,
      throughput === undefined || made.throughputBytesPerSecond === throughput,
    ],
    [
      'encryption',
      nameOf(ordered.encryption),
      nameOf(made.encryption),
      isAtLeast(ordered.encryption, made.encryption),
    ],
    ['zones', ordered.zones.join(), made.zones.join(), isWithin(ordered.zones, made)],
  ];
  const differing = pairs.filter(([, , , isSame]) => !isSame);
  if (differing.length === 0) return undefined;
  return differing
    .map(([name, wanted, found]) => `${name} ${String(found)} instead of ${String(wanted)}`)
    .join(', ');
}

/** A disk that Azure keeps in all zones of its region is in none, and can be attached in each. */
function isWithin(ordered: readonly string[], { type, zones }: DiskDescription): boolean {
  return (zones.length === 0 && isZoneRedundant(type)) || ordered.every((zone) => zones.includes(zone));
}

function nameOf(encryption: DiskEncryption): string {
  return encryption.kind === 'customer-key' ? encryption.keyId : encryption.kind;
}

/** An account may encrypt by default what was not; a customer's key must be that key, in whichever of its forms. */
function isAtLeast(ordered: DiskEncryption, made: DiskEncryption): boolean {
  if (ordered.kind !== 'customer-key') return made.kind !== 'none' || ordered.kind === 'none';
  if (made.kind !== 'customer-key') return false;
  const [a, b] = [ordered.keyId.toLowerCase(), made.keyId.toLowerCase()];
  // A version of it (Google Cloud), its ARN in place of the id (AWS).
  return (
    a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`) || a.endsWith(`/${b}`) || b.endsWith(`/${a}`)
  );
}

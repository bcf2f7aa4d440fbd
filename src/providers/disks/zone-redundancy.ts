/** True for types that Azure keeps in all zones of a region: such a disk is in none. */
export function isZoneRedundant(type: string): boolean {
  return type.endsWith('_ZRS');
}

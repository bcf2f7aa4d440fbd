/** A location as Azure writes it in its answers: `West Europe` is `westeurope`. */
export function locationName(location: string): string {
  return location.toLowerCase().replaceAll(' ', '');
}

/** A zone as Kubernetes knows it: `westeurope-1`, where Azure says `1`. */
export function zoneName(region: string, zone: string): string {
  return `${region}-${zone}`;
}

/** What Azure says for a zone in either spelling. */
export function zoneNumber(zone: string): string {
  return zone.slice(zone.lastIndexOf('-') + 1);
}

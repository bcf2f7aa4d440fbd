/** What the double's Azure offers in its locations, as Azure's listings of it have it. */

export const locations = ['westeurope', 'northeurope'];
/** Of the first location; the other has none. */
export const zoneNumbers = ['1', '2', '3'];

interface Size {
  readonly type: string;
  readonly size: string;
  readonly gibibytes: readonly [min: number, max: number];
}

const sizes: readonly Size[] = [
  { type: 'Premium_LRS', size: 'P1', gibibytes: [1, 4] },
  { type: 'Premium_LRS', size: 'P10', gibibytes: [64, 128] },
  { type: 'Premium_LRS', size: 'P80', gibibytes: [16_384, 32_767] },
  { type: 'StandardSSD_LRS', size: 'E80', gibibytes: [1, 32_767] },
  { type: 'StandardSSD_ZRS', size: 'E80', gibibytes: [1, 32_767] },
  { type: 'Premium_ZRS', size: 'P80', gibibytes: [1, 32_767] },
  { type: 'Standard_LRS', size: 'S80', gibibytes: [1, 32_767] },
  { type: 'PremiumV2_LRS', size: 'P', gibibytes: [1, 65_536] },
];

/** The kinds of disks, and one of a machine, of a location; empty for one that there is not. */
export function skusIn(location: string): unknown[] {
  if (!locations.includes(location)) return [];
  const zones = location === locations[0] ? zoneNumbers : [];
  const here = { locations: [location], locationInfo: [{ location, zones, zoneDetails: [] }] };
  const disks = sizes.map(({ type, size, gibibytes: [min, max] }) => ({
    resourceType: 'disks',
    name: type,
    size,
    tier: type.split('_')[0],
    ...here,
    capabilities: [
      { name: 'MinSizeGiB', value: String(min) },
      { name: 'MaxSizeGiB', value: String(max) },
      { name: 'MaxIOps', value: '500' },
    ],
    restrictions: [],
  }));
  const closed = {
    ...disks[0],
    name: 'UltraSSD_LRS',
    restrictions: [
      {
        type: 'Location',
        values: [location],
        restrictionInfo: { locations: [location] },
        reasonCode: 'NotAvailableForSubscription',
      },
    ],
  };
  const machine = { resourceType: 'virtualMachines', name: 'Standard_D2s_v5', ...here, restrictions: [] };
  return [machine, closed, ...disks];
}

/** What of its quotas the subscription has used, by the name of each. */
export function usagesOf(used: Readonly<Record<string, number>>): unknown[] {
  return Object.entries({ cores: 4, ...used }).map(([value, currentValue]) => ({
    unit: 'Count',
    currentValue,
    limit: 50_000,
    name: { value, localizedValue: `How many ${value}` },
  }));
}

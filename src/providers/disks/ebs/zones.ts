import { DescribeAvailabilityZonesCommand, DescribeRegionsCommand } from '@aws-sdk/client-ec2';
import type { AbortableOptions } from '../../objects/driver.ts';
import type { Regions } from './regions.ts';

/** Zones of a region in which volumes can be made; none where there is no such region or the account may not use it. */
export async function listZones(
  name: string,
  regions: Regions,
  options: AbortableOptions,
): Promise<readonly string[]> {
  // A region that does not exist has no host that could say so.
  if (name !== regions.home.name && !(await hasRegion(name, regions, options))) return [];
  const command = new DescribeAvailabilityZonesCommand({
    Filters: [
      { Name: 'state', Values: ['available'] },
      { Name: 'zone-type', Values: ['availability-zone'] },
    ],
  });
  const { AvailabilityZones } = await regions
    .named(name)
    .ec2.send((client, sending) => client.send(command, sending), {
      action: 'ec2:DescribeAvailabilityZones',
      where: name,
      signal: options.signal,
    });
  return (AvailabilityZones ?? []).flatMap(({ ZoneName }) => ZoneName ?? []);
}

async function hasRegion(name: string, { home }: Regions, { signal }: AbortableOptions): Promise<boolean> {
  const command = new DescribeRegionsCommand({ Filters: [{ Name: 'region-name', Values: [name] }] });
  const { Regions: found } = await home.ec2.send((client, sending) => client.send(command, sending), {
    action: 'ec2:DescribeRegions',
    where: name,
    signal,
  });
  return (found ?? []).some(({ RegionName }) => RegionName === name);
}

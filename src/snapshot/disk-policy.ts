import type { DiskDriver, DiskProvider } from '../providers/disks/driver.ts';
import type { DiskPermissions } from '../providers/disks/permissions.ts';

/** What a program is there for: to take snapshots, to make disks of them, or to remove what is left over. */
export type DiskRole = 'snapshot' | 'restore' | 'sweep';

export const diskRoles: readonly DiskRole[] = ['snapshot', 'restore', 'sweep'];

type Method = keyof DiskDriver;

const look: readonly Method[] = ['account', 'describeSnapshot', 'listSnapshots', 'describeDisk'];
const check: readonly Method[] = ['describeType', 'listZones', 'describeQuotas'];

/** The calls of each role; what was made in vain is removed by whoever made it. */
export const callsOfRole: Readonly<Record<DiskRole, readonly Method[]>> = {
  snapshot: [
    ...look,
    ...check,
    'createSnapshot',
    'createSnapshots',
    'shareSnapshot',
    'unshareSnapshot',
    'deleteSnapshot',
  ],
  restore: [...look, ...check, 'createDisk', 'listDisks', 'deleteDisk', 'copySnapshot', 'deleteSnapshot'],
  sweep: [...look, 'listDisks', 'deleteDisk', 'deleteSnapshot', 'unshareSnapshot'],
};

/** The least that a role must be allowed, each once, sorted; `permissions` is what the calls of a driver take. */
export function permissionsOfRole(role: DiskRole, permissions: DiskPermissions): string[] {
  return [...new Set(callsOfRole[role].flatMap((method) => permissions[method] ?? []))].sort();
}

/**
 * The least that a role must be allowed, as the cloud takes it: an IAM policy of AWS, a custom role of Google Cloud or
 * of Azure. `permissions` is what {@link diskPermissions} gives.
 *
 * @example
 * console.log(diskPolicy('aws', 'sweep', { listSnapshots: ['ec2:DescribeSnapshots'] }));
 */
export function diskPolicy(provider: DiskProvider, role: DiskRole, permissions: DiskPermissions): string {
  const allowed = permissionsOfRole(role, permissions);
  switch (provider) {
    case 'aws':
      return json({
        Version: '2012-10-17',
        Statement: [{ Sid: `Disk${capital(role)}`, Effect: 'Allow', Action: allowed, Resource: '*' }],
      });
    case 'gcp': {
      const lines = allowed.map((permission) => `  - ${permission}`);
      return [`title: tranship disk ${role}`, 'stage: GA', 'includedPermissions:', ...lines, ''].join('\n');
    }
    case 'azure':
      return json({
        Name: `tranship disk ${role}`,
        IsCustom: true,
        // Types, quotas and what is tagged are listed for a subscription, which a role of a group does not allow.
        Description:
          'Assign it for the subscription. Actions other than those that end in /read may be left to a second role, ' +
          'assigned in the resource groups of the disks and of the snapshots.',
        Actions: allowed,
        NotActions: [],
        AssignableScopes: ['/subscriptions/SUBSCRIPTION'],
      });
  }
}

function capital(word: string): string {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

import type { DiskProvider } from '../../providers/disks/driver.ts';
import { isInNoZone } from './disk-families.ts';
import { disagree } from './rule.ts';
import type { PreflightRule } from './rule.ts';
import type { PreflightFacts } from './facts.ts';

const list = (values: readonly string[]): string => (values.length === 0 ? 'none' : values.join(', '));

/** Where things are: provider, region, zone, account, resource group. */
export const placeRules: readonly PreflightRule[] = [
  {
    code: 'provider-mismatch',
    severity: 'error',
    rule: 'Both clusters are on one provider.',
    check: ({ source, target }) =>
      differ(source.provider, target.provider)
        ? disagree(
            ['the source cluster’s provider', String(source.provider)],
            ['the target cluster’s provider', String(target.provider)],
            'copy the volume by its files, which works between providers',
          )
        : undefined,
  },
  {
    code: 'repository-provider-mismatch',
    severity: 'error',
    rule: 'The repository is on the provider of the clusters.',
    check: ({ source, repository }) =>
      source.provider !== undefined && repository.provider !== source.provider
        ? disagree(
            ['the repository’s provider', repository.provider ?? 'none that has disks'],
            ['the clusters’ provider', source.provider],
            'use a repository in a bucket of that provider, or copy the volume by its files',
          )
        : undefined,
  },
  {
    code: 'region-mismatch',
    severity: 'error',
    rule: 'Both clusters are in one region or location.',
    check: ({ source, target, cloud }) =>
      differ(source.region, target.region) && target.region !== undefined
        ? disagree(
            ['the source cluster’s region', String(source.region)],
            ['the target cluster’s region', target.region],
            betweenRegions(source.provider, cloud),
            cloud?.capabilities.copiesBetweenRegions === true
              ? { kind: 'copy-to-region', region: target.region }
              : undefined,
          )
        : undefined,
  },
  {
    code: 'repository-region-mismatch',
    severity: 'error',
    rule: 'The repository is in the region or location of the clusters.',
    check: ({ source, repository }) =>
      repository.provider === source.provider && differ(repository.region, source.region)
        ? disagree(
            ['the repository’s region', String(repository.region)],
            ['the source cluster’s region', String(source.region)],
            'use a repository in a bucket of that region',
          )
        : undefined,
  },
  {
    code: 'region-unknown',
    severity: 'error',
    rule: 'The target’s region exists, and disks can be made in it.',
    check: ({ target, cloud }) =>
      cloud !== undefined && target.region !== undefined && cloud.targetZones.length === 0
        ? disagree(
            ['the target’s region', target.region],
            ['zones of it in which disks can be made', 'none'],
            'check how the region is written, and that the account may use it',
          )
        : undefined,
  },
  {
    code: 'zone-unreachable',
    severity: 'error',
    rule: 'The disk will be in zones that the target’s nodes, its class and its region have.',
    check: checkZones,
  },
  {
    code: 'zone-count',
    severity: 'error',
    rule: 'A disk that is in several zones is restored into as many.',
    check: ({ cloud, mapping: { zones = [] }, target }) => {
      const own = cloud?.disk?.zones ?? [];
      if (zones.length === 0 || zones.length === own.length || own.length < 2) return undefined;
      return disagree(
        ['the zones to restore into', list(zones)],
        ['the disk’s replica zones', list(own)],
        `name ${own.length} zones of ${target.region ?? 'the region'}`,
      );
    },
  },
  {
    code: 'subscription-mismatch',
    severity: 'error',
    rule: 'Azure: the disk is in the source cluster’s subscription.',
    check: ({ handle, source }) =>
      handle?.provider === 'azure' && differ(handle.account?.toLowerCase(), source.account?.toLowerCase())
        ? disagree(
            ['the disk’s subscription', String(handle.account)],
            ['the source cluster’s subscription', String(source.account)],
            'use credentials of the disk’s subscription, and name that',
          )
        : undefined,
  },
  {
    code: 'resource-group-mismatch',
    severity: 'error',
    rule: 'Azure: the disk is in the resource group of the source cluster’s disks.',
    check: ({ handle, source }) =>
      handle?.provider === 'azure' &&
      differ(handle.resourceGroup?.toLowerCase(), source.resourceGroup?.toLowerCase())
        ? disagree(
            ['the disk’s resource group', String(handle.resourceGroup)],
            ['the source cluster’s resource group', String(source.resourceGroup)],
            'name the group that has the disks: of AKS it is the one whose name begins with MC_',
          )
        : undefined,
  },
  {
    code: 'resource-group-missing',
    severity: 'error',
    rule: 'Azure: the target’s resource group is known, and is not the source cluster’s own.',
    check: ({ handle, target, source }) => {
      if (handle?.provider !== 'azure') return undefined;
      const group = target.resourceGroup;
      if (group !== undefined && group.toLowerCase() !== source.resourceGroup?.toLowerCase())
        return undefined;
      return disagree(
        ['the target’s resource group', group ?? 'not named'],
        ['the source cluster’s resource group, which goes with it', source.resourceGroup ?? 'not known'],
        'name the group of the target’s disks (`--target-resource-group`)',
      );
    },
  },
  {
    code: 'snapshot-not-shared',
    severity: 'error',
    rule: 'The snapshot can be seen with the target’s own credentials.',
    check: ({ cloud, target, shareWith }) => {
      const account = cloud?.disk?.account;
      if (target.account === undefined || account === undefined || account === target.account)
        return undefined;
      if (cloud?.capabilities.sharesByAccount === false) {
        return disagree(
          ['the account that has the snapshot', account],
          ['the target’s account', target.account],
          'let the target’s credentials read snapshots there (`tranship disk policy`), then allow this rule',
        );
      }
      if (shareWith.includes(target.account)) return undefined;
      return disagree(
        ['the account that has the snapshot', account],
        ['the target’s account', target.account],
        `share it (\`tranship disk snapshot --share-with ${target.account}\`)`,
        { kind: 'share', account: target.account },
      );
    },
  },
];

function betweenRegions(provider: DiskProvider | undefined, cloud: PreflightFacts['cloud']): string {
  if (cloud?.capabilities.copiesBetweenRegions === true) {
    return 'restore with a copy of the snapshot in the target’s region (`tranship disk restore --copy`)';
  }
  return provider === 'gcp'
    ? 'allow this rule (`--allow region-mismatch`): snapshots of Google Cloud are restored in any region'
    : 'copy the volume by its files, or restore in the source’s region';
}

/** True where both are known and are not the same. */
function differ(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

function checkZones({ cloud, mapping, target, targetClass }: PreflightFacts) {
  if (cloud?.disk === undefined) return undefined;
  const zones = mapping.zones ?? cloud.disk.zones;
  const limits: readonly (readonly [string, readonly string[]])[] = [
    ['zones of the target’s region', cloud.targetZones],
    ['zones of the target’s nodes', target.zones],
    ['zones that the class allows', targetClass?.facts?.zones ?? []],
  ];
  const reachable = limits
    .map(([, allowed]) => allowed)
    .filter((allowed) => allowed.length > 0)
    .reduce((all, allowed) => all.filter((zone) => allowed.includes(zone)), cloud.targetZones);
  const { provider, type } = cloud.disk;
  const isOnlyZonal = isInNoZone(provider, mapping.type ?? type, zones);
  for (const [what, allowed] of limits) {
    const isMissing = isOnlyZonal
      ? allowed === target.zones && allowed.every((zone) => cloud.targetZones.includes(zone))
      : zones.some((zone) => !allowed.includes(zone));
    if (allowed.length === 0 || !isMissing) continue;
    return disagree(
      ['the disk’s zones', list(zones)],
      [what, list(allowed)],
      reachable.length > 0
        ? `restore into ${list(reachable)} (\`--zone\`)`
        : 'add nodes in a zone of the region, or use another class',
      reachable.length > 0 ? { kind: 'choose-zones', zones: reachable } : undefined,
    );
  }
  return undefined;
}

import { csiDriverOf, familyOf, snapshotProvisioners, typeOfClass, typesOf } from './disk-families.ts';
import type { DiskMapping } from '../disk-mapping.ts';
import type { PreflightClass } from './facts.ts';
import { quotaNeeds } from './quota-needs.ts';
import { disagree } from './rule.ts';
import type { PreflightRule } from './rule.ts';

const unnamed: PreflightClass = { name: '' };

/** What the disk is, and what its class is: existence, provisioner, type, size, key, quota, use. */
export const diskRules: readonly PreflightRule[] = [
  {
    code: 'handle-unknown',
    severity: 'error',
    rule: 'The volume is on a disk of EBS, Google Cloud or Azure, by a handle of a known form.',
    check: ({ handle, driver, volume }) =>
      handle === undefined
        ? disagree(
            ['what the volume is on', driver],
            ['what can be snapshotted', snapshotProvisioners().join(', ')],
            `copy ${volume} by its files`,
          )
        : undefined,
  },
  {
    code: 'disk-missing',
    severity: 'error',
    rule: 'The disk is there, and can be read.',
    check: ({ handle, cloud }) => {
      if (handle === undefined || cloud === undefined) return undefined;
      const state = cloud.disk?.state ?? 'gone';
      if (state === 'available' || state === 'in-use') return undefined;
      return disagree(
        ['the disk', `${handle.diskId} is ${state}`],
        ['what a snapshot needs', 'available or in-use'],
        'check the handle, and the region and account of the credentials',
      );
    },
  },
  {
    code: 'class-missing',
    severity: 'error',
    rule: 'The target cluster has the storage class.',
    check: ({ targetClass }) =>
      targetClass !== undefined && targetClass.facts === undefined
        ? disagree(
            ['the target’s storage class', targetClass.name],
            ['what the target cluster has of it', 'nothing'],
            'name one that it has, or make it first',
          )
        : undefined,
  },
  {
    code: 'provisioner-without-snapshots',
    severity: 'error',
    rule: 'The target class is of a provisioner whose disks can be snapshotted.',
    check: ({ targetClass: { name, facts } = unnamed }) =>
      facts !== undefined && csiDriverOf(facts.provisioner) === undefined
        ? disagree(
            [`the provisioner of ${name}`, facts.provisioner],
            ['those with disk snapshots', snapshotProvisioners().join(', ')],
            'choose a class of one of these, or copy the volume by its files',
          )
        : undefined,
  },
  {
    code: 'provisioner-mismatch',
    severity: 'error',
    rule: 'The target class is of the source’s provisioner; CSI stands for the in-tree plug-in of the same disks.',
    check: ({ driver, targetClass: { name, facts } = unnamed }) => {
      const [own, target] = [csiDriverOf(driver), facts && csiDriverOf(facts.provisioner)];
      if (own === undefined || facts === undefined || target === undefined || own === target)
        return undefined;
      return disagree(
        ['what the volume is on', driver],
        [`the provisioner of ${name}`, facts.provisioner],
        `choose a class of ${own}, or copy the volume by its files`,
      );
    },
  },
  {
    code: 'type-family-mismatch',
    severity: 'error',
    rule: 'The target class orders disks of the same family of types.',
    check: ({ cloud, mapping, targetClass: { name, facts } = unnamed }) => {
      const type = facts && typeOfClass(facts);
      if (cloud?.disk === undefined || type === undefined) return undefined;
      const { provider } = cloud.disk;
      const own = mapping.type ?? cloud.disk.type;
      const [family, wanted] = [familyOf(provider, own), familyOf(provider, type)];
      if (family === undefined || wanted === undefined || family === wanted) return undefined;
      return disagree(
        ['the disk’s type', `${own} (${family})`],
        [`the type of ${name}`, `${type} (${wanted})`],
        `choose a class of ${own}, or restore as ${type} (\`--type ${type}\`) and check its performance`,
      );
    },
  },
  {
    code: 'type-unsupported',
    severity: 'error',
    rule: 'The disk’s type can be snapshotted, and the target’s region has it.',
    check: ({ cloud, mapping, target }) => {
      if (cloud?.disk === undefined) return undefined;
      const { provider, type } = cloud.disk;
      if (familyOf(provider, type) === undefined) {
        return disagree(
          ['the disk’s type', type],
          ['those that can be snapshotted', typesOf(provider).join(', ')],
          'copy the volume by its files',
        );
      }
      if (cloud.typeLimits !== undefined || cloud.targetZones.length === 0) return undefined;
      return disagree(
        ['the disk’s type', mapping.type ?? type],
        [`what ${target.region ?? 'the region'} has of it`, 'nothing'],
        'restore as another type (`--type`)',
      );
    },
  },
  {
    code: 'size-out-of-range',
    severity: 'error',
    rule: 'The disk’s size is within what its type may have in the target’s region.',
    check: ({ cloud, mapping }) => {
      if (cloud?.disk === undefined || cloud.typeLimits === undefined) return undefined;
      const { sizeBytes, type } = { ...cloud.disk, ...given(mapping) };
      const { minSizeBytes, maxSizeBytes } = cloud.typeLimits;
      if (sizeBytes >= minSizeBytes && sizeBytes <= maxSizeBytes) return undefined;
      return disagree(
        ['the disk’s size', `${sizeBytes} bytes`],
        [`what ${type} may have`, `${minSizeBytes} to ${maxSizeBytes} bytes`],
        sizeBytes < minSizeBytes ? 'restore it larger (`--size`)' : 'restore as another type (`--type`)',
      );
    },
  },
  {
    code: 'key-unusable',
    severity: 'error',
    rule: 'The disk’s encryption key can be used in the target’s region and account.',
    check: ({ cloud, mapping, source, target }) => {
      if (cloud?.disk === undefined) return undefined;
      const { account, provider } = cloud.disk;
      const isElsewhere = target.account !== undefined && target.account !== account;
      if (cloud.disk.encryption.kind === 'provider-key' && provider === 'aws' && isElsewhere) {
        return disagree(
          ['the disk’s key', 'the account’s own key of the provider'],
          ['the target’s account, which cannot be given it', target.account],
          'take the snapshot of a disk with a key of your own, or copy the volume by its files',
        );
      }
      const encryption = mapping.encryption ?? cloud.disk.encryption;
      if (encryption.kind !== 'customer-key') return undefined;
      const region = regionOfKey(encryption.keyId) ?? source.region;
      if (
        region === undefined ||
        target.region === undefined ||
        region === target.region ||
        region === 'global'
      ) {
        return undefined;
      }
      return disagree(
        ['the disk’s key', `${encryption.keyId} of ${region}`],
        ['the target’s region', target.region],
        'name a key of that region (`--key`)',
      );
    },
  },
  {
    code: 'quota-exceeded',
    severity: 'error',
    rule: 'The account’s quotas have room for a snapshot and a disk of that size for each volume.',
    check: (facts) => {
      const [needs, planned] = [quotaNeeds(facts), facts.planned ?? {}];
      for (const { name, unit, limit, used } of facts.cloud?.quotas ?? []) {
        const need = (needs[name] ?? 0) + (planned[name] ?? 0);
        if (need === 0 || used + need <= limit) continue;
        return disagree(
          [`used of the quota ${name}, and needed`, `${used} + ${need} ${unit}`],
          ['its limit', String(limit)],
          'remove what is not needed (`tranship disk sweep`), or have the quota raised',
        );
      }
      return undefined;
    },
  },
  {
    code: 'snapshots-per-disk',
    severity: 'error',
    rule: 'The disk has room for one more snapshot.',
    check: ({ cloud }) => {
      const limit = cloud?.capabilities.snapshotsPerDisk;
      if (cloud === undefined || limit === undefined || cloud.snapshotsMs.length < limit) return undefined;
      return disagree(
        ['snapshots of the disk', String(cloud.snapshotsMs.length)],
        ['what one disk may have', String(limit)],
        'remove old ones (`tranship disk sweep`, `tranship disk delete`)',
      );
    },
  },
  {
    code: 'snapshot-too-soon',
    severity: 'error',
    rule: 'The last snapshot of the disk is old enough for the next one.',
    check: ({ cloud }) => {
      if (cloud === undefined || cloud.snapshotsMs.length === 0) return undefined;
      const sinceMs = cloud.nowMs - Math.max(...cloud.snapshotsMs);
      const { snapshotIntervalMs } = cloud.capabilities;
      if (sinceMs >= snapshotIntervalMs) return undefined;
      const waitMs = snapshotIntervalMs - sinceMs;
      return disagree(
        ['since the last snapshot of the disk', `${Math.max(0, Math.floor(sinceMs / 1000))} s`],
        ['the least time between two', `${Math.ceil(snapshotIntervalMs / 1000)} s`],
        `wait ${Math.ceil(waitMs / 1000)} s`,
        { kind: 'wait', waitMs },
      );
    },
  },
  {
    code: 'not-quiesced',
    severity: 'warning',
    rule: 'Nothing writes to the disk while it is snapshotted.',
    check: ({ cloud, quiesced }) => {
      const machines = cloud?.disk?.attachedTo ?? [];
      if (quiesced || machines.length === 0) return undefined;
      return disagree(
        ['the disk is attached to', machines.join(', ')],
        ['what makes files whole', 'a stopped application, or a frozen file system'],
        'stop the application first and say so (`--quiesced`), or take what a power failure would leave',
      );
    },
  },
  {
    code: 'final-only',
    severity: 'error',
    rule: 'A disk snapshot is taken in the final pass only: it is not incremental for the target.',
    check: ({ pass }) =>
      pass === 'final'
        ? undefined
        : disagree(
            ['the pass', pass],
            ['the pass that takes disk snapshots', 'final'],
            'leave the volume out of stage passes: the final one copies it as a whole',
          ),
  },
];

function given({ type, sizeBytes }: DiskMapping): { readonly type?: string; readonly sizeBytes?: number } {
  return { ...(type === undefined ? {} : { type }), ...(sizeBytes === undefined ? {} : { sizeBytes }) };
}

/** `arn:aws:kms:us-east-1:...`, `projects/P/locations/europe-west1/keyRings/...`. */
function regionOfKey(keyId: string): string | undefined {
  return /^arn:[^:]+:kms:([^:]+):/.exec(keyId)?.[1] ?? /\/locations\/([^/]+)\/keyRings\//.exec(keyId)?.[1];
}

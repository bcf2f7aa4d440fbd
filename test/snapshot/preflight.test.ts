import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DiskError } from '../../src/base/errors.ts';
import type { DiskDescription } from '../../src/providers/disks/driver.ts';
import { parseDiskHandle } from '../../src/providers/disks/handle.ts';
import type { StorageClassFacts } from '../../src/snapshot/cluster-objects.ts';
import { preflight, preflightRules, refuseViolations } from '../../src/snapshot/preflight.ts';
import { quotaNeeds } from '../../src/snapshot/preflight/quota-needs.ts';
import type { PreflightCloudFacts, PreflightFacts } from '../../src/snapshot/preflight/facts.ts';

const gib = 2 ** 30;
const nowMs = Date.UTC(2026, 0, 1);
const disk: DiskDescription = {
  provider: 'aws',
  id: 'vol-0123456789abcdef0',
  account: '111111111111',
  state: 'available',
  sizeBytes: 8 * gib,
  type: 'gp3',
  region: 'us-east-1',
  zones: ['us-east-1a'],
  encryption: { kind: 'none' },
  attachedTo: [],
  tags: {},
  createdMs: nowMs,
};
const cloud: PreflightCloudFacts = {
  disk,
  typeLimits: { minSizeBytes: gib, maxSizeBytes: 16_384 * gib },
  targetZones: ['us-east-1a', 'us-east-1b'],
  quotas: [{ name: 'snapshots', unit: 'snapshots', limit: 100_000, used: 7 }],
  snapshotsMs: [],
  capabilities: { copiesBetweenRegions: true, snapshotIntervalMs: 15_000, snapshotsPerDisk: 500 },
  nowMs,
};
const cluster = {
  provider: 'aws',
  region: 'us-east-1',
  account: '111111111111',
  zones: ['us-east-1a'],
} as const;
const fast: StorageClassFacts = {
  name: 'fast',
  provisioner: 'ebs.csi.aws.com',
  parameters: { type: 'gp3' },
  zones: [],
};
const good: PreflightFacts = {
  volume: 'data',
  driver: 'ebs.csi.aws.com',
  handle: parseDiskHandle(disk.id),
  source: cluster,
  target: cluster,
  sourceClass: { name: 'fast', facts: fast },
  targetClass: { name: 'fast', facts: fast },
  repository: { provider: 'aws', region: 'us-east-1' },
  pass: 'final',
  quiesced: true,
  shareWith: [],
  mapping: {},
  cloud,
};
const azureDisk = parseDiskHandle(
  '/subscriptions/s1/resourceGroups/MC_one/providers/Microsoft.Compute/disks/pvc-1',
);
const azureCluster = {
  provider: 'azure',
  region: 'westeurope',
  account: 's1',
  resourceGroup: 'mc_one',
  zones: [],
} as const;
const azure: PreflightFacts = {
  ...good,
  driver: 'disk.csi.azure.com',
  handle: azureDisk,
  source: azureCluster,
  target: { ...azureCluster, resourceGroup: 'MC_two' },
  targetClass: {
    name: 'managed',
    facts: {
      name: 'managed',
      provisioner: 'disk.csi.azure.com',
      parameters: { skuName: 'Premium_LRS' },
      zones: [],
    },
  },
  repository: { provider: 'azure', region: 'westeurope' },
  cloud: undefined,
};

function withDisk(change: Partial<DiskDescription>): PreflightFacts {
  return { ...good, cloud: { ...cloud, disk: { ...disk, ...change } } };
}

function withClass(change: Partial<StorageClassFacts>): PreflightFacts {
  return { ...good, targetClass: { name: 'other', facts: { ...fast, ...change } } };
}

/** For each rule facts that break it alone, and the two values that it must name. */
const broken: Readonly<Record<string, readonly [PreflightFacts, string, string]>> = {
  'provider-mismatch': [{ ...good, target: { ...cluster, provider: 'gcp' } }, 'aws', 'gcp'],
  'repository-provider-mismatch': [{ ...good, repository: {} }, 'none that has disks', 'aws'],
  'region-mismatch': [
    {
      ...good,
      target: { ...cluster, region: 'eu-west-1', zones: [] },
      cloud: { ...cloud, targetZones: ['eu-west-1a'] },
      mapping: { zones: ['eu-west-1a'] },
    },
    'us-east-1',
    'eu-west-1',
  ],
  'repository-region-mismatch': [
    { ...good, repository: { provider: 'aws', region: 'eu-west-1' } },
    'eu-west-1',
    'us-east-1',
  ],
  'region-unknown': [{ ...good, cloud: { ...cloud, targetZones: [] } }, 'us-east-1', 'none'],
  'zone-unreachable': [
    { ...good, target: { ...cluster, zones: ['us-east-1b'] } },
    'us-east-1a',
    'us-east-1b',
  ],
  'zone-count': [
    {
      ...withDisk({ zones: ['us-east-1a', 'us-east-1b'] }),
      mapping: { zones: ['us-east-1a'] },
    },
    'us-east-1a',
    'us-east-1a, us-east-1b',
  ],
  'subscription-mismatch': [{ ...azure, source: { ...azureCluster, account: 's2' } }, 's1', 's2'],
  'resource-group-mismatch': [
    { ...azure, source: { ...azureCluster, resourceGroup: 'MC_three' } },
    'MC_one',
    'MC_three',
  ],
  'resource-group-missing': [
    { ...azure, target: { ...azureCluster, resourceGroup: undefined } },
    'not named',
    'mc_one',
  ],
  'snapshot-not-shared': [
    { ...good, target: { ...cluster, account: '222222222222' } },
    '111111111111',
    '222222222222',
  ],
  'handle-unknown': [
    { ...good, driver: 'nfs', handle: undefined, cloud: undefined },
    'nfs',
    'ebs.csi.aws.com',
  ],
  'disk-missing': [{ ...good, cloud: { ...cloud, disk: undefined } }, 'gone', 'available'],
  'class-missing': [{ ...good, targetClass: { name: 'absent' } }, 'absent', 'nothing'],
  'provisioner-without-snapshots': [
    withClass({ provisioner: 'example.com/nfs' }),
    'example.com/nfs',
    'ebs.csi.aws.com',
  ],
  'provisioner-mismatch': [
    withClass({ provisioner: 'pd.csi.storage.gke.io', parameters: { type: 'gp3' } }),
    'ebs.csi.aws.com',
    'pd.csi.storage.gke.io',
  ],
  'type-family-mismatch': [withClass({ parameters: { type: 'io2' } }), 'gp3', 'io2'],
  'type-unsupported': [{ ...good, cloud: { ...cloud, typeLimits: undefined } }, 'gp3', 'nothing'],
  'size-out-of-range': [withDisk({ sizeBytes: 20_000 * gib }), '21474836480000', 'bytes'],
  'key-unusable': [
    withDisk({
      encryption: { kind: 'customer-key', keyId: 'arn:aws:kms:eu-west-1:111111111111:key/k' },
    }),
    'eu-west-1',
    'us-east-1',
  ],
  'quota-exceeded': [
    {
      ...good,
      cloud: { ...cloud, quotas: [{ name: 'snapshots', unit: 'snapshots', limit: 10, used: 10 }] },
    },
    '10 + 1 snapshots',
    '10',
  ],
  'snapshots-per-disk': [
    { ...good, cloud: { ...cloud, snapshotsMs: new Array<number>(500).fill(0) } },
    '500',
    '500',
  ],
  'snapshot-too-soon': [{ ...good, cloud: { ...cloud, snapshotsMs: [nowMs - 5_000] } }, '5 s', '15 s'],
  'not-quiesced': [
    { ...withDisk({ state: 'in-use', attachedTo: ['i-1'] }), quiesced: false },
    'i-1',
    'a stopped application',
  ],
  'final-only': [{ ...good, pass: 'stage' }, 'stage', 'final'],
};

describe('preflight', () => {
  it('finds nothing where everything agrees', () => {
    assert.deepEqual(preflight(good), []);
    assert.deepEqual(preflight(azure), []);
  });

  it('has a case for every rule', () => {
    assert.deepEqual(Object.keys(broken).sort(), preflightRules.map(({ code }) => code).sort());
  });

  for (const [code, [facts, found, wanted]] of Object.entries(broken)) {
    it(`tells ${code}, with both values and what to do`, () => {
      const violations = preflight(facts);
      assert.deepEqual(
        violations.map((violation) => violation.code),
        [code],
      );
      const [violation] = violations;
      assert.ok(violation);
      assert.ok(violation.found.value.includes(found), violation.found.value);
      assert.ok(violation.wanted.value.includes(wanted), violation.wanted.value);
      assert.ok(violation.advice.length > 5);
    });
  }

  it('of clusters on two providers tells nothing but that', () => {
    const target = { ...cluster, provider: 'gcp', region: 'us-central1', account: 'project' } as const;
    const codes = preflight({ ...good, target, quiesced: false }).map(({ code }) => code);
    assert.deepEqual(codes, ['provider-mismatch']);
  });

  it('offers a copy between regions only where the cloud can', () => {
    const [facts] = broken['region-mismatch'] ?? [];
    assert.ok(facts?.cloud);
    assert.deepEqual(preflight(facts)[0]?.remedy, { kind: 'copy-to-region', region: 'eu-west-1' });
    const capabilities = { ...cloud.capabilities, copiesBetweenRegions: false };
    const [violation] = preflight({ ...facts, cloud: { ...facts.cloud, capabilities } });
    assert.equal(violation?.remedy, undefined);
  });

  it('offers the zones that the target has', () => {
    const [facts] = broken['zone-unreachable'] ?? [];
    assert.ok(facts);
    assert.deepEqual(preflight(facts)[0]?.remedy, { kind: 'choose-zones', zones: ['us-east-1b'] });
    assert.deepEqual(preflight({ ...facts, mapping: { zones: ['us-east-1b'] } }), []);
  });

  it('tells a quota that is not full and has no room for the disk, or for the disks before it', () => {
    const codesFor = (limit: number, planned?: Readonly<Record<string, number>>): string[] => {
      const quotas = [{ name: 'SSD_TOTAL_GB', unit: 'gib', limit, used: 100 }] as const;
      return preflight({ ...good, planned, cloud: { ...cloud, quotas } }).map(({ code }) => code);
    };
    assert.deepEqual(codesFor(107), ['quota-exceeded']);
    assert.deepEqual(codesFor(108), []);
    assert.deepEqual(codesFor(108, { SSD_TOTAL_GB: 1 }), ['quota-exceeded']);
    const quotas = [{ name: 'HDB_TOTAL_IOPS', unit: 'iops', limit: 100, used: 100 }] as const;
    assert.deepEqual(preflight({ ...good, cloud: { ...cloud, quotas } }), []);
    const facts = { ...good, mapping: { iops: 1 }, cloud: { ...cloud, quotas } };
    assert.deepEqual(quotaNeeds(facts), { HDB_TOTAL_IOPS: 1 });
    assert.equal(preflight(facts)[0]?.code, 'quota-exceeded');
  });

  it('tells that a disk of Azure in no zone cannot be attached to nodes that are in one', () => {
    const zones = ['westeurope-1', 'westeurope-2'];
    const own = { ...disk, provider: 'azure', account: 's1', region: 'westeurope', zones: [] } as const;
    const codesFor = (type: string, nodes: readonly string[], mapping = {}): string[] => {
      const target = { ...azure.target, zones: nodes };
      const asked = { ...cloud, disk: { ...own, type }, targetZones: zones, snapshotsMs: [] };
      return preflight({ ...azure, target, mapping, cloud: asked }).map(({ code }) => code);
    };
    assert.deepEqual(codesFor('Premium_LRS', zones), ['zone-unreachable']);
    assert.deepEqual(codesFor('Premium_LRS', zones, { zones: ['westeurope-2'] }), []);
    assert.deepEqual(codesFor('Premium_LRS', ['0']), []);
    assert.deepEqual(codesFor('Premium_LRS', []), []);
    assert.deepEqual(codesFor('Premium_ZRS', zones), []);
  });

  it('says that a snapshot of Google Cloud can be restored in any region', () => {
    const google = { ...cluster, provider: 'gcp' } as const;
    const facts = { ...good, cloud: undefined, repository: { provider: 'gcp' } } as const;
    const [violation] = preflight({ ...facts, source: google, target: { ...google, region: 'eu' } });
    assert.match(violation?.advice ?? '', /--allow region-mismatch/);
  });

  it('honours the zones that a class allows', () => {
    assert.deepEqual(
      preflight(withClass({ zones: ['us-east-1b'] })).map(({ code }) => code),
      ['zone-unreachable'],
    );
  });

  it('takes the CSI driver for the in-tree plug-in of the same disks', () => {
    assert.deepEqual(preflight({ ...good, driver: 'kubernetes.io/aws-ebs' }), []);
  });

  it('knows that a snapshot under the provider’s own key cannot be shared', () => {
    const facts = withDisk({ encryption: { kind: 'provider-key' } });
    const target = { ...cluster, account: '222222222222' };
    const codes = preflight({ ...facts, target, shareWith: ['222222222222'] }).map(({ code }) => code);
    assert.deepEqual(codes, ['key-unusable']);
  });

  it('judges nothing that is not known', () => {
    const unknown = { zones: [] };
    assert.deepEqual(
      preflight({ ...good, source: unknown, target: unknown, repository: {}, cloud: undefined }),
      [],
    );
  });

  it('refuses errors, and lets warnings pass', () => {
    const warned = preflight(broken['not-quiesced']?.[0] ?? good);
    assert.equal(warned.length, 1);
    refuseViolations(warned);
    const refused = preflight(broken['final-only']?.[0] ?? good);
    assert.throws(
      () => refuseViolations(refused),
      (error) => error instanceof DiskError && error.code === 'refused' && /final-only/.test(error.message),
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { UsageError } from '../../src/base/errors.ts';
import { parseDiskHandle } from '../../src/providers/disks/handle.ts';
import { readClusterObjects } from '../../src/snapshot/cluster-objects.ts';
import { diskManifests } from '../../src/snapshot/manifests.ts';
import { parseQuantity } from '../../src/snapshot/quantity.ts';

const azureId = '/subscriptions/S/resourceGroups/MC_g/providers/Microsoft.Compute/disks/pvc-1';

describe('volume handles', () => {
  const forms: Readonly<Record<string, object>> = {
    'vol-0123456789abcdef0': { provider: 'aws', diskId: 'vol-0123456789abcdef0' },
    'vol-01234567': { provider: 'aws', diskId: 'vol-01234567' },
    'aws://us-east-1a/vol-0123456789abcdef0': {
      provider: 'aws',
      diskId: 'vol-0123456789abcdef0',
      zone: 'us-east-1a',
      region: 'us-east-1',
    },
    'aws:///us-west-2-lax-1a/vol-01234567': {
      provider: 'aws',
      diskId: 'vol-01234567',
      zone: 'us-west-2-lax-1a',
      region: 'us-west-2',
    },
    'projects/p-1/zones/europe-west1-b/disks/pvc-1': {
      provider: 'gcp',
      diskId: 'projects/p-1/zones/europe-west1-b/disks/pvc-1',
      account: 'p-1',
      zone: 'europe-west1-b',
      region: 'europe-west1',
    },
    'projects/example.com:p/regions/europe-west1/disks/pvc-1': {
      provider: 'gcp',
      diskId: 'projects/example.com:p/regions/europe-west1/disks/pvc-1',
      account: 'example.com:p',
      region: 'europe-west1',
    },
    [azureId]: { provider: 'azure', diskId: azureId, account: 'S', resourceGroup: 'MC_g' },
  };
  for (const [text, handle] of Object.entries(forms)) {
    it(`reads ${text}`, () => assert.deepEqual(parseDiskHandle(text), handle));
  }

  for (const text of [
    '',
    'vol-xyz',
    'aws://us-east-1a',
    'projects/p/disks/d',
    'projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d',
    '/subscriptions/S/resourceGroups/G/providers/Microsoft.Storage/disks/d',
    `vol-${'0'.repeat(10_000)}`,
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}, and names the forms`, () => {
      assert.throws(
        () => parseDiskHandle(text),
        (error) =>
          error instanceof UsageError && error.message.length < 500 && /vol-\.\.\./.test(error.message),
      );
    });
  }
});

const objects = `
apiVersion: v1
kind: List
items:
- kind: Node
  metadata:
    labels: {topology.kubernetes.io/zone: europe-west1-b, topology.kubernetes.io/region: europe-west1}
  spec: {providerID: gce://p-1/europe-west1-b/node-1}
- kind: StorageClass
  metadata: {name: fast}
  provisioner: pd.csi.storage.gke.io
  parameters: {type: pd-ssd}
  allowedTopologies:
  - matchLabelExpressions:
    - {key: topology.gke.io/zone, values: [europe-west1-b, europe-west1-c]}
- kind: PersistentVolume
  metadata: {name: pv-csi}
  spec:
    capacity: {storage: 8Gi}
    accessModes: [ReadWriteOnce]
    storageClassName: fast
    claimRef: {namespace: shop, name: data}
    csi: {driver: pd.csi.storage.gke.io, volumeHandle: projects/p-1/zones/europe-west1-b/disks/d-1, fsType: ext4}
    nodeAffinity:
      required:
        nodeSelectorTerms:
        - matchExpressions:
          - {key: topology.gke.io/zone, operator: In, values: [europe-west1-b]}
- kind: PersistentVolume
  metadata:
    name: pv-in-tree
    labels: {failure-domain.beta.kubernetes.io/zone: europe-west1-b__europe-west1-c}
  spec:
    capacity: {storage: 10Gi}
    gcePersistentDisk: {pdName: d-2, fsType: xfs}
- kind: PersistentVolume
  metadata: {name: pv-nfs}
  spec:
    capacity: {storage: 1Ti}
    nfs: {server: 10.0.0.1, path: /}
- kind: ConfigMap
  metadata: {name: passed-over}
`;

describe('what a cluster has', () => {
  const read = readClusterObjects(objects, 'cluster.yaml');

  it('comes from its nodes', () => {
    const { provider, region, account, zones } = read;
    assert.deepEqual(
      { provider, region, account, zones },
      { provider: 'gcp', region: 'europe-west1', account: 'p-1', zones: ['europe-west1-b'] },
    );
  });

  it('comes from its classes', () => {
    assert.deepEqual(read.classes, [
      {
        name: 'fast',
        provisioner: 'pd.csi.storage.gke.io',
        parameters: { type: 'pd-ssd' },
        zones: ['europe-west1-b', 'europe-west1-c'],
      },
    ]);
  });

  it('comes from its volumes, CSI and in-tree', () => {
    const facts = read.volumes.map(({ name, driver, handle, zones }) => ({ name, driver, handle, zones }));
    assert.deepEqual(facts, [
      {
        name: 'pv-csi',
        driver: 'pd.csi.storage.gke.io',
        handle: 'projects/p-1/zones/europe-west1-b/disks/d-1',
        zones: ['europe-west1-b'],
      },
      {
        name: 'pv-in-tree',
        driver: 'kubernetes.io/gce-pd',
        handle: 'projects/p-1/regions/europe-west1/disks/d-2',
        zones: ['europe-west1-b', 'europe-west1-c'],
      },
      { name: 'pv-nfs', driver: 'nfs', handle: undefined, zones: [] },
    ]);
    const [volume] = read.volumes;
    assert.deepEqual(volume?.claim, { namespace: 'shop', name: 'data' });
    assert.equal(volume?.capacityBytes, 8 * 2 ** 30);
  });

  it('names file and line of what is wrong', () => {
    const wrong = objects.replace('8Gi', 'eight');
    assert.throws(() => readClusterObjects(wrong, 'cluster.yaml'), /capacity\.storage.*cluster\.yaml:\d+/);
  });

  it('asks for a node where a disk is named without its project', () => {
    const wrong = objects.replace('kind: Node', 'kind: Other');
    assert.throws(() => readClusterObjects(wrong, 'cluster.yaml'), /kubectl get nodes/);
  });
});

describe('quantities', () => {
  for (const [text, bytes] of [
    ['8Gi', 8 * 2 ** 30],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['500M', 5e8],
    ['1e3', 1000],
    ['12', 12],
    ['8 Gi', undefined],
    ['-1', undefined],
    ['1Zi', undefined],
  ] as const) {
    it(`${text} is ${bytes}`, () => assert.equal(parseQuantity(text), bytes));
  }
});

describe('manifests of a restored disk', () => {
  const disk = {
    provider: 'gcp',
    id: 'projects/p-1/zones/europe-west1-c/disks/d-9',
    account: 'p-1',
    state: 'available',
    sizeBytes: 8.5 * 2 ** 30,
    type: 'pd-ssd',
    region: 'europe-west1',
    zones: ['europe-west1-c'],
    encryption: { kind: 'provider-key' },
    attachedTo: [],
    tags: {},
    createdMs: 0,
  } as const;
  const options = { claim: { namespace: 'shop', name: 'data' }, storageClass: 'fast', fsType: 'ext4' };

  it('bind a volume that is kept to its claim, in its zone', () => {
    const documents = parseAllDocuments(diskManifests(disk, options));
    assert.ok(Array.isArray(documents));
    const [volume, claim] = documents.map((document): unknown => document.toJS());
    const accessModes = ['ReadWriteOnce'];
    assert.deepEqual(volume, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: {
        name: 'tranship-shop-data',
        annotations: { 'pv.kubernetes.io/provisioned-by': 'pd.csi.storage.gke.io' },
      },
      spec: {
        capacity: { storage: '9Gi' },
        accessModes,
        volumeMode: 'Filesystem',
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: 'fast',
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'shop', name: 'data' },
        csi: { driver: 'pd.csi.storage.gke.io', volumeHandle: disk.id, fsType: 'ext4' },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              {
                matchExpressions: [
                  { key: 'topology.kubernetes.io/zone', operator: 'In', values: ['europe-west1-c'] },
                ],
              },
            ],
          },
        },
      },
    });
    assert.deepEqual(claim, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace: 'shop', name: 'data' },
      spec: {
        accessModes,
        volumeMode: 'Filesystem',
        storageClassName: 'fast',
        volumeName: 'tranship-shop-data',
        resources: { requests: { storage: '9Gi' } },
      },
    });
  });

  it('are read back as the volume that they describe', () => {
    const [volume] = readClusterObjects(diskManifests(disk, options)).volumes;
    assert.equal(volume?.handle, disk.id);
    assert.deepEqual(volume?.zones, disk.zones);
  });

  it('keep a disk of Azure that is in no zone from nodes that are in one', () => {
    const azure = { ...disk, provider: 'azure', type: 'Premium_LRS', zones: [] } as const;
    const own = { key: 'topology.disk.csi.azure.com/zone', operator: 'In', values: [''] };
    const affinityOf = (type: string): unknown => {
      const [volume] = parseAllDocuments(diskManifests({ ...azure, type }, options));
      const object: unknown = volume?.toJS();
      return object;
    };
    assert.deepEqual(
      JSON.stringify(affinityOf('Premium_LRS')).includes(JSON.stringify([{ matchExpressions: [own] }])),
      true,
    );
    assert.doesNotMatch(JSON.stringify(affinityOf('Premium_ZRS')), /nodeAffinity/);
  });

  it('refuse names that Kubernetes does not take', () => {
    const claim = { namespace: 'shop', name: 'Data\nkind: Secret' };
    assert.throws(() => diskManifests(disk, { ...options, claim }), UsageError);
  });
});

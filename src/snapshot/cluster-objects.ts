import { UsageError } from '../base/errors.ts';
import { googleHandleOf, regionOfZone } from '../providers/disks/handle.ts';
import type { DiskProvider } from '../providers/disks/driver.ts';
import { parseYaml } from '../providers/objects/velero/yaml-value.ts';
import type { YamlValue } from '../providers/objects/velero/yaml-value.ts';
import { parseQuantity } from './quantity.ts';

/** A StorageClass as its cluster has it. Plain data. */
export interface StorageClassFacts {
  readonly name: string;
  readonly provisioner: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Zones of `allowedTopologies`; empty where all are allowed. */
  readonly zones: readonly string[];
}

/** A PersistentVolume on a cloud's disk, and its claim. Plain data. */
export interface VolumeFacts {
  readonly name: string;
  readonly claim?: { readonly namespace: string; readonly name: string } | undefined;
  readonly storageClass: string;
  readonly capacityBytes: number;
  readonly accessModes: readonly string[];
  readonly volumeMode: string;
  readonly fsType?: string | undefined;
  /** As it stands there; see `parseDiskHandle`. Undefined where it is on no cloud's disk. */
  readonly handle?: string | undefined;
  /** The CSI driver, or the in-tree plug-in as it calls itself: `kubernetes.io/aws-ebs`. */
  readonly driver: string;
  /** Zones of its labels or its node affinity. */
  readonly zones: readonly string[];
}

/** A cluster as far as its objects tell. Plain data. */
export interface ClusterObjects {
  /** Of its nodes. */
  readonly provider?: DiskProvider | undefined;
  readonly region?: string | undefined;
  /** Project of Google Cloud, subscription of Azure. */
  readonly account?: string | undefined;
  /** Azure: that of its nodes, in which it makes disks. */
  readonly resourceGroup?: string | undefined;
  readonly zones: readonly string[];
  readonly classes: readonly StorageClassFacts[];
  readonly volumes: readonly VolumeFacts[];
}

const zoneKeys = [
  'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/zone',
  'topology.ebs.csi.aws.com/zone',
  'topology.gke.io/zone',
  'topology.disk.csi.azure.com/zone',
];
const regionKeys = ['topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'];
/** How a zone label of before 1.17 names those of a regional disk. */
const zoneSeparator = '__';

/**
 * What `kubectl get nodes,storageclasses,persistentvolumes -o yaml` prints, or the same as JSON. Objects of other kinds
 * are passed over. Throws UsageError with path, file and line.
 *
 * @example
 * const { classes } = readClusterObjects('kind: StorageClass\nmetadata: {name: fast}\nprovisioner: ebs.csi.aws.com');
 * console.log(classes.map(({ name }) => name));
 */
export function readClusterObjects(text: string, file = 'cluster objects'): ClusterObjects {
  const objects = parseYaml(text, file).flatMap((document) =>
    (document.member('kind').text() ?? '').endsWith('List') ? document.member('items').items() : [document],
  );
  const ofKind = (kind: string): YamlValue[] =>
    objects.filter((object) => object.member('kind').text() === kind);
  const nodes = ofKind('Node').map(readNode);
  const [first] = nodes;
  const { provider, region, account, resourceGroup } = first ?? {};
  return {
    provider,
    region,
    account,
    resourceGroup,
    zones: [...new Set(nodes.flatMap(({ zone }) => zone ?? []))].sort(),
    classes: ofKind('StorageClass').map(readClass),
    volumes: ofKind('PersistentVolume').map((volume) => readVolume(volume, account)),
  };
}

function readNode(node: YamlValue) {
  const labels = textsOf(node.member('metadata').member('labels'));
  const id = node.member('spec').member('providerID').text() ?? '';
  const provider = providerOfNode(id);
  const zone = firstOf(labels, zoneKeys);
  const region = firstOf(labels, regionKeys) ?? (zone && provider && regionOfZone(provider, zone));
  // gce://PROJECT/ZONE/NAME, azure:///subscriptions/S/resourceGroups/G/...
  const account =
    /^gce:\/\/([^/]+)\//.exec(id)?.[1] ?? /^azure:\/\/\/subscriptions\/([^/]+)\//i.exec(id)?.[1];
  const resourceGroup = /^azure:\/\/.*\/resourceGroups\/([^/]+)\//i.exec(id)?.[1];
  return { provider, zone, region, account, resourceGroup };
}

function providerOfNode(id: string): DiskProvider | undefined {
  const providers: Readonly<Record<string, DiskProvider>> = { aws: 'aws', gce: 'gcp', azure: 'azure' };
  return providers[id.slice(0, id.indexOf(':'))];
}

function readClass(object: YamlValue): StorageClassFacts {
  const zones = object
    .member('allowedTopologies')
    .items()
    .flatMap((term) => term.member('matchLabelExpressions').items())
    .filter((expression) => zoneKeys.includes(expression.member('key').text() ?? ''))
    .flatMap((expression) => expression.member('values').items())
    .map((value) => value.requiredText());
  return {
    name: object.member('metadata').member('name').requiredText(),
    provisioner: object.member('provisioner').requiredText(),
    parameters: textsOf(object.member('parameters')),
    zones: [...new Set(zones)],
  };
}

function readVolume(object: YamlValue, project: string | undefined): VolumeFacts {
  const [metadata, spec] = [object.member('metadata'), object.member('spec')];
  const labels = textsOf(metadata.member('labels'));
  const claimRef = spec.member('claimRef');
  const capacity = spec.member('capacity').member('storage');
  const capacityBytes = parseQuantity(capacity.requiredText());
  if (capacityBytes === undefined) throw capacity.wrong('is no quantity');
  const zones = zonesOf(labels, spec);
  return {
    name: metadata.member('name').requiredText(),
    claim: claimRef.isPresent
      ? {
          namespace: claimRef.member('namespace').requiredText(),
          name: claimRef.member('name').requiredText(),
        }
      : undefined,
    storageClass: spec.member('storageClassName').text() ?? '',
    capacityBytes,
    accessModes: spec
      .member('accessModes')
      .items()
      .map((mode) => mode.requiredText()),
    volumeMode: spec.member('volumeMode').text() ?? 'Filesystem',
    ...diskOf(spec, zones, project),
    zones,
  };
}

function zonesOf(labels: Readonly<Record<string, string>>, spec: YamlValue): string[] {
  const label = firstOf(labels, zoneKeys);
  if (label !== undefined) return label.split(zoneSeparator);
  const terms = spec.member('nodeAffinity').member('required').member('nodeSelectorTerms').items();
  const values = terms
    .flatMap((term) => term.member('matchExpressions').items())
    .filter((expression) => zoneKeys.includes(expression.member('key').text() ?? ''))
    .flatMap((expression) => expression.member('values').items());
  return [...new Set(values.map((value) => value.requiredText()))].filter((zone) => zone !== '');
}

/** What else a volume may be on: none of it can be snapshotted by a cloud. */
const otherSources = [
  'nfs',
  'hostPath',
  'local',
  'cephfs',
  'rbd',
  'iscsi',
  'fc',
  'glusterfs',
  'azureFile',
  'vsphereVolume',
];

/** The forms of a disk in a PersistentVolume's spec. */
function diskOf(
  spec: YamlValue,
  zones: readonly string[],
  project: string | undefined,
): Pick<VolumeFacts, 'handle' | 'driver' | 'fsType'> {
  const csi = spec.member('csi');
  if (csi.isPresent) {
    const handle = csi.member('volumeHandle').requiredText();
    return { driver: csi.member('driver').requiredText(), handle, fsType: csi.member('fsType').text() };
  }
  const ebs = spec.member('awsElasticBlockStore');
  if (ebs.isPresent) {
    const handle = ebs.member('volumeID').requiredText();
    return { driver: 'kubernetes.io/aws-ebs', handle, fsType: ebs.member('fsType').text() };
  }
  const google = spec.member('gcePersistentDisk');
  if (google.isPresent) {
    const name = google.member('pdName');
    if (project === undefined || zones.length === 0) {
      const advice =
        'the file must hold a node (kubectl get nodes,pv -o yaml), and the volume its zone label';
      throw new UsageError('a disk is named without its project or zone', { where: name.place, advice });
    }
    const handle = googleHandleOf(project, zones, name.requiredText());
    return { driver: 'kubernetes.io/gce-pd', handle, fsType: google.member('fsType').text() };
  }
  const azure = spec.member('azureDisk');
  if (azure.isPresent) {
    const handle = azure.member('diskURI').requiredText();
    return { driver: 'kubernetes.io/azure-disk', handle, fsType: azure.member('fsType').text() };
  }
  return { driver: otherSources.find((name) => spec.member(name).isPresent) ?? 'unknown' };
}

function textsOf(value: YamlValue): Record<string, string> {
  return Object.fromEntries(value.members().map(([name, member]) => [name, member.text() ?? '']));
}

function firstOf(labels: Readonly<Record<string, string>>, keys: readonly string[]): string | undefined {
  for (const key of keys) if (labels[key] !== undefined && labels[key] !== '') return labels[key];
  return undefined;
}

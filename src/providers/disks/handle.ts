import { UsageError } from '../../base/errors.ts';
import type { DiskProvider } from './driver.ts';

/** What a volume handle says. */
export interface DiskHandle {
  readonly provider: DiskProvider;
  /** Full id, as drivers take it. */
  readonly diskId: string;
  /** Region, as far as the handle tells it; undefined where the cloud must be asked. */
  readonly region?: string | undefined;
  /** One zone, as far as the handle tells it. */
  readonly zone?: string | undefined;
  /** Project or subscription, as far as the handle tells it. */
  readonly account?: string | undefined;
  /** Azure. */
  readonly resourceGroup?: string | undefined;
}

const FORMS =
  'vol-..., aws://ZONE/vol-..., projects/P/zones/Z/disks/D, projects/P/regions/R/disks/D or ' +
  '/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/disks/D';

/** As ebs.csi.aws.com writes it into `volumeHandle`. */
const ebs = /^vol-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;
/** As kubernetes.io/aws-ebs writes it into `awsElasticBlockStore.volumeID`, with two slashes or three. */
const ebsInTree = /^aws:\/\/\/?([a-z0-9-]+)\/(vol-[0-9a-f]+)$/;
/** As pd.csi.storage.gke.io writes it into `volumeHandle`; also as the API's own links. */
const googleDisk =
  /^(?:https:.*\/)?projects\/([a-z0-9.:-]+)\/(zones|regions)\/([a-z0-9-]+)\/disks\/([a-z][-a-z0-9]{0,62})$/;
/** As disk.csi.azure.com writes it into `volumeHandle`, and kubernetes.io/azure-disk into `azureDisk.diskURI`. */
const azureDisk =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Compute\/disks\/([^/]+)$/i;

/**
 * The disk that a volume handle names, in any of the forms in which one stands in a PersistentVolume. Throws UsageError
 * for any other text.
 *
 * @example
 * console.log(parseDiskHandle('aws://us-east-1a/vol-0123456789abcdef0').diskId);
 */
export function parseDiskHandle(handle: string): DiskHandle {
  if (ebs.test(handle)) return { provider: 'aws', diskId: handle };
  const [, zone = '', volume = ''] = ebsInTree.exec(handle) ?? [];
  if (ebs.test(volume)) return { provider: 'aws', diskId: volume, zone, region: awsRegionOf(zone) };
  const google = googleDisk.exec(handle);
  if (google !== null) return googleHandle(google);
  const azure = azureDisk.exec(handle);
  if (azure !== null) {
    const [, account = '', resourceGroup = ''] = azure;
    return { provider: 'azure', diskId: handle, account, resourceGroup };
  }
  const where = handle.length > 200 ? `${handle.slice(0, 200)}...` : handle;
  throw new UsageError('no volume handle of a known form', { where, advice: `it may be ${FORMS}` });
}

function googleHandle([, account = '', kind, place = '', name = '']: RegExpExecArray): DiskHandle {
  const diskId = `projects/${account}/${kind}/${place}/disks/${name}`;
  if (kind === 'regions') return { provider: 'gcp', diskId, account, region: place };
  return { provider: 'gcp', diskId, account, zone: place, region: googleRegionOf(place) };
}

/** `us-east-1a` lies in `us-east-1`; a local zone, `us-west-2-lax-1a`, in `us-west-2`. */
function awsRegionOf(zone: string): string {
  return /^[a-z]+(?:-[a-z]+)+-\d+/.exec(zone)?.[0] ?? zone;
}

/** `europe-west1-b` lies in `europe-west1`. */
function googleRegionOf(zone: string): string {
  return zone.replace(/-[a-z]$/, '');
}

/** `region` of a zone, by how the cloud names them; undefined where its zones are numbers. */
export function regionOfZone(provider: DiskProvider, zone: string): string | undefined {
  if (provider === 'aws') return awsRegionOf(zone);
  if (provider === 'gcp') return googleRegionOf(zone);
  return /^(.+)-\d+$/.exec(zone)?.[1];
}

/** The handle that a Google disk has whose in-tree volume names it alone: `gcePersistentDisk.pdName`. */
export function googleHandleOf(project: string, zones: readonly string[], name: string): string {
  const [zone = '', another] = zones;
  const place = another === undefined ? `zones/${zone}` : `regions/${googleRegionOf(zone)}`;
  return `projects/${project}/${place}/disks/${name}`;
}

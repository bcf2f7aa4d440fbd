import { DiskError } from '../../../base/errors.ts';

/** A zonal or a regional disk. */
export interface GceDiskId {
  readonly project: string;
  readonly scope: 'zones' | 'regions';
  /** Name of the zone or the region. */
  readonly location: string;
  readonly name: string;
}

export interface GceSnapshotId {
  readonly project: string;
  readonly name: string;
}

/** Older projects have their domain before the id. */
const PROJECT = '((?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*)';
const NAME = '([a-z0-9-]+)';
const DISK = new RegExp(`^projects/${PROJECT}/(zones|regions)/${NAME}/disks/${NAME}$`);
const SNAPSHOT = new RegExp(`^projects/${PROJECT}/global/snapshots/${NAME}$`);

/** Throws DiskError for anything but `projects/P/zones/Z/disks/D` or `projects/P/regions/R/disks/D`. */
export function parseDiskId(id: string): GceDiskId {
  const [, project, scope, location, name] = DISK.exec(id) ?? [];
  if (project === undefined || location === undefined || name === undefined) {
    throw wrongId(
      id,
      'not the full id of a disk',
      'projects/P/zones/Z/disks/D or projects/P/regions/R/disks/D',
    );
  }
  return { project, scope: scope === 'regions' ? 'regions' : 'zones', location, name };
}

export function formatDiskId({ project, scope, location, name }: GceDiskId): string {
  return `projects/${project}/${scope}/${location}/disks/${name}`;
}

/** Throws DiskError for anything but `projects/P/global/snapshots/S`. */
export function parseSnapshotId(id: string): GceSnapshotId {
  const [, project, name] = SNAPSHOT.exec(id) ?? [];
  if (project === undefined || name === undefined) {
    throw wrongId(id, 'not the full id of a snapshot', 'projects/P/global/snapshots/S');
  }
  return { project, name };
}

export function formatSnapshotId({ project, name }: GceSnapshotId): string {
  return `projects/${project}/global/snapshots/${name}`;
}

/** The full id that a link of the cloud's ends in: what follows its host and version. */
export function idOfLink(link: string): string {
  return /projects\/.*$/.exec(link)?.[0] ?? link;
}

/** The name that a link or an id ends in. */
export function nameOfLink(link: string): string {
  return link.slice(link.lastIndexOf('/') + 1);
}

export function regionOf({ scope, location }: Pick<GceDiskId, 'scope' | 'location'>): string {
  return scope === 'regions' ? location : regionOfZone(location);
}

/** `europe-west1` of `europe-west1-b`. */
export function regionOfZone(zone: string): string {
  return zone.slice(0, zone.lastIndexOf('-'));
}

function wrongId(id: string, what: string, form: string): DiskError {
  return new DiskError('invalid-argument', what, { where: id, advice: `write ${form}` });
}

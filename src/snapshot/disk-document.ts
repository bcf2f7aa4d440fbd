import type {
  DiskDescription,
  DiskProvider,
  DiskSnapshotDescription,
  NewDisk,
  SnapshotShare,
} from '../providers/disks/driver.ts';
import type { DiskPurpose } from './disk-tags.ts';

/**
 * `begun` is written before anything is made, so that whatever a cloud then has of it is named somewhere. `abandoned`
 * failed, and its remains could not all be removed: a sweep does. `paused` was left unfinished on purpose: the next
 * call goes on with it, and a sweep leaves it until it expires.
 */
export type DiskDocumentState = 'begun' | 'paused' | 'ready' | 'abandoned';

/** What both kinds of document say. Plain data, sealed under `tranship/disks/` in the repository. */
export interface DiskDocumentHead extends DiskPurpose {
  readonly version: 1;
  /** The same for each try of one thing: made of the repository, the plan, the volume and the pass. */
  readonly id: string;
  readonly state: DiskDocumentState;
  readonly provider: DiskProvider;
  /** Account, project or subscription in which things are made. */
  readonly account: string;
  /** Which try this is, from 1, and the id that the cloud knows it by. */
  readonly attempt: number;
  readonly operationId: string;
  readonly begunMs: number;
  /** Until then whoever began it may still be at work, and nobody else touches it. */
  readonly busyUntilMs: number;
  /** When a snapshot may be swept. A disk that was restored never is: the user's data is on it. */
  readonly expiresMs: number;
}

/** A snapshot of a disk, with everything that making a disk like the source takes. */
export interface DiskSnapshotDocument extends DiskDocumentHead {
  readonly kind: 'snapshot';
  /** The disk as it was then. */
  readonly disk: DiskDescription;
  /** Undefined until it is `ready`, or known. */
  readonly snapshot?: DiskSnapshotDescription | undefined;
  readonly shares: readonly SnapshotShare[];
}

/** A disk that was made of a snapshot. */
export interface RestoredDiskDocument extends DiskDocumentHead {
  readonly kind: 'disk';
  /** Id of the snapshot's document. */
  readonly snapshotDocument: string;
  readonly request: NewDisk;
  /** Undefined until it is `ready`, or known. */
  readonly disk?: DiskDescription | undefined;
}

/** What stands under `tranship/disks/`. */
export type DiskDocument = DiskSnapshotDocument | RestoredDiskDocument;

/** Where what a document stands for is, or was to be. */
export function regionOf(document: DiskDocument): string {
  return document.kind === 'snapshot' ? document.disk.region : document.request.region;
}

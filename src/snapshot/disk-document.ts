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
  /** How often a call has taken it up, from 0; each time by a claim that one call alone can win. */
  readonly turn: number;
  readonly begunMs: number;
  /** Until then whoever began it may still be at work, and nobody else touches it. */
  readonly busyUntilMs: number;
  /** When a snapshot may be swept. A disk that was restored never is: the user's data is on it. */
  readonly expiresMs: number;
}

/** How the source's cluster uses a volume, as its PersistentVolume says. Plain data. */
export interface VolumeUse {
  /** `ReadWriteOnce` and others. */
  readonly accessModes: readonly string[];
  /** `Filesystem`, or `Block` for a volume that pods see as a device. */
  readonly volumeMode: string;
  /** Undefined where the driver's own is used. */
  readonly fsType?: string | undefined;
}

/** A snapshot of a disk, with everything that making a disk like the source takes. */
export interface DiskSnapshotDocument extends DiskDocumentHead {
  readonly kind: 'snapshot';
  /** The disk as it was then. */
  readonly disk: DiskDescription;
  /** Undefined where the disk was named without its cluster's objects. */
  readonly use?: VolumeUse | undefined;
  /** Undefined until it is `ready`, or known. */
  readonly snapshot?: DiskSnapshotDescription | undefined;
  /** Everything that was shared and perhaps not taken back, also of an earlier try. */
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

export function isSnapshotDocument(document: DiskDocument): document is DiskSnapshotDocument {
  return document.kind === 'snapshot';
}

export function isRestoredDisk(document: DiskDocument): document is RestoredDiskDocument {
  return document.kind === 'disk';
}

/** Where what a document stands for is, or was to be. */
export function regionOf(document: DiskDocument): string {
  return document.kind === 'snapshot' ? document.disk.region : document.request.region;
}

/** For clocks that differ, and for whoever was cleaning up when its time was over. */
export const graceMs = 5 * 60_000;

/** Whether somebody may be at work on it. */
export function isBusy({ state, busyUntilMs }: DiskDocument, nowMs: number): boolean {
  return state === 'begun' && nowMs < busyUntilMs + graceMs;
}

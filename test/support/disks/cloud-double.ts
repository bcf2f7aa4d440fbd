import type {
  DiskDescription,
  DiskDriver,
  DiskSnapshotDescription,
} from '../../../src/providers/disks/driver.ts';

/** The calls of a driver that can be made to fail. */
export type CloudCall =
  | 'createSnapshot'
  | 'describeSnapshot'
  | 'deleteSnapshot'
  | 'listSnapshots'
  | 'createDisk'
  | 'describeDisk'
  | 'deleteDisk'
  | 'listDisks'
  | 'shareSnapshot';

/**
 * `lost-answer`: done, and the connection breaks before the answer. `cut-answer`: done, and it breaks in the
 * middle of the answer. `unavailable`: not done, by a passing fault.
 * `throttled`, `denied`, `quota`: refused. `fails-later`: the order is taken, and what was made ends as failed.
 * `vanishes-later`: an id is given out, and then there is nothing (as EC2 does where a key is denied). `stays-pending`:
 * it never ends. `listing-lags`: the next listings do not have it yet.
 */
export type CloudFaultKind =
  | 'lost-answer'
  | 'cut-answer'
  | 'unavailable'
  | 'throttled'
  | 'denied'
  | 'quota'
  | 'fails-later'
  | 'vanishes-later'
  | 'stays-pending'
  | 'listing-lags';

export interface CloudFault {
  readonly call: CloudCall;
  readonly kind: CloudFaultKind;
  /** How many calls it strikes, from the next one on. Default 1. */
  readonly times?: number | undefined;
}

/** What a disk of a double begins with; what is left out is usual for the cloud. */
export type DoubleDisk = Partial<
  Pick<
    DiskDescription,
    | 'sizeBytes'
    | 'type'
    | 'zones'
    | 'iops'
    | 'throughputBytesPerSecond'
    | 'encryption'
    | 'attachedTo'
    | 'tags'
  >
>;

/**
 * A cloud that keeps state, spoken to over the wire by the real driver and its real SDK. What is made is pending for a
 * few descriptions, then ready. Each request is checked against the cloud's own description of its interface.
 */
export interface CloudDouble {
  readonly driver: DiskDriver;
  /** Region and zones that it has. */
  readonly region: string;
  readonly zones: readonly string[];
  /** An account, beside that of the driver, with which snapshots can be shared. */
  readonly otherAccount: string;
  /** The full id. */
  addDisk(disk?: DoubleDisk): string;
  /** A disk that was there, and a snapshot whose disk is still there, go. */
  remove(id: string): void;
  strike(fault: CloudFault): void;
  /** Faults that struck nothing yet are forgotten. */
  clearFaults(): void;
  /** Everything that exists now, however it is tagged. */
  disks(): readonly Pick<DiskDescription, 'id' | 'tags' | 'type' | 'zones'>[];
  snapshots(): readonly Pick<DiskSnapshotDescription, 'id' | 'tags' | 'state'>[];
  /** Permissions that the calls so far have wanted, each once, sorted. */
  usedPermissions(): readonly string[];
  /** Names of fields and paths that no official description has; must stay empty. */
  violations(): readonly string[];
  stop(): Promise<void>;
}

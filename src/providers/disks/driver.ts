import type { AbortableOptions } from '../objects/driver.ts';

/** `aws`: EBS. `gcp`: persistent disks of Compute Engine. `azure`: managed disks. */
export type DiskProvider = 'aws' | 'gcp' | 'azure';

/** Keys and values in this project's spelling; a driver maps them to its cloud's alphabet, and back when it reads. */
export type DiskTags = Readonly<Record<string, string>>;

/** Who can read a disk's bytes at rest. `provider-key` is the cloud's own key, which every account has. */
export type DiskEncryption =
  | { readonly kind: 'none' }
  | { readonly kind: 'provider-key' }
  /** A key of the user's: its ARN, resource name, or the id of an Azure disk encryption set. */
  | { readonly kind: 'customer-key'; readonly keyId: string };

/** `in-use` is attached to a machine, and may be written. `failed` and `deleting` are final. */
export type DiskState = 'creating' | 'available' | 'in-use' | 'deleting' | 'failed';

/** What decides how a disk performs; undefined is what its type gives by default. */
export interface DiskPerformance {
  readonly iops?: number | undefined;
  readonly throughputBytesPerSecond?: number | undefined;
}

/** A disk as its cloud describes it. */
export interface DiskDescription extends DiskPerformance {
  readonly provider: DiskProvider;
  /** Full id: `vol-...`, `projects/P/zones/Z/disks/D`, `/subscriptions/.../disks/D`. */
  readonly id: string;
  /** Account of AWS, project of Google Cloud, subscription of Azure. */
  readonly account: string;
  readonly state: DiskState;
  /** Why it failed, in the cloud's words. */
  readonly failure?: string | undefined;
  readonly sizeBytes: number;
  /** The cloud's name of its kind: `gp3`, `pd-balanced`, `Premium_LRS`. */
  readonly type: string;
  /** Region, or location of Azure. */
  readonly region: string;
  /** One zone; the replica zones of a disk that has several; none where the cloud has placed it in none. */
  readonly zones: readonly string[];
  readonly encryption: DiskEncryption;
  /** Machines that it is attached to. */
  readonly attachedTo: readonly string[];
  readonly tags: DiskTags;
  /** Milliseconds since the Unix epoch. */
  readonly createdMs: number;
}

/** Only `ready` can be restored from. `failed` and `deleting` are final. */
export type DiskSnapshotState = 'pending' | 'ready' | 'deleting' | 'failed';

/** A snapshot of a disk as its cloud describes it. */
export interface DiskSnapshotDescription {
  readonly provider: DiskProvider;
  /** Full id: `snap-...`, `projects/P/global/snapshots/S`, `/subscriptions/.../snapshots/S`. */
  readonly id: string;
  readonly account: string;
  /** Full id of the disk, also when that is gone. */
  readonly diskId: string;
  readonly state: DiskSnapshotState;
  /** Why it failed, in the cloud's words. */
  readonly failure?: string | undefined;
  /** 0 to 100; undefined where the cloud does not tell. */
  readonly progressPercent?: number | undefined;
  /** Size of the disk, not of what is stored. */
  readonly diskSizeBytes: number;
  /** Where it can be restored: one region, or several. */
  readonly regions: readonly string[];
  readonly encryption: DiskEncryption;
  readonly tags: DiskTags;
  readonly createdMs: number;
}

/** What a snapshot of one disk is to be. */
export interface NewDiskSnapshot {
  readonly diskId: string;
  /**
   * [a-z0-9-], at most 40 characters, begins with a letter; the same for each try of one snapshot. It is the name, or a
   * client token, where the cloud has one, and the tag {@link operationTag} everywhere.
   */
  readonly operationId: string;
  readonly tags: DiskTags;
  /** Azure: stores only what has changed since the snapshot before. Default true; the others always do. */
  readonly incremental?: boolean | undefined;
  /** Google Cloud: region or multi-region that keeps it. Default: the cloud's choice, near the disk. */
  readonly storageLocation?: string | undefined;
  /** Azure: default the disk's own. */
  readonly resourceGroup?: string | undefined;
}

/** What a disk is to be that is made of a snapshot. */
export interface NewDisk extends DiskPerformance {
  readonly snapshotId: string;
  /** As in {@link NewDiskSnapshot}. */
  readonly operationId: string;
  readonly tags: DiskTags;
  /**
   * Default: the account of the driver's credentials. Google Cloud: project. AWS and Azure (subscription):
   * `unsupported` for any other, since what is made there would not be listed.
   */
  readonly account?: string | undefined;
  /** Azure: default the snapshot's own. */
  readonly resourceGroup?: string | undefined;
  readonly region: string;
  readonly zones: readonly string[];
  readonly type: string;
  /** At least the snapshot's. */
  readonly sizeBytes: number;
  readonly encryption: DiskEncryption;
}

/** What a copy of a snapshot in another region is to be. */
export interface NewDiskSnapshotCopy {
  readonly snapshotId: string;
  readonly operationId: string;
  readonly tags: DiskTags;
  readonly region: string;
  readonly encryption: DiskEncryption;
  /** Azure: default the snapshot's own. */
  readonly resourceGroup?: string | undefined;
}

/** What one disk of a type may have. */
export interface DiskTypeLimits {
  readonly minSizeBytes: number;
  readonly maxSizeBytes: number;
}

/** How much of something may exist, and does. */
export interface DiskQuota {
  /** The cloud's name of it. */
  readonly name: string;
  /** What is counted: things, or what disks have together. */
  readonly unit: 'snapshots' | 'disks' | 'gib' | 'iops' | 'mib-per-second';
  readonly limit: number;
  readonly used: number;
}

/** What a cloud can do, as data. */
export interface DiskCapabilities {
  /**
   * True where the name or a token makes a repeated `createSnapshot` the same snapshot. Where false, whoever got no
   * answer must look for {@link operationTag} before it asks again.
   */
  readonly repeatsSnapshotsSafely: boolean;
  /** True where `createDisk` is likewise. */
  readonly repeatsDisksSafely: boolean;
  /** How long a listing may lag behind what was made. */
  readonly listingLagMs: number;
  /** True where one call takes snapshots of several disks of one machine at one moment: `createSnapshots` is there. */
  readonly groupsByMachine: boolean;
  /** True where {@link DiskDriver.copySnapshot} can bring a snapshot into another region. */
  readonly copiesBetweenRegions: boolean;
  /**
   * False where the id of an account is not enough to let it use a snapshot: `shareSnapshot` with another one rejects
   * as `unsupported` and says what must be done instead. Default true.
   */
  readonly sharesByAccount?: boolean | undefined;
  /** The least time between two snapshots of one disk. */
  readonly snapshotIntervalMs: number;
  /** Snapshots that one disk may have; undefined where the cloud sets no limit. */
  readonly snapshotsPerDisk?: number | undefined;
}

/** What is listed: everything that has all of these tags. */
export interface DiskListOptions extends AbortableOptions {
  readonly tags: DiskTags;
}

/** Key of the tag that holds the operation's id. */
export const operationTag = 'tranship/operation';

/** Key of the tag that holds the disk of a snapshot that was copied, where the cloud knows only the copied snapshot. */
export const sourceDiskTag = 'tranship/source-disk';

/**
 * What an implementer of a cloud's disks provides. Nothing is tried again by a driver itself, and its SDK's own retry
 * is off: who calls decides, since a repeated call may make a second snapshot.
 *
 * Every driver must guarantee:
 * - Errors are DiskError with a code by cause, `retryable` set truthfully, and `action` the permission that was wanted,
 *   as the cloud writes it in policies. Only `unavailable` and `timeout` of a call that makes something leave open
 *   whether it was made; any other code says that it was not.
 * - `create*` resolves when the cloud has taken the order, with what it then describes, and waits for nothing. Where a
 *   name is taken by the same operation (its tag says so) it resolves with what is there; taken by another one it is
 *   `already-exists`.
 * - `describe*` says the truth of the moment, also of failures that came after an id was given out; undefined is what
 *   is not there (yet, or any more).
 * - `delete*` of what is not there succeeds; it resolves when the cloud has taken the order.
 * - A fired signal rejects with CancelledError soon.
 */
export interface DiskDriver {
  readonly provider: DiskProvider;
  readonly capabilities: DiskCapabilities;
  /** Account, project or subscription of the credentials. */
  account(options: AbortableOptions): Promise<string>;

  describeDisk(diskId: string, options: AbortableOptions): Promise<DiskDescription | undefined>;
  createDisk(disk: NewDisk, options: AbortableOptions): Promise<DiskDescription>;
  deleteDisk(diskId: string, options: AbortableOptions): Promise<void>;
  listDisks(options: DiskListOptions): AsyncIterable<DiskDescription>;

  describeSnapshot(
    snapshotId: string,
    options: AbortableOptions,
  ): Promise<DiskSnapshotDescription | undefined>;
  createSnapshot(snapshot: NewDiskSnapshot, options: AbortableOptions): Promise<DiskSnapshotDescription>;
  /**
   * All at one moment; every disk must be attached to `machineId`. Only where `groupsByMachine`. Each of the results
   * has its own operation's tag.
   */
  createSnapshots?(
    snapshots: readonly NewDiskSnapshot[],
    options: AbortableOptions & { readonly machineId: string },
  ): Promise<readonly DiskSnapshotDescription[]>;
  /** Only where `copiesBetweenRegions`. */
  copySnapshot?(copy: NewDiskSnapshotCopy, options: AbortableOptions): Promise<DiskSnapshotDescription>;
  deleteSnapshot(snapshotId: string, options: AbortableOptions): Promise<void>;
  listSnapshots(options: DiskListOptions): AsyncIterable<DiskSnapshotDescription>;

  /**
   * Lets another account make disks of a snapshot, its key included where that is a customer's. Succeeds where it may
   * already. Returns what undoes it, to be kept: {@link unshareSnapshot} takes it.
   */
  shareSnapshot(snapshotId: string, account: string, options: AbortableOptions): Promise<SnapshotShare>;
  /** Takes back exactly what the share gave; what is gone already is no error. */
  unshareSnapshot(share: SnapshotShare, options: AbortableOptions): Promise<void>;

  /** Undefined where the cloud knows no such type in the region. */
  describeType(type: string, region: string, options: AbortableOptions): Promise<DiskTypeLimits | undefined>;
  /** Zones of a region in which disks can be made now; empty where there is no such region. */
  listZones(region: string, options: AbortableOptions): Promise<readonly string[]>;
  /** What may stand in the way of one more snapshot, or of a disk of this type; empty where the cloud tells nothing. */
  describeQuotas(
    of: { readonly region: string; readonly type?: string | undefined },
    options: AbortableOptions,
  ): Promise<readonly DiskQuota[]>;

  close(): Promise<void>;
}

/** That an account may use a snapshot. Plain data. */
export interface SnapshotShare {
  readonly snapshotId: string;
  readonly account: string;
  /** Google Cloud: the number of the project, by which policies name it. */
  readonly accountNumber?: string | undefined;
  /** False where the account could use the snapshot before: that is not taken back. Default true. */
  readonly isNew?: boolean | undefined;
  /** A key that the account may use since, and the id of that grant. */
  readonly keyGrant?: { readonly keyId: string; readonly grantId: string } | undefined;
}

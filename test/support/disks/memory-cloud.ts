import { DiskError, throwIfAborted } from '../../../src/base/errors.ts';
import { operationTag } from '../../../src/providers/disks/driver.ts';
import type {
  DiskCapabilities,
  DiskDescription,
  DiskDriver,
  DiskListOptions,
  DiskQuota,
  DiskSnapshotDescription,
  DiskTags,
  DiskTypeLimits,
  NewDisk,
  NewDiskSnapshot,
  NewDiskSnapshotCopy,
  SnapshotShare,
} from '../../../src/providers/disks/driver.ts';
import type { AbortableOptions } from '../../../src/providers/objects/driver.ts';
import type { CloudCall, CloudDouble, CloudFault, CloudFaultKind, DoubleDisk } from './cloud-double.ts';
import { FaultQueue } from './fault-queue.ts';

const gib = 2 ** 30;
/** Descriptions after which what was made is ready. */
const pendingLooks = 2;

type Fate = 'ready' | 'fails' | 'vanishes' | 'pending';

interface Kept<Description> {
  description: Description;
  fate: Fate;
  looks: number;
  /** Listings that do not have it yet. */
  hiddenFrom: number;
}

/** Permission of each call, which is what it is named. */
export const memoryPermissions = {
  account: [],
  describeDisk: ['memory:DescribeDisk'],
  createDisk: ['memory:CreateDisk'],
  deleteDisk: ['memory:DeleteDisk'],
  listDisks: ['memory:ListDisks'],
  describeSnapshot: ['memory:DescribeSnapshot'],
  createSnapshot: ['memory:CreateSnapshot'],
  createSnapshots: ['memory:CreateSnapshots'],
  copySnapshot: ['memory:CopySnapshot'],
  deleteSnapshot: ['memory:DeleteSnapshot'],
  listSnapshots: ['memory:ListSnapshots'],
  shareSnapshot: ['memory:ShareSnapshot'],
  unshareSnapshot: ['memory:UnshareSnapshot'],
  describeType: ['memory:DescribeType'],
  listZones: ['memory:ListZones'],
  describeQuotas: ['memory:DescribeQuotas'],
} as const;

/**
 * A cloud in this process, which is its own driver. With `named` it takes a repeated order for the same one, as Google
 * Cloud and Azure do; without, it makes a second one, as EC2 does, and has snapshots of whole machines.
 */
export class MemoryCloud implements CloudDouble, DiskDriver {
  readonly provider = 'aws';
  readonly region = 'mem-1';
  readonly zones = ['mem-1a', 'mem-1b'];
  readonly otherAccount = 'other';
  readonly capabilities: DiskCapabilities;
  readonly createSnapshots?: NonNullable<DiskDriver['createSnapshots']>;
  readonly #disks = new Map<string, Kept<DiskDescription>>();
  readonly #snapshots = new Map<string, Kept<DiskSnapshotDescription>>();
  readonly #shares = new Set<string>();
  readonly #faults = new FaultQueue();
  readonly #used = new Set<string>();
  readonly #nowMs: () => number;
  #made = 0;

  constructor({ named, nowMs = Date.now }: { readonly named: boolean; readonly nowMs?: () => number }) {
    this.#nowMs = nowMs;
    this.capabilities = {
      repeatsSnapshotsSafely: named,
      repeatsDisksSafely: named,
      listingLagMs: named ? 0 : 20_000,
      groupsByMachine: !named,
      copiesBetweenRegions: true,
      snapshotIntervalMs: 15_000,
    };
    if (!named) this.createSnapshots = (snapshots, options) => this.#createGroup(snapshots, options);
  }

  get driver(): DiskDriver {
    return this;
  }

  addDisk(disk: DoubleDisk = {}): string {
    const id = `disk-${++this.#made}`;
    const description: DiskDescription = {
      provider: this.provider,
      id,
      account: 'own',
      state: (disk.attachedTo ?? []).length > 0 ? 'in-use' : 'available',
      sizeBytes: 8 * gib,
      type: 'fast',
      region: this.region,
      zones: this.zones.slice(0, 1),
      encryption: { kind: 'none' },
      attachedTo: [],
      tags: {},
      createdMs: this.#nowMs(),
      ...disk,
    };
    this.#disks.set(id, { description, fate: 'ready', looks: pendingLooks, hiddenFrom: 0 });
    return id;
  }

  /** A machine takes a disk that was restored. */
  attach(id: string, machine: string): void {
    const kept = this.#disks.get(id);
    if (kept !== undefined) {
      kept.description = { ...kept.description, state: 'in-use', attachedTo: [machine] };
    }
  }

  remove(id: string): void {
    this.#disks.delete(id);
    this.#snapshots.delete(id);
  }

  strike(fault: CloudFault): void {
    this.#faults.add(fault);
  }

  clearFaults(): void {
    this.#faults.clear();
    for (const kept of [...this.#disks.values(), ...this.#snapshots.values()]) kept.hiddenFrom = 0;
  }

  disks(): readonly DiskDescription[] {
    return [...this.#disks.values()].map(({ description }) => description);
  }

  snapshots(): readonly DiskSnapshotDescription[] {
    return [...this.#snapshots.values()].map(({ description }) => description);
  }

  /** `snapshot account` of every share that holds. */
  shares(): readonly string[] {
    return [...this.#shares];
  }

  usedPermissions(): readonly string[] {
    return [...this.#used].sort();
  }

  violations(): readonly string[] {
    return [];
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async account(options: AbortableOptions): Promise<string> {
    await this.#called('account', undefined, options);
    return 'own';
  }

  async describeDisk(id: string, options: AbortableOptions): Promise<DiskDescription | undefined> {
    return this.#answer('describeDisk', options, () => {
      const kept = this.#disks.get(id);
      if (kept === undefined) return undefined;
      this.#look(kept, { ...kept.description, state: 'available' }, { ...kept.description, state: 'failed' });
      if (kept.fate === 'vanishes' && kept.looks > pendingLooks) this.#disks.delete(id);
      return this.#disks.get(id)?.description;
    });
  }

  async createDisk(disk: NewDisk, options: AbortableOptions): Promise<DiskDescription> {
    return this.#answer('createDisk', options, (fault) => {
      const found = this.#sameOperation(this.#disks, disk.operationId, this.capabilities.repeatsDisksSafely);
      if (found !== undefined) return found;
      if (this.#snapshots.get(disk.snapshotId)?.description.state !== 'ready') {
        throw new DiskError('conflict', 'the snapshot is not ready', { where: disk.snapshotId });
      }
      const description: DiskDescription = {
        provider: this.provider,
        id: `disk-${++this.#made}`,
        account: 'own',
        state: 'creating',
        sizeBytes: disk.sizeBytes,
        type: disk.type,
        iops: disk.iops,
        throughputBytesPerSecond: disk.throughputBytesPerSecond,
        region: disk.region,
        zones: disk.zones,
        encryption: disk.encryption,
        attachedTo: [],
        tags: disk.tags,
        createdMs: this.#nowMs(),
      };
      this.#disks.set(description.id, { description, ...lotOf(fault) });
      return description;
    });
  }

  async deleteDisk(id: string, options: AbortableOptions): Promise<void> {
    await this.#answer('deleteDisk', options, () => {
      if (this.#disks.get(id)?.description.state === 'in-use') {
        throw new DiskError('conflict', 'the disk is attached', { where: id });
      }
      this.#disks.delete(id);
    });
  }

  async *listDisks(options: DiskListOptions): AsyncGenerator<DiskDescription, void, undefined> {
    yield* await this.#list('listDisks', this.#disks, options);
  }

  async describeSnapshot(
    id: string,
    options: AbortableOptions,
  ): Promise<DiskSnapshotDescription | undefined> {
    return this.#answer('describeSnapshot', options, () => {
      const kept = this.#snapshots.get(id);
      if (kept === undefined) return undefined;
      const pending = { ...kept.description, progressPercent: Math.min(99, (kept.looks + 1) * 30) };
      if (kept.description.state === 'pending') kept.description = pending;
      this.#look(
        kept,
        { ...kept.description, state: 'ready', progressPercent: 100 },
        { ...kept.description, state: 'failed', failure: 'as told' },
      );
      if (kept.fate === 'vanishes' && kept.looks > pendingLooks) this.#snapshots.delete(id);
      return this.#snapshots.get(id)?.description;
    });
  }

  async createSnapshot(
    snapshot: NewDiskSnapshot,
    options: AbortableOptions,
  ): Promise<DiskSnapshotDescription> {
    return this.#answer('createSnapshot', options, (fault) => this.#takeSnapshot(snapshot, fault));
  }

  async copySnapshot(copy: NewDiskSnapshotCopy, options: AbortableOptions): Promise<DiskSnapshotDescription> {
    await this.#called('copySnapshot', undefined, options);
    const source = this.#snapshots.get(copy.snapshotId)?.description;
    if (source === undefined) throw new DiskError('not-found', 'no snapshot', { where: copy.snapshotId });
    const { region, tags, encryption } = copy;
    const id = `snap-${++this.#made}`;
    const description = { ...source, id, state: 'pending', regions: [region], tags, encryption } as const;
    this.#snapshots.set(id, { description, ...lotOf(undefined) });
    return description;
  }

  async deleteSnapshot(id: string, options: AbortableOptions): Promise<void> {
    await this.#answer('deleteSnapshot', options, () => {
      this.#snapshots.delete(id);
    });
  }

  async *listSnapshots(options: DiskListOptions): AsyncGenerator<DiskSnapshotDescription, void, undefined> {
    yield* await this.#list('listSnapshots', this.#snapshots, options);
  }

  async shareSnapshot(
    snapshotId: string,
    account: string,
    options: AbortableOptions,
  ): Promise<SnapshotShare> {
    return this.#answer('shareSnapshot', options, () => {
      this.#shares.add(`${snapshotId} ${account}`);
      return { snapshotId, account };
    });
  }

  async unshareSnapshot({ snapshotId, account }: SnapshotShare, options: AbortableOptions): Promise<void> {
    await this.#called('unshareSnapshot', undefined, options);
    this.#shares.delete(`${snapshotId} ${account}`);
  }

  async describeType(
    type: string,
    _region: string,
    options: AbortableOptions,
  ): Promise<DiskTypeLimits | undefined> {
    await this.#called('describeType', undefined, options);
    return type === 'fast' ? { minSizeBytes: gib, maxSizeBytes: 1024 * gib } : undefined;
  }

  async listZones(region: string, options: AbortableOptions): Promise<readonly string[]> {
    await this.#called('listZones', undefined, options);
    return region === this.region ? this.zones : [];
  }

  async describeQuotas(
    _of: { readonly region: string; readonly type?: string | undefined },
    options: AbortableOptions,
  ): Promise<readonly DiskQuota[]> {
    await this.#called('describeQuotas', undefined, options);
    return [{ name: 'snapshots', unit: 'snapshots', limit: 1000, used: this.#snapshots.size }];
  }

  async #createGroup(
    snapshots: readonly NewDiskSnapshot[],
    options: AbortableOptions,
  ): Promise<readonly DiskSnapshotDescription[]> {
    this.#used.add('memory:CreateSnapshots');
    return this.#answer('createSnapshot', options, (fault) =>
      snapshots.map((snapshot) => this.#takeSnapshot(snapshot, fault)),
    );
  }

  #takeSnapshot(
    { diskId, operationId, tags }: NewDiskSnapshot,
    fault: CloudFaultKind | undefined,
  ): DiskSnapshotDescription {
    const { repeatsSnapshotsSafely } = this.capabilities;
    const found = this.#sameOperation(this.#snapshots, operationId, repeatsSnapshotsSafely);
    if (found !== undefined) return found;
    const disk = this.#disks.get(diskId)?.description;
    if (disk === undefined) throw new DiskError('not-found', 'no disk', { where: diskId });
    const description: DiskSnapshotDescription = {
      provider: this.provider,
      id: `snap-${++this.#made}`,
      account: 'own',
      diskId,
      state: 'pending',
      progressPercent: 0,
      diskSizeBytes: disk.sizeBytes,
      regions: [this.region],
      encryption: disk.encryption,
      tags,
      createdMs: this.#nowMs(),
    };
    this.#snapshots.set(description.id, { description, ...lotOf(fault) });
    return description;
  }

  #sameOperation<Description extends { readonly tags: DiskTags }>(
    all: ReadonlyMap<string, Kept<Description>>,
    operationId: string,
    isSafe: boolean,
  ): Description | undefined {
    if (!isSafe) return undefined;
    const same = [...all.values()].find(({ description }) => description.tags[operationTag] === operationId);
    return same?.description;
  }

  #look<Description extends { readonly state: string }>(
    kept: Kept<Description>,
    ready: Description,
    failed: Description,
  ): void {
    kept.looks += 1;
    const { state } = kept.description;
    if (kept.looks <= pendingLooks || (state !== 'pending' && state !== 'creating')) return;
    if (kept.fate === 'ready') kept.description = ready;
    if (kept.fate === 'fails') kept.description = failed;
  }

  async #list<Description extends { readonly tags: DiskTags }>(
    call: CloudCall & keyof typeof memoryPermissions,
    all: ReadonlyMap<string, Kept<Description>>,
    options: DiskListOptions,
  ): Promise<Description[]> {
    return this.#answer(call, options, (fault) => {
      if (fault === 'listing-lags') return [];
      return [...all.values()]
        .filter((kept) => {
          const isHidden = kept.hiddenFrom > 0;
          kept.hiddenFrom = Math.max(0, kept.hiddenFrom - 1);
          return !isHidden;
        })
        .map(({ description }) => description)
        .filter(({ tags }) => Object.entries(options.tags).every(([key, value]) => tags[key] === value));
    });
  }

  /** A call with its fault: refused before it is done, or done without an answer. */
  async #answer<T>(
    call: CloudCall & keyof typeof memoryPermissions,
    options: AbortableOptions,
    work: (fault: CloudFaultKind | undefined) => T,
  ): Promise<T> {
    const fault = this.#faults.take(call);
    await this.#called(call, fault, options);
    const result = work(fault);
    if (fault === 'lost-answer' || fault === 'cut-answer')
      throw new DiskError('unavailable', 'no answer came', { retryable: true });
    return result;
  }

  async #called(
    call: keyof typeof memoryPermissions,
    fault: CloudFaultKind | undefined,
    { signal }: AbortableOptions,
  ): Promise<void> {
    throwIfAborted(signal);
    await Promise.resolve();
    const [permission] = memoryPermissions[call];
    if (permission !== undefined) this.#used.add(permission);
    if (fault === 'unavailable') throw new DiskError('unavailable', 'not now', { retryable: true });
    if (fault === 'throttled') throw new DiskError('throttled', 'too often', { retryable: true });
    if (fault === 'quota') throw new DiskError('quota-exceeded', 'no more of them');
    if (fault === 'denied') throw new DiskError('permission-denied', 'not allowed', { action: permission });
  }
}

function lotOf(fault: CloudFaultKind | undefined): { fate: Fate; looks: number; hiddenFrom: number } {
  const fates: Partial<Record<CloudFaultKind, Fate>> = {
    'fails-later': 'fails',
    'vanishes-later': 'vanishes',
    'stays-pending': 'pending',
  };
  const fate = (fault && fates[fault]) ?? 'ready';
  return { fate, looks: 0, hiddenFrom: fault === 'listing-lags' ? 2 : 0 };
}

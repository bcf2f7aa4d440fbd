import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { openStore } from '../../../src/providers/objects/open.ts';
import { Repository } from '../../../src/repository/repository.ts';
import type { DiskEvent } from '../../../src/snapshot/disk-events.ts';
import { restoreDisk } from '../../../src/snapshot/restore-disk.ts';
import type { RestoreDiskOptions } from '../../../src/snapshot/restore-disk.ts';
import type { DiskSnapshotDocument, RestoredDiskDocument } from '../../../src/snapshot/disk-document.ts';
import { snapshotDisks } from '../../../src/snapshot/snapshot-disks.ts';
import type { SnapshotDisksOptions } from '../../../src/snapshot/snapshot-disks.ts';
import { sweepDisks } from '../../../src/snapshot/sweep-disks.ts';
import { LeapingClock } from '../leaping-clock.ts';
import { weakScrypt } from '../weak-key.ts';
import type { CloudDouble, DoubleDisk } from './cloud-double.ts';

const minuteMs = 60_000;

/** A double of a cloud for a test; whoever asks for it stops it when the test ends. */
export type MakeDouble = (t: TestContext) => Promise<CloudDouble>;

/** A cloud, a repository in memory, and a clock on which waits take no time. */
export class DiskWorld {
  readonly cloud: CloudDouble;
  readonly clock: LeapingClock;
  readonly repository: Repository;
  readonly events: DiskEvent[] = [];
  /** Disks that were there before, or that somebody was given. */
  readonly #owned = new Set<string>();

  private constructor(cloud: CloudDouble, repository: Repository, clock: LeapingClock) {
    this.cloud = cloud;
    this.repository = repository;
    this.clock = clock;
  }

  static async make(t: TestContext, makeDouble: MakeDouble): Promise<DiskWorld> {
    const cloud = await makeDouble(t);
    t.after(() => cloud.stop());
    return DiskWorld.around(cloud);
  }

  /** A repository and a clock of its own. */
  static async around(cloud: CloudDouble): Promise<DiskWorld> {
    const clock = new LeapingClock();
    const store = await openStore('memory:');
    const password = 'a password';
    return new DiskWorld(
      cloud,
      await Repository.init(store, { password, scryptCost: weakScrypt, clock }),
      clock,
    );
  }

  addDisk(disk?: DoubleDisk): string {
    const id = this.cloud.addDisk(disk);
    this.#owned.add(id);
    return id;
  }

  async snapshot(
    diskId: string,
    options: Partial<SnapshotDisksOptions> & { readonly volume?: string } = {},
  ): Promise<DiskSnapshotDocument> {
    const { documents } = await snapshotDisks(this.repository, this.cloud.driver, {
      plan: 'shop',
      volumes: [{ diskId, volume: options.volume ?? 'data' }],
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    const [document] = documents;
    assert.ok(document);
    return document;
  }

  async restore(snapshot: string, options: Partial<RestoreDiskOptions> = {}): Promise<RestoredDiskDocument> {
    const document = await restoreDisk(this.repository, this.cloud.driver, {
      snapshot,
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    if (document.disk !== undefined) this.#owned.add(document.disk.id);
    return document;
  }

  /** Snapshots that exist, and are not on their way out. */
  snapshots(): readonly string[] {
    return this.cloud
      .snapshots()
      .filter(({ state }) => state !== 'deleting')
      .map(({ id }) => id);
  }

  /** Disks that nobody has, and snapshots that are none of these. */
  async orphans(snapshots: readonly string[] = []): Promise<string[]> {
    const orphans = this.snapshots().filter((id) => !snapshots.includes(id));
    for (const { id } of this.cloud.disks()) {
      if (this.#owned.has(id)) continue;
      const disk = await this.cloud.driver.describeDisk(id, {});
      if (disk !== undefined && disk.state !== 'deleting') orphans.push(id);
    }
    return orphans;
  }

  /** Faults end, whoever was at work has gone, and a sweep comes. */
  async sweepLater(): Promise<void> {
    this.cloud.clearFaults();
    this.clock.pass(24 * 60 * minuteMs);
    const { region, driver } = this.cloud;
    const { failed } = await sweepDisks(this.repository, driver, { region });
    assert.deepEqual(failed, []);
  }

  /** The same at once, while nothing but the faults has ended. */
  async sweepNow(): Promise<void> {
    this.cloud.clearFaults();
    const { region, driver } = this.cloud;
    const { failed } = await sweepDisks(this.repository, driver, { region });
    assert.deepEqual(failed, []);
  }
}

/**
 * A disk of a cloud itself, there and back: TRANSHIP_LIVE=aws|gcp|azure TRANSHIP_LIVE_DISK=HANDLE npm test --
 * test/live/disks.test.ts, with credentials as the command line finds them, and TRANSHIP_LIVE_REGION for EBS. It takes
 * one snapshot, makes one disk, and removes both; the disk that is named is only read.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDiskHandle } from '../../src/providers/disks/handle.ts';
import { openDisks } from '../../src/providers/disks/open.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { Repository } from '../../src/repository/repository.ts';
import { deleteDisk } from '../../src/snapshot/delete-disk.ts';
import { gatherPreflightFacts } from '../../src/snapshot/gather-facts.ts';
import { restoreDisk } from '../../src/snapshot/restore-disk.ts';
import { snapshotDisks } from '../../src/snapshot/snapshot-disks.ts';
import { sweepDisks } from '../../src/snapshot/sweep-disks.ts';

const asked = process.env['TRANSHIP_LIVE'] ?? '';
const isAsked = ['aws', 'gcp', 'azure'].includes(asked);

describe(
  'disks of a cloud itself',
  { skip: isAsked ? false : 'only with TRANSHIP_LIVE=aws|gcp|azure' },
  () => {
    it('are snapshotted, restored and removed', async (t) => {
      const { provider, diskId, region } = parseDiskHandle(process.env['TRANSHIP_LIVE_DISK'] ?? '');
      assert.equal(provider, asked);
      const disks = await openDisks(provider, {
        region: process.env['TRANSHIP_LIVE_REGION'] ?? region,
        settings: { azure: { environment: process.env } },
      });
      t.after(() => disks.close());
      const repository = await Repository.init(await openStore('memory:'), { password: 'a password' });
      const source = await disks.describeDisk(diskId, {});
      assert.ok(source, 'there is no such disk');
      const facts = await gatherPreflightFacts(repository, disks, { diskId, targetRegion: source.region });
      assert.ok(facts.typeLimits !== undefined && facts.targetZones.length > 0);
      const volumes = [{ volume: 'live', diskId: source.id }];
      const { documents } = await snapshotDisks(repository, disks, { plan: 'live-test', volumes });
      for (const { id: snapshot } of documents) {
        const { id, disk } = await restoreDisk(repository, disks, { snapshot });
        assert.equal(disk?.type, source.type);
        await deleteDisk(repository, disks, id);
        await deleteDisk(repository, disks, snapshot);
      }
      const { removed, kept } = await sweepDisks(repository, disks, { dryRun: true });
      assert.deepEqual([removed, kept], [[], []]);
    });
  },
);

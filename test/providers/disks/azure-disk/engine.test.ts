/** The engine over the driver, Azure's SDK and the double: the suite that every cloud passes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gatherPreflightFacts } from '../../../../src/snapshot/gather-facts.ts';
import { permissions } from '../../../../src/providers/disks/azure-disk/permissions.ts';
import { ArmDouble, subscription } from '../../../support/disks/arm-double.ts';
import { DiskWorld } from '../../../support/disks/disk-world.ts';
import { describeCloud } from '../../../support/disks/scenarios.ts';

const keyId = `/subscriptions/${subscription}/resourceGroups/copies/providers/Microsoft.Compute/diskEncryptionSets/set`;

describeCloud('Azure', (t) => ArmDouble.start(t), {
  disks: {
    'Premium SSD v2': { type: 'PremiumV2_LRS', iops: 5000, throughputBytesPerSecond: 400e6 },
    'a zone-redundant disk': { type: 'StandardSSD_ZRS' },
    'a disk with an encryption set': { encryption: { kind: 'customer-key', keyId } },
  },
  permissions,
  createSnapshotAction: 'Microsoft.Compute/snapshots/write',
});

describe('the engine on Azure', () => {
  it('restores a disk of one zone as one that is kept in all zones', async (t) => {
    const world = await DiskWorld.make(t, (context) => ArmDouble.start(context));
    const taken = await world.snapshot(world.addDisk({ zones: ['westeurope-1'] }));
    const { disk } = await world.restore(taken.id, { mapping: { type: 'Premium_ZRS' } });
    assert.equal(disk?.type, 'Premium_ZRS');
    assert.deepEqual(disk.zones, []);
  });

  it('counts the snapshots of a disk whose id is written in another case', async (t) => {
    const world = await DiskWorld.make(t, (context) => ArmDouble.start(context));
    const diskId = world.addDisk();
    await world.snapshot(diskId);
    const { repository, cloud } = world;
    const facts = await gatherPreflightFacts(repository, cloud.driver, {
      diskId: diskId.replace('mc_cluster', 'MC_Cluster'),
      targetRegion: 'westeurope',
    });
    assert.equal(facts.snapshotsMs.length, 1);
    assert.deepEqual(facts.targetZones, cloud.zones);
    assert.ok(facts.typeLimits);
  });
});

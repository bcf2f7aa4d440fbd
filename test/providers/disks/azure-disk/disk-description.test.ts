import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describeDisk } from '../../../../src/providers/disks/azure-disk/disk-description.ts';

const id =
  '/subscriptions/11111111-aaaa-4bbb-8ccc-111111111111/resourceGroups/g/providers/Microsoft.Compute/disks/d';

it('a disk that a machine has is no failed one because a change of it failed', () => {
  const disk = { id, location: 'westeurope', sku: { name: 'Premium_LRS' }, provisioningState: 'Failed' };
  const { state, failure } = describeDisk({ ...disk, managedBy: '/subscriptions/s/machine' });
  assert.deepEqual([state, failure], ['in-use', undefined]);
  assert.equal(describeDisk({ ...disk, managedBy: '/m', provisioningState: 'Deleting' }).state, 'deleting');
  const unborn = describeDisk(disk);
  assert.equal(unborn.state, 'failed');
  assert.match(unborn.failure ?? '', /activity log/);
});

import { MemoryCloud, memoryPermissions } from '../support/disks/memory-cloud.ts';
import { describeCloud } from '../support/disks/scenarios.ts';

const disks = {
  'a fast disk': { iops: 4000, throughputBytesPerSecond: 2 ** 27 },
  'an encrypted disk': { encryption: { kind: 'customer-key', keyId: 'keys/one' } },
} as const;

for (const named of [true, false]) {
  describeCloud(
    named ? 'a cloud that knows an order again' : 'a cloud that takes an order twice',
    () => Promise.resolve(new MemoryCloud({ named })),
    {
      disks,
      createSnapshotAction: 'memory:CreateSnapshot',
      permissions: memoryPermissions,
      schedules: { small: 50, full: 500 },
    },
  );
}

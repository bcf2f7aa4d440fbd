/** The engine over the driver, Azure's SDK and the double: the suite that every cloud passes. */
import { ArmDouble, subscription } from '../../../support/disks/arm-double.ts';
import { describeCloud } from '../../../support/disks/scenarios.ts';

const keyId = `/subscriptions/${subscription}/resourceGroups/copies/providers/Microsoft.Compute/diskEncryptionSets/set`;

describeCloud('Azure', (t) => ArmDouble.start(t), {
  disks: {
    'Premium SSD v2': { type: 'PremiumV2_LRS', iops: 5000, throughputBytesPerSecond: 400e6 },
    'a zone-redundant disk': { type: 'StandardSSD_ZRS' },
    'a disk with an encryption set': { encryption: { kind: 'customer-key', keyId } },
  },
  createSnapshotAction: 'Microsoft.Compute/snapshots/write',
});

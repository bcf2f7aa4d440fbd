/** What the engine does with Google's disks, fault by fault. */
import { permissions } from '../../../../src/providers/disks/gce-disk/permissions.ts';
import { ComputeDouble } from '../../../support/disks/compute-double.ts';
import { describeCloud } from '../../../support/disks/scenarios.ts';

const GIB = 2 ** 30;

describeCloud('Google Compute Engine', () => ComputeDouble.start(), {
  permissions,
  createSnapshotAction: 'compute.snapshots.create',
  disks: {
    'a regional disk': { zones: ['europe-west1-b', 'europe-west1-d'], type: 'pd-ssd', sizeBytes: 20 * GIB },
    'a Hyperdisk': {
      type: 'hyperdisk-balanced',
      iops: 6000,
      throughputBytesPerSecond: 300 * 2 ** 20,
      sizeBytes: 100 * GIB,
    },
    'a disk under a key of Cloud KMS': {
      encryption: {
        kind: 'customer-key',
        keyId: 'projects/keys/locations/europe-west1/keyRings/ring/cryptoKeys/disks',
      },
    },
  },
});

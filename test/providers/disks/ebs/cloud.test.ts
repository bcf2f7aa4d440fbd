import { describeCloud } from '../../../support/disks/scenarios.ts';
import { permissions } from '../../../../src/providers/disks/ebs/permissions.ts';
import { Ec2Double } from '../../../support/disks/ec2-double.ts';

const keyId = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const mib = 2 ** 20;

describeCloud('EBS', () => Ec2Double.start(), {
  disks: {
    'a gp3 volume with more than its type gives': {
      type: 'gp3',
      iops: 6000,
      throughputBytesPerSecond: 500 * mib,
    },
    'an io2 volume': { type: 'io2', iops: 9000, zones: ['eu-central-1b'] },
    'a gp2 volume': { type: 'gp2' },
    'a volume under Amazon’s key': { encryption: { kind: 'provider-key' } },
    'a volume under a customer’s key': { encryption: { kind: 'customer-key', keyId } },
  },
  createSnapshotAction: 'ec2:CreateSnapshot',
  permissions,
});

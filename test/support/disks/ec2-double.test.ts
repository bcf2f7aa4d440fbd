import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Ec2Double } from './ec2-double.ts';

const authorization =
  'AWS4-HMAC-SHA256 Credential=AKIATRANSHIP/20300101/eu-central-1/ec2/aws4_request, SignedHeaders=host, Signature=0';

const requests: readonly (readonly [string, string])[] = [
  ['VolumeID=vol-1&VolumeId=vol-1', 'CreateSnapshot: VolumeID'],
  ['Description=x', 'CreateSnapshot: no VolumeId'],
  ['VolumeId=vol-1&VolumeId.1=x', 'CreateSnapshot: VolumeId.1'],
  ['VolumeId=vol-1&DryRun=yes', 'CreateSnapshot: DryRun=yes'],
  [
    'VolumeId=vol-1&TagSpecification.1.ResourceType=disk',
    'CreateSnapshot.TagSpecifications.ResourceType=disk',
  ],
  ['VolumeId=vol-1&TagSpecification.ResourceType=snapshot', 'CreateSnapshot: TagSpecification.ResourceType'],
  ['VolumeId=vol-1&Version=2010-01-01', 'CreateSnapshot: Version 2010-01-01'],
];

for (const [fields, violation] of requests) {
  it(`the double of EC2 refuses ${fields}`, async (t) => {
    const cloud = await Ec2Double.start();
    t.after(() => cloud.stop());
    const response = await fetch(cloud.endpoint, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body: `Action=CreateSnapshot&${fields}`,
    });
    assert.equal(response.status, 400);
    assert.match(await response.text(), /<Code>UnknownParameter<\/Code>/);
    assert.ok(cloud.violations().includes(violation), cloud.violations().join('\n'));
  });
}

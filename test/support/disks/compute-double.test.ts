/** The double refuses what Google's own description does not have, and tells of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ComputeDouble, doubleToken } from './compute-double.ts';

const PROJECT = '/compute/v1/projects/tranship-source';
const snapshots = `${PROJECT}/global/snapshots`;
const disks = `${PROJECT}/zones/europe-west1-b/disks`;

describe('the double of Compute Engine', () => {
  const wrong: Readonly<
    Record<string, readonly [verb: string, path: string, body: object | undefined, words: RegExp]>
  > = {
    'a path that is none': ['GET', `${PROJECT}/global/snapshot`, undefined, /is no path/],
    'a verb that the path does not have': ['PUT', snapshots, {}, /is no path/],
    'a parameter that is none': ['GET', `${snapshots}?filters=x`, undefined, /no parameter filters/],
    'a parameter of the wrong kind': ['GET', `${snapshots}?maxResults=many`, undefined, /many is no uint32/],
    'a parameter given twice': ['GET', `${snapshots}?filter=a&filter=b`, undefined, /filter twice/],
    'a filter that is none': ['GET', `${snapshots}?filter=labels.a`, undefined, /the filter labels\.a/],
    'a body where there is none': ['DELETE', `${snapshots}/a`, { force: true }, /a body/],
    'no body where there must be one': ['POST', snapshots, undefined, /without snapshotResource/],
    'a field that is none': ['POST', snapshots, { name: 'a', disk: 'b' }, /Snapshot has no disk/],
    'a field of an inner type that is none': [
      'POST',
      disks,
      { name: 'a', diskEncryptionKey: { kmsKey: 'b' } },
      /CustomerEncryptionKey has no kmsKey/,
    ],
    'a number of 64 bits that is no text': ['POST', disks, { name: 'a', sizeGb: 10 }, /10 is no int64/],
    'a label that is no text': ['POST', snapshots, { name: 'a', labels: { b: 1 } }, /1 is no string/],
    'a list that is none': ['POST', snapshots, { name: 'a', storageLocations: 'eu' }, /no list/],
  };
  for (const [name, [method, path, body, words]] of Object.entries(wrong)) {
    it(`refuses ${name}`, async (t) => {
      const cloud = await ComputeDouble.start();
      t.after(() => cloud.stop());
      const { status } = await fetch(`${cloud.endpoint}${path}`, {
        method,
        headers: { authorization: `Bearer ${doubleToken}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      assert.equal(status, 400);
      assert.match(cloud.violations().join('\n'), words);
      assert.deepEqual([cloud.snapshots(), cloud.disks()], [[], []]);
    });
  }
});

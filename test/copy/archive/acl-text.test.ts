import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aclText } from '../../../src/copy/archive/acl-text.ts';

function acl(...entries: readonly (readonly [tag: number, permissions: number, id: number])[]): Buffer {
  const value = Buffer.alloc(4 + entries.length * 8);
  value.writeUInt32LE(2);
  for (const [index, [tag, permissions, id]] of entries.entries()) {
    value.writeUInt16LE(tag, 4 + index * 8);
    value.writeUInt16LE(permissions, 6 + index * 8);
    value.writeUInt32LE(id, 8 + index * 8);
  }
  return value;
}

const none = 0xffff_ffff;

describe('the text of an ACL', () => {
  it('names users and groups by number', () => {
    const value = acl(
      [0x01, 7, none],
      [0x02, 4, 33],
      [0x04, 5, none],
      [0x08, 1, 4_000_000_000],
      [0x10, 7, none],
      [0x20, 0, none],
    );
    assert.equal(
      aclText(value),
      'user::rwx,user:33:r--,group::r-x,group:4000000000:--x,mask::rwx,other::---',
    );
  });

  it('is none where the value is none', () => {
    const sound = acl([0x01, 7, none]);
    const wrongVersion = Buffer.from(sound);
    wrongVersion[0] = 3;
    const values = [Buffer.alloc(0), Buffer.alloc(3), acl(), sound.subarray(0, -1), wrongVersion];
    for (const value of [...values, acl([0x40, 7, none]), acl([0x01, 8, none])]) {
      assert.equal(aclText(value), undefined, value.toString('hex'));
    }
  });
});

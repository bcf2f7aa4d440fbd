import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groupName, parseAccountNames, userName } from '../../src/base/account-names.ts';

describe('account names', () => {
  it('are read by number, the first line of a number first', () => {
    const names = parseAccountNames(
      'root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n\n+\nbad:x:\nnobody:x:65534:65534::/:\n',
    );
    assert.deepEqual(
      [...names],
      [
        [0, 'root'],
        [65534, 'nobody'],
      ],
    );
  });

  it('of the machine know root, and nobody with an unused number', () => {
    assert.equal(userName(0), 'root');
    assert.equal(groupName(0), 'root');
    assert.equal(userName(4_294_000_001), undefined);
    assert.equal(groupName(4_294_000_001), undefined);
  });
});

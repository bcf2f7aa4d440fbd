import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledError } from '../../../../src/base/errors.ts';
import { localError } from '../../../../src/providers/objects/local/local-error.ts';

const meanings = [
  ['ENOENT', 'not-found', false],
  ['EACCES', 'permission-denied', false],
  ['EPERM', 'permission-denied', false],
  ['EROFS', 'permission-denied', false],
  ['ENOSPC', 'no-space', false],
  ['EDQUOT', 'no-space', false],
  ['EFBIG', 'no-space', false],
  ['EEXIST', 'already-exists', false],
  ['EIO', 'io', false],
  ['EMFILE', 'unavailable', true],
  ['ESTALE', 'unavailable', true],
  ['ETIMEDOUT', 'timeout', true],
  ['EWHATEVER', 'io', false],
] as const;

test('a system error is named by its cause, with whether to try again', () => {
  for (const [systemCode, code, retryable] of meanings) {
    const cause = Object.assign(new Error('raw'), { code: systemCode });
    const error = localError(cause, 'put', 'data/ab');
    assert.deepEqual(
      [error.code, error.retryable, error.where, error.cause],
      [code, retryable, 'data/ab', cause],
    );
    assert.match(error.message, new RegExp(`${systemCode}.*data/ab`));
  }
});

test("an error of tranship's own is passed on", () => {
  const own = new CancelledError();
  assert.equal(localError(own, 'put', 'a'), own);
});

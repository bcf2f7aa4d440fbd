import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { FileSystemError } from '../../src/base/errors.ts';
import { errnoName, systemError } from '../../src/base/system-error.ts';

describe('systemError', () => {
  const expected = [
    [constants.errno.ENOENT, 'ENOENT', 'not-found', false],
    [constants.errno.EACCES, 'EACCES', 'permission-denied', false],
    [constants.errno.EPERM, 'EPERM', 'permission-denied', false],
    [constants.errno.EROFS, 'EROFS', 'permission-denied', false],
    [constants.errno.ENOSPC, 'ENOSPC', 'no-space', false],
    [constants.errno.EDQUOT, 'EDQUOT', 'no-space', false],
    [constants.errno.EEXIST, 'EEXIST', 'already-exists', false],
    [constants.errno.ELOOP, 'ELOOP', 'unsafe-path', false],
    [constants.errno.ENOTDIR, 'ENOTDIR', 'conflict', false],
    [constants.errno.EMFILE, 'EMFILE', 'unavailable', true],
    [constants.errno.ESTALE, 'ESTALE', 'not-found', true],
    [constants.errno.EIO, 'EIO', 'io', false],
    [95, 'ENOTSUP', 'unsupported', false],
    [117, 'EUCLEAN', 'io', false],
    [4095, 'E4095', 'io', false],
  ] as const;
  for (const [errno, name, code, retryable] of expected) {
    it(`${name} is ${code}`, () => {
      const error = systemError(errno, 'open the file', '/a');
      assert.ok(error instanceof FileSystemError);
      assert.deepEqual(
        { errno: error.errno, code: error.code, where: error.where, retryable: error.retryable },
        { errno: name, code, where: '/a', retryable },
      );
      assert.match(error.message, /^cannot open the file, .+ \[E\w+\]: \/a( \(.+\))?$/);
    });
  }

  it('names every number by one fixed name', () => {
    assert.equal(errnoName(11), 'EAGAIN');
    assert.equal(errnoName(35), 'EDEADLK');
  });
});

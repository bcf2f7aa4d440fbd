import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CancelledError,
  FileSystemError,
  RepositoryError,
  StoreError,
  UsageError,
} from '../../src/base/errors.ts';
import { exitCodeOf } from '../../src/cli/exit-code.ts';

describe('exit codes', () => {
  it('follow from what failed', () => {
    const cases: readonly (readonly [unknown, number])[] = [
      [new Error('a defect'), 1],
      ['thrown text', 1],
      [new StoreError('unavailable', 'x'), 1],
      [new FileSystemError('not-found', 'x'), 1],
      [new UsageError('x'), 2],
      [new RepositoryError('no-repository', 'x'), 10],
      [new RepositoryError('locked', 'x'), 11],
      [new RepositoryError('wrong-password', 'x'), 12],
      [new CancelledError(), 130],
    ];
    assert.deepEqual(
      cases.map(([error]) => exitCodeOf(error)),
      cases.map(([, code]) => code),
    );
  });

  it('a lost lock that cancelled the work is a lock, not an interruption', () => {
    assert.equal(exitCodeOf(new CancelledError(new RepositoryError('locked', 'lost'))), 11);
  });
});

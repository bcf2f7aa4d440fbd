import assert from 'node:assert/strict';
import { RepositoryError } from '../../src/base/errors.ts';
import type { ErrorCode } from '../../src/base/errors.ts';

/** Asserts that the call throws a RepositoryError of that code; of that place, where one is given. */
export function throwsCode(code: ErrorCode, call: () => unknown, where?: string): void {
  assert.throws(call, (error) => {
    assert.ok(error instanceof RepositoryError, `not a RepositoryError: ${String(error)}`);
    assert.equal(error.code, code);
    if (where !== undefined) assert.equal(error.where, where);
    return true;
  });
}

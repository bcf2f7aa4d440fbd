import assert from 'node:assert/strict';
import { DiskError } from '../../../src/base/errors.ts';

/** The DiskError that the work ends in, of which the message must be one line. */
export async function diskErrorOf(work: Promise<unknown>): Promise<DiskError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof DiskError, `not a DiskError: ${String(error)}`);
    assert.ok(!error.message.includes('\n'), error.message);
    return error;
  }
  return assert.fail('nothing was thrown');
}

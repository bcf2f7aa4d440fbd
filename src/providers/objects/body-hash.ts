import { createHash } from 'node:crypto';
import { scheduler } from 'node:timers/promises';
import { throwIfAborted } from '../../base/errors.ts';
import type { ObjectBody } from './driver.ts';
import { bodyPieces } from './object-body.ts';

/** MD5 takes about six milliseconds for as many; what else the thread has to do goes between. */
const SLICE_BYTES = 4 * 2 ** 20;

/** The hash of all pieces; rejects with CancelledError. */
export async function hashOf(
  body: ObjectBody,
  algorithm: 'md5' | 'sha256',
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const hash = createHash(algorithm);
  let hashedBytes = 0;
  for (const piece of bodyPieces(body)) {
    for (let start = 0; start < piece.byteLength; start += SLICE_BYTES) {
      const slice = piece.subarray(start, start + SLICE_BYTES);
      hash.update(slice);
      hashedBytes += slice.byteLength;
      if (hashedBytes < SLICE_BYTES) continue;
      hashedBytes = 0;
      await scheduler.yield();
      throwIfAborted(signal);
    }
  }
  return hash.digest();
}

import { createHash } from 'node:crypto';
import { scheduler } from 'node:timers/promises';
import { throwIfAborted } from '../../../base/errors.ts';
import type { ObjectBody } from '../driver.ts';
import { bodyPieces } from '../object-body.ts';

/** MD5 takes about six milliseconds for as many; what else the thread has to do goes between. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** MD5 of all pieces: the checksum that Put Blob and Put Block verify before they store anything. */
export async function md5Of(body: ObjectBody, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const hash = createHash('md5');
  let hashed = 0;
  for (const piece of bodyPieces(body)) {
    for (let start = 0; start < piece.byteLength; start += SLICE_BYTES) {
      const slice = piece.subarray(start, start + SLICE_BYTES);
      hash.update(slice);
      hashed += slice.byteLength;
      if (hashed < SLICE_BYTES) continue;
      hashed = 0;
      await scheduler.yield();
      throwIfAborted(signal);
    }
  }
  return hash.digest();
}

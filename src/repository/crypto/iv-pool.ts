import { randomFillSync } from 'node:crypto';

const ivBytes = 16;

/** One call of the random generator costs about as much as sealing a small blob, so IVs are drawn many at a time. */
const poolBytes = 16 * 1024;

/** A module exists once a thread, and so does this pool; no two threads hand out bytes of the same draw. */
const pool = Buffer.alloc(poolBytes);
let position = poolBytes;

/**
 * Writes 16 random bytes to `iv`. Guaranteed: bytes that were handed out never are again, and an all-zero IV, which
 * readers refuse, is never handed out.
 */
export function takeIv(iv: Uint8Array): void {
  do {
    if (position === poolBytes) {
      randomFillSync(pool);
      // Only after the draw succeeded: had it thrown, the old bytes would be handed out a second time.
      position = 0;
    }
    for (let i = 0; i < ivBytes; i++) iv[i] = pool[position + i] ?? 0;
    pool.fill(0, position, position + ivBytes);
    position += ivBytes;
  } while (iv.every((byte) => byte === 0));
}

import { timingSafeEqual } from 'node:crypto';
import type { MasterKey } from './cipher.ts';

/** True when what was sealed under one of the keys opens under the other. */
export function isSameKey(a: MasterKey, b: MasterKey): boolean {
  return (
    timingSafeEqual(a.encrypt, b.encrypt) &&
    timingSafeEqual(a.macK, b.macK) &&
    timingSafeEqual(a.macR, b.macR)
  );
}

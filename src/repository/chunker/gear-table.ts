import { createCipheriv, hkdfSync } from 'node:crypto';
import { UsageError } from '../../base/errors.ts';
import type { MasterKey } from '../crypto/cipher.ts';

/** Length of a gear seed. */
export const gearSeedBytes = 32;

const hkdfInfo = 'tranship fastcdc gear v1';

/**
 * The secret that a repository's gear table is made of: HKDF-SHA256 (RFC 5869) over encrypt || macK || macR of the
 * master key, without salt. Every key file of a repository wraps the same master key, so all of them lead to the same
 * cuts.
 */
export function deriveGearSeed(masterKey: MasterKey): Uint8Array {
  const secret = Buffer.concat([masterKey.encrypt, masterKey.macK, masterKey.macR]);
  return new Uint8Array(hkdfSync('sha256', secret, '', hkdfInfo, gearSeedBytes));
}

/** 256 u64: the AES-256-CTR keystream under `gearSeed` from a zero counter block on, read little-endian. */
export function gearTable(gearSeed: Uint8Array): BigUint64Array {
  if (gearSeed.length !== gearSeedBytes) {
    throw new UsageError(`a gear seed has ${gearSeedBytes} bytes, not ${gearSeed.length}`);
  }
  const cipher = createCipheriv('aes-256-ctr', gearSeed, new Uint8Array(16));
  const keystream = cipher.update(new Uint8Array(256 * 8));
  return BigUint64Array.from({ length: 256 }, (_, byte) => keystream.readBigUInt64LE(byte * 8));
}

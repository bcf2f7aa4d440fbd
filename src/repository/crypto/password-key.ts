import { randomBytes } from 'node:crypto';

import { RepositoryError, throwIfAborted } from '../../base/errors.ts';
import { saltBytes } from '../format/key-file.ts';
import type { KeyFile } from '../format/key-file.ts';
import { envelopeOverheadBytes } from './cipher.ts';
import type { MasterKey } from './cipher.ts';
import { decodeMasterKey, encodeMasterKey } from '../format/key-file.ts';
import { createCipher } from './open-cipher.ts';
import { calibrateScrypt } from './scrypt-calibration.ts';
import type { ScryptCost } from './scrypt-cost.ts';
import { scrypt } from './scrypt.ts';

export type { ScryptCost } from './scrypt-cost.ts';

/** The part of a key file that a password opens. */
export type WrappedMasterKey = Pick<KeyFile, 'N' | 'r' | 'p' | 'salt' | 'data'>;

export interface DeriveKeyOptions {
  /** Looked at before and after the derivation, which itself cannot be interrupted. */
  readonly signal?: AbortSignal | undefined;
}

export interface WrapMasterKeyOptions extends DeriveKeyOptions {
  /**
   * Default: calibrated to about half a second on this machine. Anything below `minimumScryptCost` is for tests only.
   */
  readonly cost?: ScryptCost | undefined;
}

/** A fresh random master key for a new repository. */
export function generateMasterKey(): MasterKey {
  return { encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) };
}

/**
 * The key that a password stands for: scrypt to 64 bytes, which are the AES key (32), k (16) and r (16). Parameters of
 * a key file must come from `decodeKeyFile`, which bounds their cost.
 */
export async function deriveKey(
  password: string,
  parameters: ScryptCost & Pick<KeyFile, 'salt'>,
  options: DeriveKeyOptions = {},
): Promise<MasterKey> {
  throwIfAborted(options.signal);
  const bytes = await scrypt(password, parameters.salt, parameters);
  throwIfAborted(options.signal);
  return { encrypt: bytes.subarray(0, 32), macK: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) };
}

/** Seals the master key under a password, with a fresh salt. */
export async function wrapMasterKey(
  masterKey: MasterKey,
  password: string,
  options: WrapMasterKeyOptions = {},
): Promise<WrappedMasterKey> {
  const { N, r, p } = options.cost ?? (await calibrateScrypt({ signal: options.signal }));
  const salt = randomBytes(saltBytes);
  const passwordKey = await deriveKey(password, { N, r, p, salt }, options);
  const cipher = createCipher(passwordKey);
  const plaintext = encodeMasterKey(masterKey);
  try {
    return { N, r, p, salt, data: cipher.seal(plaintext) };
  } finally {
    cipher.close();
    wipe(passwordKey);
    plaintext.fill(0);
  }
}

/**
 * The master key, or undefined when the password is wrong; a damaged `data` cannot be told from that. Throws
 * RepositoryError `corrupt` for contents that no password makes a master key of.
 */
export async function unwrapMasterKey(
  wrapped: WrappedMasterKey,
  password: string,
  options: DeriveKeyOptions = {},
): Promise<MasterKey | undefined> {
  if (wrapped.data.byteLength <= envelopeOverheadBytes) {
    throw new RepositoryError('corrupt', 'key data is too short');
  }
  const passwordKey = await deriveKey(password, wrapped, options);
  const plaintext = openQuietly(passwordKey, wrapped.data);
  wipe(passwordKey);
  if (plaintext === undefined) return undefined;
  try {
    return decodeMasterKey(plaintext, 'keys');
  } finally {
    plaintext.fill(0);
  }
}

function openQuietly(passwordKey: MasterKey, data: Uint8Array): Buffer | undefined {
  const cipher = createCipher(passwordKey);
  try {
    return cipher.open(data);
  } catch (error) {
    if (error instanceof RepositoryError && error.code === 'corrupt') return undefined;
    throw error;
  } finally {
    cipher.close();
  }
}

function wipe(key: MasterKey): void {
  key.encrypt.fill(0);
  key.macK.fill(0);
  key.macR.fill(0);
}

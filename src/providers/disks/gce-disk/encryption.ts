import { DiskError } from '../../../base/errors.ts';
import { field, textOf } from '../../google/json-value.ts';
import type { DiskEncryption } from '../driver.ts';

/** A key that its owner sends along with each call, and of which Google keeps only the hash. */
const SUPPLIED = 'sha256:';
const KMS_KEY = /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/;

/** What a field of the kind CustomerEncryptionKey says; where there is none Google's own key encrypts. */
export function encryptionOf(key: unknown): DiskEncryption {
  const name = textOf(field(key, 'kmsKeyName'));
  // The version that was the newest then: a new disk should have the newest now.
  if (name !== '') return { kind: 'customer-key', keyId: name.replace(/\/cryptoKeyVersions\/[^/]+$/, '') };
  const sha256 = textOf(field(key, 'sha256'));
  return sha256 === '' ? { kind: 'provider-key' } : { kind: 'customer-key', keyId: `${SUPPLIED}${sha256}` };
}

/** The fields of a new disk that name its key. Throws DiskError for a key that is not in the key service. */
export function encryptionFields(
  encryption: DiskEncryption,
  where: string,
): { readonly diskEncryptionKey?: { readonly kmsKeyName: string } } {
  if (encryption.kind !== 'customer-key') return {};
  checkKey(encryption, where);
  if (KMS_KEY.test(encryption.keyId)) return { diskEncryptionKey: { kmsKeyName: encryption.keyId } };
  throw new DiskError('invalid-argument', `not the name of a key: ${encryption.keyId}`, {
    where,
    advice: 'write projects/P/locations/L/keyRings/R/cryptoKeys/K',
  });
}

/** Throws DiskError `unsupported` for a key that would have to be sent along. */
export function checkKey(encryption: DiskEncryption, where: string): void {
  if (encryption.kind !== 'customer-key' || !encryption.keyId.startsWith(SUPPLIED)) return;
  throw new DiskError('unsupported', 'the disk’s key is one that its owner keeps and sends along', {
    where,
    advice: 'copy its files instead, or move it to a key of Cloud KMS',
  });
}

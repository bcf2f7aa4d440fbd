import { bufferView } from './buffer-view.ts';
import { RepositoryError } from '../../base/errors.ts';
import { envelopeOverheadBytes } from '../crypto/cipher.ts';
import type { MasterKey } from '../crypto/cipher.ts';
import { jsonString } from './go-json.ts';
import { asObject, base64Bytes, corrupt, optionalString, parseJson, unsigned } from './strict-json.ts';
import type { JsonObject } from './strict-json.ts';
import { isTimestamp, zeroTimestamp } from './timestamp.ts';

/** Cost of the key derivation scrypt (RFC 7914). */
export interface ScryptParameters {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** Contents of a key file: the master key sealed under a key that scrypt derives from a password. */
export interface KeyFile extends ScryptParameters {
  /** RFC 3339. */
  readonly created: string;
  readonly username: string;
  readonly hostname: string;
  /** 64 bytes. */
  readonly salt: Uint8Array;
  /** The envelope of the master key's JSON. */
  readonly data: Uint8Array;
}

export interface KeyFileLimits {
  /** Takes costs that could serve to exhaust this machine, up to 2 GiB of memory. Default false. */
  readonly allowCostly?: boolean | undefined;
}

export const saltBytes = 64;

/** A key file is read before anything can be authenticated, hence the bounds. */
export const maximumKeyFileBytes = 64 * 1024;
const ordinaryMemoryBytes = 256 * 1024 * 1024;
const ordinaryWork = 2 ** 24;
const hardMemoryBytes = 2 * 1024 * 1024 * 1024;

/** The JSON of a key file, members in restic's order, without a newline. */
export function encodeKeyFile(key: KeyFile): Buffer {
  if (key.salt.length !== saltBytes) {
    throw new RepositoryError(
      'invalid-argument',
      `key salt has ${key.salt.length} bytes instead of ${saltBytes}`,
    );
  }
  const origin = `"created":${jsonString(key.created)},"username":${jsonString(key.username)},"hostname":${jsonString(key.hostname)}`;
  const cost = `"kdf":"scrypt","N":${key.N},"r":${key.r},"p":${key.p}`;
  return Buffer.from(`{${origin},${cost},"salt":"${base64(key.salt)}","data":"${base64(key.data)}"}`);
}

/**
 * Reads a key file. Throws RepositoryError `corrupt` on a malformed file, `unsupported` on another key derivation and
 * on costs beyond the ordinary (256 MiB of memory, N*r*p of 2^24) unless `allowCostly` is set.
 */
export function decodeKeyFile(bytes: Uint8Array, where: string, limits: KeyFileLimits = {}): KeyFile {
  if (bytes.length > maximumKeyFileBytes) throw corrupt('key file is too large', where);
  const json = asObject(parseJson(bytes, 'key file', where), 'key file', where);
  if (typeof json['kdf'] !== 'string') throw corrupt('key file names no key derivation', where);
  if (json['kdf'] !== 'scrypt') {
    throw new RepositoryError('unsupported', 'key file uses a key derivation other than scrypt', { where });
  }
  const cost = scryptParameters(json, where);
  assertAffordable(cost, limits.allowCostly === true, where);
  const salt = base64Bytes(json['salt'], 'key salt', where);
  if (salt.length !== saltBytes)
    throw corrupt(`key salt has ${salt.length} bytes instead of ${saltBytes}`, where);
  const data = base64Bytes(json['data'], 'key data', where);
  if (data.length <= envelopeOverheadBytes) throw corrupt('key data is too short', where);
  const created = optionalString(json['created'], 'key created', where) ?? zeroTimestamp;
  if (!isTimestamp(created)) throw corrupt('key created is not RFC 3339', where);
  return {
    created,
    username: optionalString(json['username'], 'key username', where) ?? '',
    hostname: optionalString(json['hostname'], 'key hostname', where) ?? '',
    ...cost,
    salt,
    data,
  };
}

/** The bounds of scrypt itself: N is a power of two above 1, r and p are at least 1, r*p is below 2^30. */
function scryptParameters(json: JsonObject, where: string): ScryptParameters {
  const N = unsigned(json['N'], 2 ** 40, 'key N', where);
  const r = unsigned(json['r'], 2 ** 30, 'key r', where);
  const p = unsigned(json['p'], 2 ** 30, 'key p', where);
  if (N < 2 || !Number.isInteger(Math.log2(N))) throw corrupt('key N is not a power of two above 1', where);
  if (r < 1 || p < 1 || r * p >= 2 ** 30) throw corrupt('key r or p is out of bounds', where);
  return { N, r, p };
}

function assertAffordable(cost: ScryptParameters, allowCostly: boolean, where: string): void {
  const memoryBytes = 128 * cost.N * cost.r;
  const isOrdinary = memoryBytes <= ordinaryMemoryBytes && cost.N * cost.r * cost.p <= ordinaryWork;
  if (isOrdinary || (allowCostly && memoryBytes <= hardMemoryBytes)) return;
  const what = `key file asks for a key derivation of unusual cost (N=${cost.N}, r=${cost.r}, p=${cost.p})`;
  throw new RepositoryError('unsupported', what, {
    where,
    advice: 'allow costly keys only if you trust the store',
  });
}

/** The plaintext of a key file's `data`. */
export function encodeMasterKey(key: MasterKey): Buffer {
  if (!isMasterKey(key)) throw new RepositoryError('invalid-argument', 'master key is malformed');
  const mac = `{"k":"${base64(key.macK)}","r":"${base64(key.macR)}"}`;
  return Buffer.from(`{"mac":${mac},"encrypt":"${base64(key.encrypt)}"}`);
}

/**
 * Reads the plaintext of a key file's `data`. Throws RepositoryError `corrupt`, also on keys that are all zero; the
 * error has nothing of the plaintext in it.
 */
export function decodeMasterKey(bytes: Uint8Array, where: string): MasterKey {
  const key = parseMasterKey(bytes, where);
  if (key === undefined || !isMasterKey(key)) throw corrupt('key file opens, but holds no master key', where);
  return key;
}

function parseMasterKey(bytes: Uint8Array, where: string): MasterKey | undefined {
  try {
    const json = asObject(parseJson(bytes, 'master key', where), 'master key', where);
    const mac = asObject(json['mac'], 'master key', where);
    return {
      encrypt: base64Bytes(json['encrypt'], 'master key', where),
      macK: base64Bytes(mac['k'], 'master key', where),
      macR: base64Bytes(mac['r'], 'master key', where),
    };
  } catch {
    // The parser's message quotes its input, which here is a secret.
    return undefined;
  }
}

function isMasterKey(key: MasterKey): boolean {
  const hasLengths = key.encrypt.length === 32 && key.macK.length === 16 && key.macR.length === 16;
  return hasLengths && ![key.encrypt, key.macK, key.macR].some(isZero);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function base64(bytes: Uint8Array): string {
  return bufferView(bytes).toString('base64');
}

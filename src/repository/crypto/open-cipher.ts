import { RepositoryError, UsageError } from '../../base/errors.ts';
import type { Cipher, CipherImplementation, MasterKey } from './cipher.ts';
import { EnvelopeCipher } from './envelope-cipher.ts';
import { NativeAlgorithms } from './native-cipher.ts';
import { PortableAlgorithms } from './portable-cipher.ts';

/** A known envelope of `hello world`; a build of OpenSSL that opens it computes both algorithms right. */
const selfTest = {
  key: { encrypt: countingBytes(0x00, 32), macK: countingBytes(0x20, 16), macR: countingBytes(0x30, 16) },
  envelope: Buffer.concat([
    countingBytes(0x40, 16),
    Buffer.from('cb1bb353f87acd80e1170642213a3d87cbaf287c201f644492c3f6', 'hex'),
  ]),
  plaintext: 'hello world',
};

let nativeWorks: boolean | undefined;

export interface CreateCipherOptions {
  /** Default: `native` where it loads and passes a self-test, else `portable`. Asking for `native` elsewhere throws. */
  readonly implementation?: CipherImplementation | undefined;
}

/**
 * A cipher for the thread that calls. Throws RepositoryError `corrupt` for a key that no repository can have: restic
 * refuses keys with an all-zero part.
 */
export function createCipher(key: MasterKey, options: CreateCipherOptions = {}): Cipher {
  assertKeyPart(key.encrypt, 32);
  assertKeyPart(key.macK, 16);
  assertKeyPart(key.macR, 16);
  const { implementation } = options;
  if (implementation === 'portable') return new EnvelopeCipher(new PortableAlgorithms(key));
  nativeWorks ??= passesSelfTest();
  if (nativeWorks) return new EnvelopeCipher(new NativeAlgorithms(key));
  if (implementation === 'native') throw new UsageError("this Node does not export OpenSSL's functions");
  return new EnvelopeCipher(new PortableAlgorithms(key));
}

function passesSelfTest(): boolean {
  try {
    const cipher = new EnvelopeCipher(new NativeAlgorithms(selfTest.key));
    try {
      return cipher.open(selfTest.envelope).toString('latin1') === selfTest.plaintext;
    } finally {
      cipher.close();
    }
  } catch {
    return false;
  }
}

function assertKeyPart(part: Uint8Array, length: number): void {
  if (part.byteLength !== length || part.every((byte) => byte === 0)) {
    throw new RepositoryError('corrupt', 'the key is malformed: a part is all zero or of the wrong length');
  }
}

function countingBytes(first: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => first + i));
}

// Sealing and opening of blobs on one thread, with native and portable code.
import { randomBytes } from 'node:crypto';
import { envelopeOverheadBytes } from '../../src/repository/crypto/cipher.ts';
import { createCipher } from '../../src/repository/crypto/open-cipher.ts';
import { generateMasterKey } from '../../src/repository/crypto/password-key.ts';
import { runCases, sizeName } from './suite.ts';

const sizes = [1024, 64 * 1024, 1.5 * 2 ** 20, 8 * 2 ** 20];
const key = generateMasterKey();

for (const implementation of ['native', 'portable'] as const) {
  const cipher = createCipher(key, { implementation });
  const cases = sizes.flatMap((bytes) => {
    const plaintext = randomBytes(bytes);
    const envelope = Buffer.alloc(bytes + envelopeOverheadBytes);
    cipher.sealInto(plaintext, envelope, 0);
    return [
      { name: `seal ${sizeName(bytes)}`, bytes, work: () => void cipher.sealInto(plaintext, envelope, 0) },
      { name: `open ${sizeName(bytes)}`, bytes, work: () => void cipher.openInto(envelope, plaintext) },
    ];
  });
  runCases(`sealing, ${implementation}`, cases);
  cipher.close();
}

// Building packs of small and of large blobs, and encoding and decoding their headers.
import { randomBytes } from 'node:crypto';
import { createCipher } from '../../src/repository/crypto/open-cipher.ts';
import { generateMasterKey } from '../../src/repository/crypto/password-key.ts';
import { decodePackHeader, encodePackHeader } from '../../src/repository/format/pack.ts';
import { PackBuilder, packSizeBytes } from '../../src/repository/pack-builder.ts';
import { runCases, sizeName } from './suite.ts';

const cipher = createCipher(generateMasterKey());
const buffer = new ArrayBuffer(packSizeBytes.default + 2 ** 20);

function build(blob: Buffer, id: string, count: number) {
  const builder = new PackBuilder('data', buffer);
  for (let added = 0; added < count; added++) builder.add(cipher, id, blob, undefined);
  return builder.finish(cipher);
}

const cases = [4 * 1024, 2 ** 20].flatMap((sizeBytes) => {
  const blob = randomBytes(sizeBytes);
  const id = randomBytes(32).toString('hex');
  const count = Math.floor(packSizeBytes.default / (sizeBytes + 100));
  const { blobs, bytes } = build(blob, id, count);
  const header = encodePackHeader(blobs);
  const of = `of blobs of ${sizeName(sizeBytes)}`;
  return [
    { name: `build a pack ${of}`, bytes: count * sizeBytes, work: () => void build(blob, id, count) },
    { name: `encode a header ${of}`, items: count, work: () => void encodePackHeader(blobs) },
    {
      name: `decode a header ${of}`,
      items: count,
      work: () => void decodePackHeader(header, bytes.byteLength, 'the bench'),
    },
  ];
});

runCases('packs', cases);
cipher.close();

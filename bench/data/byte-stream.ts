import { createCipheriv, createHash } from 'node:crypto';

/** An endless stream of bytes that only its seed decides; each call takes the next ones. */
export interface ByteStream {
  /** Bytes that neither compress nor repeat. */
  noise(sizeBytes: number): Buffer;
  /** Words of a small vocabulary in random order: zstd makes about a quarter of them. A multiple of 8 bytes is cut. */
  prose(sizeBytes: number): Buffer;
  /** A whole number from 0 up to and without `limit` (at most 2^32). */
  below(limit: number): number;
}

const wordBytes = 8;
const vocabulary = 4096;

export function byteStream(seed: string): ByteStream {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  const noise = (sizeBytes: number): Buffer => cipher.update(Buffer.alloc(sizeBytes));
  return {
    noise,
    prose: (sizeBytes) => writeProse(noise(Math.ceil(sizeBytes / wordBytes) * 2)).subarray(0, sizeBytes),
    below: (limit) => Math.floor((noise(4).readUInt32LE() / 2 ** 32) * limit),
  };
}

/** One word for each two bytes. */
function writeProse(choices: Buffer): Buffer {
  const picks = new Uint16Array(Uint8Array.from(choices).buffer);
  const text = new Uint32Array(picks.length * 2);
  for (const [index, pick] of picks.entries()) {
    const word = (pick % vocabulary) * 2;
    text[index * 2] = words[word] ?? 0;
    text[index * 2 + 1] = words[word + 1] ?? 0;
  }
  return Buffer.from(text.buffer);
}

const words = makeWords();

function makeWords(): Uint32Array {
  const letters = 'etaoinshrdlucmfw';
  const text = Array.from({ length: vocabulary }, (_, index) => {
    const digest = createHash('sha256').update(`word ${index}`).digest();
    const length = 4 + ((digest[31] ?? 0) % 4);
    const word = Array.from(digest.subarray(0, length), (byte) => letters[byte % letters.length]).join('');
    return word.padEnd(wordBytes);
  });
  return new Uint32Array(Uint8Array.from(Buffer.from(text.join(''), 'ascii')).buffer);
}

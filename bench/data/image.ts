import { readSync, openSync, closeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byteStream } from './byte-stream.ts';
import type { DataSet } from './data-set.ts';
import { mebibyte, scaledBytes, writeSparseFile } from './large-files.ts';

const pieceBytes = mebibyte;
const share = 16;

export const image: DataSet = {
  name: 'image',
  about: 'a disk image of 16 GiB, sparse, that holds 1 GiB that does not compress',
  fill: async (folder, scale) => {
    const sizeBytes = scaledBytes(16 * 1024 * mebibyte, scale, share * pieceBytes);
    const count = sizeBytes / share / pieceBytes;
    await writeSparseFile(join(folder, 'image'), { sizeBytes, pieceBytes, count, seed: 'image' });
  },
  change: async (folder, _, changes) => {
    const path = join(folder, 'image');
    const pieces = (await stat(path)).size / pieceBytes;
    const stream = byteStream('change image');
    const file = openSync(path, 'r');
    const first = Buffer.alloc(8);
    let held = 0;
    try {
      for (let index = 0; index < pieces; index++) {
        readSync(file, first, 0, first.byteLength, index * pieceBytes);
        // Noise does not begin with zeros: a piece that does is a hole.
        if (first.readBigUInt64LE() === 0n) continue;
        if (held % 100 === 0) changes.overwrite('image', index * pieceBytes, stream.noise(pieceBytes));
        held += 1;
      }
    } finally {
      closeSync(file);
    }
  },
};

import { join } from 'node:path';
import type { DataSet } from './data-set.ts';
import { changePieces, mebibyte, scaledBytes, writeLargeFile } from './large-files.ts';

const pieceBytes = 64 * 1024;

export const one: DataSet = {
  name: 'one',
  about: 'one file of 4 GiB, half of it compressible, 64 KiB in turn',
  fill: async (folder, scale) => {
    const sizeBytes = scaledBytes(4096 * mebibyte, scale, pieceBytes);
    await writeLargeFile(
      join(folder, 'file'),
      sizeBytes,
      pieceBytes,
      (index, stream) => (index % 2 === 0 ? stream.noise(pieceBytes) : stream.prose(pieceBytes)),
      'one',
    );
  },
  change: (folder, scale, changes) => changePieces(folder, scale < 1 / 8 ? pieceBytes : mebibyte, changes),
};

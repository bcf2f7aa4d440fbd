import { join } from 'node:path';
import type { DataSet } from './data-set.ts';
import { changePieces, mebibyte, scaledBytes, writeLargeFile } from './large-files.ts';

const files = 4;
const pieceBytes = 64 * 1024;

export const big: DataSet = {
  name: 'big',
  about: '4 files of 512 MiB that do not compress',
  fill: async (folder, scale) => {
    const sizeBytes = scaledBytes(512 * mebibyte, scale, pieceBytes);
    for (let index = 0; index < files; index++) {
      const piece = (_: number, stream: { noise(size: number): Buffer }): Buffer => stream.noise(pieceBytes);
      await writeLargeFile(join(folder, `file-${index}`), sizeBytes, pieceBytes, piece, `big ${index}`);
    }
  },
  change: (folder, scale, changes) => changePieces(folder, scale < 1 / 8 ? pieceBytes : mebibyte, changes),
};

import { join } from 'node:path';
import type { DataSet } from './data-set.ts';
import { changePieces, mebibyte, scaledBytes, writeLargeFile } from './large-files.ts';

const pageBytes = 8 * 1024;

export const database: DataSet = {
  name: 'database',
  about: 'one file of 2 GiB in pages of 8 KiB, half of each compressible; one page in a hundred rewritten',
  fill: async (folder, scale) => {
    await writeLargeFile(
      join(folder, 'database'),
      scaledBytes(2048 * mebibyte, scale, pageBytes),
      pageBytes,
      (_, stream) => Buffer.concat([stream.noise(pageBytes / 2), stream.prose(pageBytes / 2)]),
      'database',
    );
  },
  change: (folder, _, changes) => changePieces(folder, pageBytes, changes),
};

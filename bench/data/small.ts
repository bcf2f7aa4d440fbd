import type { DataSet } from './data-set.ts';
import { changeFiles, scaledCount, writeManyFiles } from './many-files.ts';

export const small: DataSet = {
  name: 'small',
  about: '200,000 files of 1 to 8 KiB in 2,000 folders',
  fill: (folder, scale) =>
    writeManyFiles(folder, {
      seed: 'small',
      files: scaledCount(200_000, scale),
      filesPerFolder: 100,
      minimumBytes: 1024,
      maximumBytes: 8192,
    }),
  change: (folder, _, changes) => changeFiles(folder, changes),
};

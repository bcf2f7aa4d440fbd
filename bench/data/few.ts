import type { DataSet } from './data-set.ts';
import { changeFiles, writeManyFiles } from './many-files.ts';

export const few: DataSet = {
  name: 'few',
  about: '100 files of 1 to 8 KiB',
  fill: (folder) =>
    writeManyFiles(folder, {
      seed: 'few',
      files: 100,
      filesPerFolder: Infinity,
      minimumBytes: 1024,
      maximumBytes: 8192,
    }),
  change: (folder, _, changes) => changeFiles(folder, changes),
};

import type { DataSet } from './data-set.ts';
import { changeFiles, scaledCount, writeManyFiles } from './many-files.ts';

export const wide: DataSet = {
  name: 'wide',
  about: '100,000 files of up to 1 KiB in one folder',
  fill: (folder, scale) =>
    writeManyFiles(folder, {
      seed: 'wide',
      files: scaledCount(100_000, scale),
      filesPerFolder: Infinity,
      minimumBytes: 1,
      maximumBytes: 1024,
    }),
  change: (folder, _, changes) => changeFiles(folder, changes),
};

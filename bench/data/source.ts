import type { DataSet } from './data-set.ts';
import { copyPackages, installPackages } from './installed-packages.ts';
import { changeFiles } from './many-files.ts';

/** What a large web application depends on. */
const dependencies = {
  '@emotion/react': '11.13.3',
  '@emotion/styled': '11.13.0',
  '@mui/icons-material': '5.16.7',
  '@mui/material': '5.16.7',
  'date-fns': '3.6.0',
  eslint: '9.11.1',
  jest: '29.7.0',
  lodash: '4.17.21',
  react: '18.3.1',
  'react-dom': '18.3.1',
  rxjs: '7.8.1',
  typescript: '5.6.2',
  webpack: '5.94.0',
};

export const source: DataSet = {
  name: 'source',
  about:
    'the installed packages of a web application, about 53,000 files in 200 MB; below full size some of this clone’s',
  fill: (folder, scale) => (scale >= 1 ? installPackages(folder, dependencies) : copyPackages(folder, scale)),
  change: (folder, _, changes) => changeFiles(folder, changes),
};

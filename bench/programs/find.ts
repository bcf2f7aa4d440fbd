import { fileURLToPath } from 'node:url';
import type { Program } from './program.ts';

const xattrLoop = fileURLToPath(new URL('./xattr-loop.ts', import.meta.url));
const format = String.raw`%s %T@ %C@ %i %m %U %G\n`;

/** What a pass that finds nothing changed must at least ask of the file system. */
export const find: Program = {
  name: 'find',
  about:
    `\`find -printf '${format}'\` to /dev/null as a process, and after it one llistxattr(2) a file in a loop, ` +
    'of which only the loop counts: what looking at every file costs',
  version: 'find',
  isLimit: true,
  stores: ['local'],
  env: () => ({}),
  init: () => [],
  passes: ({ data }) => ({
    unchanged: [
      { command: ['sh', '-c', `exec find "$0" -printf '${format}' > /dev/null`, data] },
      { command: [process.execPath, xattrLoop, data], isSelfMetered: true },
    ],
  }),
};

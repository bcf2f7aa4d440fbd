import { run } from './program.ts';
import type { Program } from './program.ts';

/** A copy in the same file system: what a first pass into a folder and a restore cannot beat without tricks. */
export const cp: Program = {
  name: 'cp',
  about: '`cp -a`: neither encrypts, compresses nor deduplicates; the physical limit of a local copy',
  version: 'cp',
  isLimit: true,
  stores: ['local'],
  env: () => ({}),
  init: () => [],
  passes: ({ data, target, repository }) =>
    repository.kind === 'local'
      ? {
          first: run('cp', '-a', '--sparse=always', data, repository.path),
          restore: run('cp', '-a', '--sparse=always', `${data}/.`, target),
        }
      : {},
};

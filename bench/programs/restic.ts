import { join } from 'node:path';
import { credentialsOf, password, run } from './program.ts';
import type { Place, Program } from './program.ts';

export function restic(binary: string, version: string): Program {
  return {
    name: 'restic',
    about: 'defaults (auto compression, packs verified before upload), with its cache',
    version,
    isLimit: false,
    stores: ['local', 's3'],
    env: (place) => ({
      RESTIC_REPOSITORY: locationOf(place),
      RESTIC_PASSWORD: password,
      RESTIC_CACHE_DIR: join(place.state, 'cache'),
      ...credentialsOf(place),
    }),
    init: () => [[binary, 'init', '--quiet']],
    passes: ({ data, target }) => {
      const backup = run(binary, 'backup', data, '--quiet');
      const restore = [binary, 'restore', `latest:${data}`, '--target', target, '--quiet'] as const;
      return {
        start: run(binary, 'version'),
        open: run(binary, 'cat', 'config', '--no-lock'),
        first: backup,
        unchanged: backup,
        changed: backup,
        restore: run(...restore),
        'restore-over': run(...restore, '--delete'),
        check: run(binary, 'check', '--quiet'),
        'check-data': run(binary, 'check', '--read-data', '--quiet'),
        forget: run(binary, 'forget', '--keep-last', '1', '--prune', '--quiet'),
      };
    },
  };
}

function locationOf({ repository }: Place): string {
  if (repository.kind === 'local') return repository.path;
  return `s3:${repository.endpoint}/${repository.bucket}/repository`;
}

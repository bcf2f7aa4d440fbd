import { join } from 'node:path';
import { password, run } from './program.ts';
import type { Place, Program } from './program.ts';

export function rustic(binary: string, version: string): Program {
  return {
    name: 'rustic',
    about:
      'compression level 3 as in tranship and restic, blobs verified before upload (its default), with its cache',
    version,
    isLimit: false,
    stores: ['local', 's3'],
    env: (place) => ({
      RUSTIC_PASSWORD: password,
      RUSTIC_CACHE_DIR: join(place.state, 'cache'),
      RUSTIC_NO_PROGRESS: 'true',
      RUSTIC_LOG_LEVEL: 'warn',
      ...repositoryOf(place),
    }),
    init: () => [[binary, 'init', '--set-compression', '3', '--set-extra-verify', 'true']],
    passes: ({ data, target }) => {
      const backup = run(binary, 'backup', data);
      const restore = [binary, 'restore', `latest:${data}`, target] as const;
      return {
        start: run(binary, '--version'),
        open: run(binary, 'cat', 'config'),
        first: backup,
        unchanged: backup,
        changed: backup,
        restore: run(...restore),
        'restore-over': run(...restore, '--delete'),
        check: run(binary, 'check'),
        'check-data': run(binary, 'check', '--read-data'),
        forget: run(binary, 'forget', '--keep-last', '1', '--prune', '--instant-delete'),
      };
    },
  };
}

function repositoryOf({ repository }: Place): Readonly<Record<string, string>> {
  if (repository.kind === 'local') return { RUSTIC_REPOSITORY: repository.path };
  return {
    RUSTIC_REPOSITORY: 'opendal:s3',
    OPENDAL_BUCKET: repository.bucket,
    OPENDAL_ENDPOINT: repository.endpoint,
    OPENDAL_REGION: repository.region,
    OPENDAL_ROOT: '/repository',
    OPENDAL_ACCESS_KEY_ID: repository.accessKeyId,
    OPENDAL_SECRET_ACCESS_KEY: repository.secretAccessKey,
  };
}

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
    }),
    init: (place) => [
      [binary, ...repositoryOf(place), 'init', '--set-compression', '3', '--set-extra-verify', 'true'],
    ],
    passes: (place) => {
      const { data, target } = place;
      const start = [binary, ...repositoryOf(place)] as const;
      const backup = run(...start, 'backup', data);
      const restore = [...start, 'restore', `latest:${data}`, target] as const;
      return {
        start: run(binary, '--version'),
        open: run(...start, 'cat', 'config'),
        first: backup,
        unchanged: backup,
        changed: backup,
        restore: run(...restore),
        'restore-over': run(...restore, '--delete'),
        check: run(...start, 'check'),
        'check-data': run(...start, 'check', '--read-data'),
        forget: run(...start, 'forget', '--keep-last', '1', '--prune', '--instant-delete'),
      };
    },
  };
}

function repositoryOf({ repository }: Place): readonly string[] {
  if (repository.kind === 'local') return ['-r', repository.path];
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = repository;
  const options = {
    bucket,
    endpoint,
    region,
    root: '/repository',
    access_key_id: accessKeyId,
    secret_access_key: secretAccessKey,
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return ['-r', 'opendal:s3', ...flags];
}

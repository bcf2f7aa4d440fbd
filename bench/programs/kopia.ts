import { join } from 'node:path';
import { password, run } from './program.ts';
import type { Command, Place, Program } from './program.ts';

const keepingOne = [
  '--keep-latest=1',
  ...['hourly', 'daily', 'weekly', 'monthly', 'annual'].map((period) => `--keep-${period}=0`),
];

/** `compression` is the name of an algorithm for all sources; kopia compresses nothing by default. */
export function kopia(binary: string, version: string, compression?: string): Program {
  const command = [binary, '--no-progress', '--log-level=warning', '--file-log-level=warning'] as const;
  const compressing: readonly Command[] =
    compression === undefined
      ? []
      : [[...command, 'policy', 'set', '--global', `--compression=${compression}`]];
  return {
    name: compression === undefined ? 'kopia' : `kopia-${compression}`,
    about:
      compression === undefined
        ? 'defaults (no compression), without maintenance after a pass, with its cache'
        : `the same with \`--compression=${compression}\``,
    version,
    isLimit: false,
    stores: ['local', 's3'],
    env: ({ state }) => ({
      KOPIA_PASSWORD: password,
      KOPIA_CONFIG_PATH: join(state, 'kopia.config'),
      KOPIA_CACHE_DIRECTORY: join(state, 'cache'),
      KOPIA_LOG_DIR: join(state, 'log'),
      KOPIA_CHECK_FOR_UPDATES: 'false',
    }),
    init: (place) => [[...command, 'repository', 'create', ...repositoryOf(place)], ...compressing],
    passes: ({ data, target }) => {
      const create = run(...command, '--no-auto-maintenance', 'snapshot', 'create', data);
      return {
        start: run(binary, '--version'),
        open: run(...command, 'repository', 'status'),
        first: create,
        unchanged: create,
        changed: create,
        restore: run(...command, 'restore', data, target),
        'restore-over': run(...command, 'restore', data, target, '--delete-extra'),
        check: run(...command, 'snapshot', 'verify', '--verify-files-percent=0'),
        'check-data': run(...command, 'snapshot', 'verify', '--verify-files-percent=100'),
        forget: [
          ...run(...command, 'policy', 'set', '--global', ...keepingOne),
          ...run(...command, 'snapshot', 'expire', '--all', '--delete'),
          ...run(...command, 'maintenance', 'run', '--full', '--safety=none'),
        ],
      };
    },
  };
}

function repositoryOf({ repository }: Place): readonly string[] {
  if (repository.kind === 'local') return ['filesystem', '--path', repository.path];
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = repository;
  return [
    's3',
    `--bucket=${bucket}`,
    '--prefix=repository/',
    `--endpoint=${new URL(endpoint).host}`,
    `--region=${region}`,
    `--access-key=${accessKeyId}`,
    `--secret-access-key=${secretAccessKey}`,
    '--disable-tls',
  ];
}

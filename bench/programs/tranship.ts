import { spawnSync } from 'node:child_process';
import { credentialsOf, password, run } from './program.ts';
import type { Place, Program } from './program.ts';

/** The launcher of a built package, run by the Node that runs the benches, all else by default. */
export function tranship(launcher: string): Program {
  const command = [process.execPath, launcher] as const;
  const version = spawnSync(process.execPath, [launcher, '--version'], { encoding: 'utf8' });
  if (version.status !== 0) throw new Error(`the built tranship does not run: ${version.stderr}`);
  return {
    name: 'tranship',
    about:
      'defaults (auto compression, blobs opened again before upload), but a restore does not wait for the disk, ' +
      'as no other does (`--no-sync`)',
    version: `tranship ${version.stdout.trim().replace(/^tranship /, '')}`,
    isLimit: false,
    stores: ['local', 's3'],
    env: (place) => ({
      TRANSHIP_REPOSITORY: locationOf(place),
      TRANSHIP_PASSWORD: password,
      ...credentialsOf(place),
    }),
    init: () => [[...command, 'init', '--quiet']],
    passes: ({ data, target }) => {
      const stage = run(...command, 'stage', data, '--as', '/data', '--quiet');
      const restore = [
        ...command,
        'restore',
        'latest:/data',
        '--target',
        target,
        '--no-sync',
        '--quiet',
      ] as const;
      return {
        start: run(...command, '--version'),
        open: run(...command, 'cat', 'config', '--no-lock'),
        first: stage,
        unchanged: stage,
        changed: stage,
        restore: run(...restore),
        'restore-over': run(...restore, '--delete'),
        verify: run(...command, 'verify', 'latest:/data', '--target', target, '--quiet'),
        check: run(...command, 'check', '--quiet'),
        'check-data': run(...command, 'check', '--read-data', '--quiet'),
      };
    },
  };
}

function locationOf({ repository }: Place): string {
  if (repository.kind === 'local') return repository.path;
  const { endpoint, bucket, region } = repository;
  return `s3://${bucket}/repository?endpoint=${endpoint}&region=${region}`;
}

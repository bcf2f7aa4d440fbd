import { credentialsOf, run } from './program.ts';
import type { Place, Program } from './program.ts';

/** One request a file, as many at once as there are files in `big`, nothing hashed: the bytes and no more. */
const options = [
  '--config=/dev/null',
  '--transfers=8',
  '--s3-upload-cutoff=5Gi',
  '--s3-no-check-bucket',
  '--s3-disable-checksum',
  '--ignore-checksum',
  '--no-traverse',
  '--no-check-dest',
  '--retries=1',
];

export function rclone(binary: string, version: string): Program {
  return {
    name: 'rclone',
    about:
      '`rclone copy`, one PUT or GET a file, 8 at once, no checksums: neither encrypts nor deduplicates; a limit',
    version,
    isLimit: true,
    stores: ['s3'],
    env: credentialsOf,
    init: () => [],
    passes: (place) => ({
      first: run(binary, 'copy', ...options, place.data, remoteOf(place)),
      restore: run(binary, 'copy', ...options, remoteOf(place), place.target),
    }),
  };
}

function remoteOf({ repository }: Place): string {
  if (repository.kind === 'local') return repository.path;
  const { endpoint, bucket, region } = repository;
  const settings = `provider=Other,env_auth=true,force_path_style=true,endpoint="${endpoint}",region=${region}`;
  return `:s3,${settings}:${bucket}/raw`;
}

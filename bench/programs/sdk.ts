import { fileURLToPath } from 'node:url';
import { credentialsOf } from './program.ts';
import type { Program } from './program.ts';

const rawTransfer = fileURLToPath(new URL('./raw-transfer.ts', import.meta.url));

/** The same bytes in requests of the size of a pack, through the SDK that the S3 driver is built on. */
export const sdk: Program = {
  name: 'sdk',
  about: 'the AWS SDK alone in one Node: the same bytes in objects of 16 MiB, 8 requests at once; a limit',
  version: 'sdk',
  isLimit: true,
  stores: ['s3'],
  env: credentialsOf,
  init: () => [],
  passes: ({ data, target, repository }) => {
    if (repository.kind === 'local') return {};
    const { endpoint, bucket } = repository;
    const command = [process.execPath, rawTransfer] as const;
    return {
      first: [{ command: [...command, 'put', data, endpoint, bucket] }],
      restore: [{ command: [...command, 'get', target, endpoint, bucket] }],
    };
  },
};

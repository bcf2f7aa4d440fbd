import { UsageError } from '../../base/errors.ts';
import { defineCommand } from '../command.ts';
import { filterOptions, readOptions, repositoryOptions, workerOptions } from '../common-options.ts';
import { openForPass, retryLockMs } from '../open-repository.ts';
import { excludeOptions, excludePatterns, includeOptions, includePatterns } from '../pattern-options.ts';
import { snapshotFilter, snapshotOperand } from '../snapshot-filter.ts';
import { verifyTarget } from '../verify-target.ts';

export const command = defineCommand({
  name: 'verify',
  summary: 'compare a folder with a snapshot',
  operands: [
    {
      name: 'SNAPSHOT[:/PATH]',
      help: 'an id, the beginning of one, or latest; with a path, that folder of it',
    },
  ],
  description: ['Names each item that differs, and what of it differs. Every byte of every file is read.'],
  options: {
    target: { kind: 'value', short: 't', placeholder: 'DIR', help: 'the folder to compare (required)' },
    image: { kind: 'flag', help: 'PATH is one file, and DIR the file or block device to compare with it' },
    'metadata-only': {
      kind: 'flag',
      help: 'compare type, size, mode, owner, times and links, and read no file',
    },
    'no-extras': { kind: 'flag', help: 'what only the target has is no difference' },
    ...includeOptions,
    ...excludeOptions,
    ...filterOptions,
    ...workerOptions,
    ...readOptions,
    ...repositoryOptions,
  },
  examples: [
    {
      command: 'tranship verify -r /srv/replica latest:/data --target /mnt/data',
      does: 'compares every byte of a volume',
    },
    {
      command: 'tranship verify -r /srv/replica 40dc1520 --target / --metadata-only',
      does: 'compares without reading files',
    },
  ],
  exitCodes: { 1: 'failed, or the target differs' },
  run: async (args, context) => {
    const snapshot = snapshotOperand(args.operands);
    const target = args.value('target');
    if (target === undefined) throw new UsageError('the option --target is missing');
    const options = {
      snapshot,
      target,
      image: args.flag('image'),
      filter: snapshotFilter(args),
      include: await includePatterns(args, context.environment),
      exclude: await excludePatterns(args, context.environment),
      depth: args.flag('metadata-only') ? ('metadata' as const) : ('data' as const),
      extras: !args.flag('no-extras'),
      workers: args.integer('workers', 1),
      retryLockMs: retryLockMs(args),
      noLock: args.flag('no-lock'),
      signal: context.signal,
    };
    const { repository } = await openForPass(args, context, {
      loadEngine: () => import('../../copy/verify.ts'),
      readOnly: args.flag('no-lock'),
    });
    return verifyTarget(repository, options, context);
  },
});

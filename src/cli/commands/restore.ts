import { UsageError } from '../../base/errors.ts';
import type { RestoreOptions, RestoreResult } from '../../copy/restore.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Arguments } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import type { CommandContext } from '../command.ts';
import { filterOptions, readOptions, repositoryOptions, workerOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';
import { openForPass, retryLockMs } from '../open-repository.ts';
import { excludeOptions, excludePatterns, includeOptions, includePatterns } from '../pattern-options.ts';
import { RestoreReport } from '../reports/restore-report.ts';
import { snapshotFilter, snapshotOperand } from '../snapshot-filter.ts';
import { startTicker } from '../ticker.ts';
import { verifyTarget } from '../verify-target.ts';

const overwrites = ['always', 'if-changed', 'if-newer', 'never'] as const;

const options = {
  target: {
    kind: 'value',
    short: 't',
    placeholder: 'DIR',
    help: 'the folder to restore into, made when it is not there (required)',
  },
  image: {
    kind: 'flag',
    help: 'PATH is one file, and DIR the file or block device that it is written to; a device keeps its metadata',
  },
  overwrite: {
    kind: 'value',
    placeholder: 'WHEN',
    default: 'always',
    choices: overwrites,
    help: 'when to write files that are there: always, if-changed (by size and time), if-newer, never',
  },
  delete: { kind: 'flag', help: 'remove from the target what the snapshot does not have' },
  'no-sync': { kind: 'flag', help: 'end without waiting until the target’s disk has everything' },
  'no-sparse': { kind: 'flag', help: 'write zeros instead of holes' },
  devices: { kind: 'flag', help: 'make block and character devices' },
  verify: { kind: 'flag', help: 'afterwards compare every byte of the target' },
  'dry-run': { kind: 'flag', short: 'n', help: 'plan and report, change nothing' },
  ...includeOptions,
  ...excludeOptions,
  ...filterOptions,
  ...workerOptions,
  ...readOptions,
  ...repositoryOptions,
} as const;

export const command = defineCommand({
  name: 'restore',
  summary: 'write a snapshot into a folder',
  operands: [
    {
      name: 'SNAPSHOT[:/PATH]',
      help: 'an id, the beginning of one, or latest; with a path, the contents of that folder',
    },
  ],
  description: [
    'What is in the target already and as it should be is left alone, so an interrupted restore goes on where it was.',
    'What cannot be written is named, and the exit code is 3.',
  ],
  options,
  examples: [
    {
      command: 'tranship restore -r /srv/replica latest --target /mnt',
      does: 'restores under /mnt with full paths',
    },
    {
      command: 'tranship restore -r /srv/replica latest:/data --target /mnt/data --delete --verify',
      does: 'makes /mnt/data equal to the volume, and proves it',
    },
    {
      command: 'tranship restore -r /srv/replica latest:/data.img --image --target /dev/vg0/data',
      does: 'writes an image onto a block device that nobody uses, as far as its contents differ',
    },
  ],
  exitCodes: { 1: 'failed, or --verify found a difference' },
  run: async (args, context) => {
    const restoreOptions = await restoreOptionsOf(args, context);
    if (args.flag('verify') && args.flag('dry-run')) {
      throw new UsageError('--verify and --dry-run exclude each other');
    }
    const { repository, engine } = await openForPass(args, context, {
      loadEngine: () => import('../../copy/restore.ts'),
      readOnly: args.flag('no-lock'),
    });
    const result = await restoreTo(repository, engine, restoreOptions, context);
    if (result.isPartial) context.output.warn('something is missing or incomplete in the target');
    const verified = args.flag('verify')
      ? await verifyAgainst(repository, result, restoreOptions, context)
      : exitCode.done;
    if (verified !== exitCode.done) return verified;
    return result.isPartial || result.warnings > 0 ? exitCode.partial : exitCode.done;
  },
});

async function restoreOptionsOf(
  args: Arguments<typeof options>,
  context: CommandContext,
): Promise<RestoreOptions> {
  const snapshot = snapshotOperand(args.operands);
  const target = args.value('target');
  if (target === undefined) throw new UsageError('the option --target is missing');
  return {
    snapshot,
    target,
    image: args.flag('image'),
    filter: snapshotFilter(args),
    include: await includePatterns(args, context.environment),
    exclude: await excludePatterns(args, context.environment),
    overwrite: args.choice('overwrite', overwrites),
    delete: args.flag('delete'),
    sparse: !args.flag('no-sparse'),
    synchronise: !args.flag('no-sync'),
    devices: args.flag('devices'),
    dryRun: args.flag('dry-run'),
    workers: args.integer('workers', 1),
    retryLockMs: retryLockMs(args),
    noLock: args.flag('no-lock'),
    signal: context.signal,
  };
}

async function restoreTo(
  repository: Repository,
  { restore }: typeof import('../../copy/restore.ts'),
  restoreOptions: RestoreOptions,
  { output }: CommandContext,
): Promise<RestoreResult> {
  const report = new RestoreReport(output);
  const ticker = output.showsStatus ? startTicker(() => report.draw()) : undefined;
  try {
    const result = await restore(repository, {
      ...restoreOptions,
      onEvent: (event) => report.onEvent(event),
    });
    ticker?.stop();
    report.finish(result, restoreOptions.target, restoreOptions.dryRun ?? false);
    return result;
  } finally {
    ticker?.stop();
  }
}

/** Against the snapshot that was restored, even when a newer one has become the latest meanwhile. */
function verifyAgainst(
  repository: Repository,
  { snapshotId }: RestoreResult,
  {
    snapshot,
    target,
    image,
    include,
    exclude,
    workers,
    retryLockMs: retryMs,
    noLock,
    delete: deletes,
    signal,
  }: RestoreOptions,
  context: CommandContext,
): Promise<number> {
  const colon = snapshot.indexOf(':');
  const path = colon === -1 ? '' : snapshot.slice(colon);
  const extras = deletes ?? false;
  return verifyTarget(
    repository,
    {
      snapshot: snapshotId + path,
      target,
      image,
      include,
      exclude,
      extras,
      workers,
      retryLockMs: retryMs,
      noLock,
      signal,
    },
    context,
  );
}

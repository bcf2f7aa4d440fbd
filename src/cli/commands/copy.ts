import { defineCommand } from '../command.ts';
import {
  filterOptions,
  lockOptions,
  repositoryOptions,
  sourceOptions,
  workerOptions,
} from '../common-options.ts';
import { reportDamaged } from '../damaged-files.ts';
import { exitCode } from '../exit-code.ts';
import { openRepository, openSource, retryLockMs } from '../open-repository.ts';
import { CopyReport } from '../reports/copy-report.ts';
import { snapshotFilter } from '../snapshot-filter.ts';

const mebibyte = 2 ** 20;

export const command = defineCommand({
  name: 'copy',
  summary: 'copy snapshots from another repository',
  operands: [
    { name: '[SNAPSHOT...]', help: 'only these of the source: ids, the beginnings of some, or latest' },
  ],
  description: [
    'Without a snapshot all of the source that match --host, --tag and --path are copied.',
    'What was copied before is left alone.',
    'What the target has already is not fetched; a copy that was interrupted goes on when it is repeated.',
    'A snapshot that lacks something in the source is named and not copied; the others are, and the exit code is 3.',
  ],
  options: {
    'dry-run': { kind: 'flag', short: 'n', help: 'say what would be copied, write nothing' },
    compression: {
      kind: 'value',
      placeholder: 'MODE',
      default: 'auto',
      choices: ['off', 'fastest', 'auto', 'better', 'max'],
      help: 'for what the source holds uncompressed: off, fastest, auto, better or max',
    },
    'pack-size': { kind: 'value', placeholder: 'MIB', default: '16', help: 'size of packs, 4 to 128' },
    'no-verify-sealed': { kind: 'flag', help: 'do not open again what was sealed before it is uploaded' },
    'no-lock': { kind: 'flag', help: 'take no lock on the source, which then may be read-only' },
    ...workerOptions,
    ...filterOptions,
    ...lockOptions,
    ...sourceOptions,
    ...repositoryOptions,
  },
  examples: [
    {
      command: 'tranship copy -r s3://bucket/replica --from-repo /srv/replica --from-password-file key',
      does: 'copies all snapshots that the bucket lacks',
    },
    {
      command: 'tranship copy -r /srv/second --from-repo /srv/replica --path /data latest --dry-run',
      does: 'tells what copying the newest snapshot of /data would take',
    },
  ],
  exitCodes: { 3: 'a snapshot was damaged in the source, and was named; the others were copied' },
  run: async (args, context) => {
    const noSourceLock = args.flag('no-lock');
    const dryRun = args.flag('dry-run');
    const packSize = args.integer('pack-size', 1);
    const compression = args.choice('compression', ['off', 'fastest', 'auto', 'better', 'max']);
    const source = await openSource(args, context, noSourceLock);
    const target = await openRepository(args, context);
    const { copySnapshots } = await import('../../copy/copy-snapshots.ts');
    const report = new CopyReport(context.output);
    const result = await copySnapshots(source, target, {
      snapshots: args.operands,
      filter: snapshotFilter(args),
      dryRun,
      compression,
      packSizeBytes: packSize === undefined ? undefined : packSize * mebibyte,
      verifySealed: !args.flag('no-verify-sealed'),
      workers: args.integer('workers', 1),
      noSourceLock,
      retryLockMs: retryLockMs(args),
      onEvent: (event) => report.onEvent(event),
      signal: context.signal,
    });
    report.finish(result, dryRun);
    const code = reportDamaged('snapshots', result.damaged, 'copy', context.output);
    return result.failed.length > 0 ? exitCode.partial : code;
  },
});

import { resolve } from 'node:path';
import { UsageError } from '../../base/errors.ts';
import type { Exclusion } from '../../copy/source/exclusion.ts';
import type { StageOptions, StageStream } from '../../copy/stage.ts';
import type { Arguments } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import type { CommandContext } from '../command.ts';
import { lockOptions, repositoryOptions, workerOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';
import { parseTimeNs } from '../local-time.ts';
import { openForPass, retryLockMs } from '../open-repository.ts';
import { excludeOptions, excludePatterns } from '../pattern-options.ts';
import { StageReport } from '../reports/stage-report.ts';
import { sourcePathOptions, sourcePaths } from '../source-paths.ts';
import { streamSource, streamSourceOptions } from '../stream-source.ts';
import { tagList } from '../tags.ts';
import { startTicker } from '../ticker.ts';

const mebibyte = 2 ** 20;

const options = {
  as: {
    kind: 'value',
    placeholder: '/NAME',
    help: 'store the one path under this name: how a volume is staged',
  },
  host: {
    kind: 'value',
    short: 'H',
    placeholder: 'NAME',
    default: 'this host',
    help: 'the host name of the snapshot',
  },
  tag: { kind: 'list', placeholder: 'TAG,...', help: 'tags of the snapshot' },
  time: { kind: 'value', placeholder: 'TIME', default: 'now', help: 'the time of the snapshot' },
  parent: {
    kind: 'value',
    placeholder: 'SNAPSHOT',
    default: 'the newest of this host and paths',
    help: 'files unchanged since this snapshot are not read',
  },
  force: { kind: 'flag', short: 'f', help: 'read every file' },
  'ignore-ctime': { kind: 'flag', help: 'a changed ctime alone is no change' },
  'ignore-inode': { kind: 'flag', help: 'a changed inode number alone is no change' },
  ...excludeOptions,
  'exclude-if-present': {
    kind: 'list',
    placeholder: 'FILE[:HEADER]',
    help: 'leave out the contents of folders with such a file',
  },
  'exclude-caches': { kind: 'flag', help: 'leave out the contents of folders with a CACHEDIR.TAG' },
  'exclude-larger-than': { kind: 'value', placeholder: 'SIZE', help: 'leave out larger files: 500k, 2G' },
  'one-file-system': { kind: 'flag', short: 'x', help: 'stay on the file system of each path' },
  ...sourcePathOptions,
  ...streamSourceOptions,
  image: {
    kind: 'flag',
    help: 'each PATH is a block device or a file, links followed: store its bytes as one file',
  },
  'skip-if-unchanged': { kind: 'flag', help: 'write no snapshot when it would equal its parent' },
  'dry-run': { kind: 'flag', short: 'n', help: 'read everything, write nothing' },
  compression: {
    kind: 'value',
    placeholder: 'MODE',
    default: 'auto',
    help: 'off, fastest, auto, better or max',
  },
  'pack-size': { kind: 'value', placeholder: 'MIB', default: '16', help: 'size of packs, 4 to 128' },
  'no-verify-sealed': { kind: 'flag', help: 'do not open again what was sealed before it is uploaded' },
  'no-scan': { kind: 'flag', help: 'do not count ahead how much there is to do' },
  ...workerOptions,
  ...lockOptions,
  ...repositoryOptions,
} as const;

/** Those that choose among files and folders, or which of them are read. */
const pathOptionNames = [
  'files-from',
  'files-from-verbatim',
  'files-from-raw',
  'exclude',
  'iexclude',
  'exclude-file',
  'iexclude-file',
  'exclude-if-present',
  'exclude-caches',
  'exclude-larger-than',
  'one-file-system',
  'force',
  'ignore-ctime',
  'ignore-inode',
] as const;

export const command = defineCommand({
  name: 'stage',
  summary: 'store files and folders as a new snapshot',
  operands: [
    {
      name: 'PATH...',
      help: 'files and folders; * ? [ ] { } are expanded where nothing has the literal name',
    },
  ],
  description: [
    'May be repeated while an application uses the files: only what changed is read and stored.',
    'What cannot be read is named and left out, and the exit code is 3.',
  ],
  options,
  examples: [
    { command: 'tranship stage -r /srv/replica /home', does: 'stores /home with its absolute path' },
    {
      command: 'tranship stage -r /srv/replica /var/lib/pods/7f/volume --as /data --tag volume=data',
      does: 'stores a volume under a name that stays, whatever its path is next time',
    },
    {
      command: 'pg_dump shop | tranship stage -r /srv/replica --stdin --stdin-filename shop.sql',
      does: 'stores a stream as one file; --stdin-from-command -- pg_dump shop sees to it that the dump was whole',
    },
    {
      command: 'tranship stage -r /srv/replica --image /dev/vg0/data --as /data.img',
      does: 'stores the contents of a block device, which should not be written to meanwhile, as one file',
    },
    {
      command: 'tranship stage -r /srv/replica . --exclude node_modules --exclude-caches --dry-run',
      does: 'shows what a pass would add',
    },
  ],
  run: async (args, context) => {
    const stageOptions = await stageOptionsOf(args, context, await sourceOf(args, context));
    const loadEngine = () => import('../../copy/stage.ts');
    const { repository, engine } = await openForPass(args, context, { loadEngine });
    const report = new StageReport(context.output);
    const finished = new AbortController();
    const ticker = context.output.showsStatus ? startTicker(() => report.draw()) : undefined;
    const scan = scanAhead(args, context, stageOptions, report, finished.signal);
    try {
      const result = await engine.stage(repository, {
        ...stageOptions,
        onEvent: (event) => report.onEvent(event),
      });
      ticker?.stop();
      report.finish(result, args.flag('dry-run'));
      if (!result.isPartial) return exitCode.done;
      context.output.warn('something could not be read, and is not in the snapshot');
      return exitCode.partial;
    } finally {
      ticker?.stop();
      finished.abort();
      await scan;
    }
  },
});

async function sourceOf(
  args: Arguments<typeof options>,
  { output }: CommandContext,
): Promise<{ readonly stream: StageStream } | { readonly paths: readonly string[] }> {
  const stream = streamSource(args);
  if (stream === undefined) return { paths: await sourcePaths(args, (message) => output.warn(message)) };
  args.refuseOptions(pathOptionNames, 'on a stream');
  return { stream };
}

async function stageOptionsOf(
  args: Arguments<typeof options>,
  context: CommandContext,
  source: Pick<StageOptions, 'paths' | 'stream'>,
): Promise<StageOptions> {
  const time = args.value('time');
  const packSize = args.integer('pack-size', 1);
  return {
    ...source,
    image: args.flag('image'),
    storeAs: args.value('as'),
    hostname: args.value('host'),
    tags: tagList(args.list('tag')),
    timeMs: time === undefined || time === 'now' ? undefined : Number(parseTimeNs(time, 'time') / 1_000_000n),
    parent: args.value('parent'),
    force: args.flag('force'),
    ignoreCtime: args.flag('ignore-ctime'),
    ignoreInode: args.flag('ignore-inode'),
    exclusion: await exclusionOf(args, context, (message) => context.output.warn(message)),
    excludes: [...args.list('exclude'), ...args.list('iexclude')],
    oneFileSystem: args.flag('one-file-system'),
    skipIfUnchanged: args.flag('skip-if-unchanged'),
    dryRun: args.flag('dry-run'),
    compression: args.choice('compression', ['off', 'fastest', 'auto', 'better', 'max']),
    packSizeBytes: packSize === undefined ? undefined : packSize * mebibyte,
    verifySealed: !args.flag('no-verify-sealed'),
    workers: args.integer('workers', 1),
    retryLockMs: retryLockMs(args),
    signal: context.signal,
  };
}

async function exclusionOf(
  args: Arguments<typeof options>,
  context: CommandContext,
  warn: ((message: string) => void) | undefined,
): Promise<Exclusion> {
  const { createExclusion, parseSizeBytes } = await import('../../copy/source/exclusion.ts');
  const largest = args.value('exclude-larger-than');
  return createExclusion({
    patterns: await excludePatterns(args, context.environment),
    ifPresent: args.list('exclude-if-present'),
    caches: args.flag('exclude-caches'),
    largerThanBytes: largest === undefined ? undefined : parseSizeBytes(largest),
    onWarning: (problem) => warn?.(problem.message),
  });
}

/** Counts what there is to do, for whoever watches. It never fails the pass. */
async function scanAhead(
  args: Arguments<typeof options>,
  context: CommandContext,
  { storeAs, paths, image, oneFileSystem = false }: StageOptions,
  report: StageReport,
  finished: AbortSignal,
): Promise<void> {
  if (!context.output.showsStatus || args.flag('no-scan') || paths === undefined) return;
  try {
    const { scanSource } = await import('../../copy/source/scan.ts');
    const totals = await scanSource({
      paths: paths.map((path) => resolve(path)),
      storeAs,
      image,
      // Its own: the pass itself warns.
      exclusion: await exclusionOf(args, context, undefined),
      oneFileSystem,
      signal: AbortSignal.any([finished, context.signal]),
    });
    report.scanned(totals);
  } catch (error) {
    if (error instanceof UsageError) return;
    context.logger.debug(`the scan ended: ${error instanceof Error ? error.message : String(error)}`);
  }
}

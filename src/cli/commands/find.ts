import { UsageError } from '../../base/errors.ts';
import { compilePatterns } from '../../copy/source/patterns.ts';
import type { PatternList } from '../../copy/source/patterns.ts';
import type { BlobType } from '../../repository/format/blob.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { Repository } from '../../repository/repository.ts';
import type { SearchQuery } from '../../repository/snapshot-search.ts';
import type { SnapshotList } from '../../repository/snapshots.ts';
import type { Arguments } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import type { CommandContext } from '../command.ts';
import { filterOptions, readOptions, repositoryOptions } from '../common-options.ts';
import { reportDamaged } from '../damaged-files.ts';
import { exitCode } from '../exit-code.ts';
import { parseTimeNs } from '../local-time.ts';
import { readRepository } from '../open-repository.ts';
import { FindReport } from '../reports/find-report.ts';
import { snapshotFilter } from '../snapshot-filter.ts';

/** Hits between two looks at whether the reader keeps up. */
const batchHits = 256;

const options = {
  'ignore-case': { kind: 'flag', short: 'i', help: 'letters of either case match' },
  long: { kind: 'flag', short: 'l', help: 'also mode, owner, size and time' },
  'human-readable': { kind: 'flag', help: 'with --long, sizes with units' },
  oldest: { kind: 'value', short: 'O', placeholder: 'TIME', help: 'only what was modified then or later' },
  newest: { kind: 'value', short: 'N', placeholder: 'TIME', help: 'only what was modified then or before' },
  snapshot: {
    kind: 'list',
    short: 's',
    placeholder: 'SNAPSHOT',
    help: 'only in this one: an id, the beginning of one, or latest',
  },
  reverse: { kind: 'flag', short: 'R', help: 'begin with the oldest snapshot' },
  blob: { kind: 'flag', help: 'which files the blobs of these ids belong to' },
  tree: { kind: 'flag', help: 'which folders the trees of these ids are' },
  pack: { kind: 'flag', help: 'which files and folders have blobs in the packs of these ids' },
  'show-pack-id': { kind: 'flag', help: 'with --blob, --tree or --pack, in which pack a blob stands' },
  ...filterOptions,
  ...readOptions,
  ...repositoryOptions,
} as const;

type FindArguments = Arguments<typeof options>;

export const command = defineCommand({
  name: 'find',
  summary: 'find files in snapshots',
  operands: [
    {
      name: 'PATTERN...',
      help: 'names or paths, in which * ? [ ] and ** have restic’s meaning; or ids and beginnings of ids',
    },
  ],
  description: [
    'All snapshots are searched, the newest first.',
    'A pattern without a leading slash may begin at every folder; one that matches a folder matches all below it;',
    'one with ! in front takes back what those before it found.',
    'A time is a date, with hours, minutes and seconds if need be, in local time or with a zone.',
    'Nothing found is no error.',
  ],
  options,
  examples: [
    { command: "tranship find -r /srv/replica '*.conf' -l", does: 'all versions of some files' },
    {
      command: "tranship find -r /srv/replica --tag volume=data -O 2026-01-31 '/data/mail/**/cur'",
      does: 'what changed since a day, below some folders of one volume',
    },
    { command: 'tranship find -r /srv/replica --pack 025c1d06', does: 'what a damaged pack held' },
  ],
  exitCodes: { 3: 'a folder or a snapshot could not be read, and was named' },
  run: async (args, context) => {
    const search = await plan(args);
    return readRepository(args, context, async (repository, signal) => {
      const { selectSnapshots } = await import('../../repository/snapshot-selection.ts');
      const filter = snapshotFilter(args);
      const selected = await selectSnapshots(repository, args.list('snapshot'), filter, signal);
      const { loadIndex } = await import('../../repository/loaded-index.ts');
      const index = await loadIndex(repository, signal);
      const { query, wanted } = await search(repository, signal);
      return run({ repository, index, query, wanted, selected, args, context, signal });
    });
  },
});

interface Search {
  readonly query: SearchQuery;
  /** Ids that were asked for in full. */
  readonly wanted: Readonly<Record<BlobType, Iterable<string>>>;
}

/** Checks the arguments; what it returns looks up what they name. */
async function plan(
  args: FindArguments,
): Promise<(repository: Repository, signal: AbortSignal) => Promise<Search>> {
  const kinds = (['blob', 'tree', 'pack'] as const).filter((kind) => args.flag(kind));
  const [kind, second] = kinds;
  if (second !== undefined) throw new UsageError(`--${kind} and --${second} cannot be given together`);
  if (args.operands.length === 0) {
    const what =
      kind === undefined
        ? "no pattern was given: a name or a path, '*.conf'"
        : `no id of a ${kind} was given`;
    throw new UsageError(what);
  }
  if (kind === undefined) return planPaths(args);
  args.refuseOptions(['ignore-case', 'long', 'human-readable', 'oldest', 'newest'], `with --${kind}`);
  const { IdSelection } = await import('../../repository/id-selection.ts');
  const { ObjectQuery } = await import('../../repository/object-query.ts');
  const [none, given] = [new IdSelection(), new IdSelection(args.operands)];
  return async (repository, signal) => {
    let selection = kind === 'blob' ? { data: given, tree: none } : { data: none, tree: given };
    if (kind === 'pack') {
      const { blobsOfPacks } = await import('../../repository/pack-contents.ts');
      const { data, tree } = await blobsOfPacks(repository, args.operands, signal);
      selection = { data: new IdSelection(data), tree: new IdSelection(tree) };
    }
    const wanted = { data: selection.data.ids, tree: selection.tree.ids };
    return { query: new ObjectQuery(selection), wanted };
  };
}

async function planPaths(args: FindArguments): Promise<() => Promise<Search>> {
  args.refuseOptions(['show-pack-id'], 'without --blob, --tree or --pack');
  const [oldest, newest] = [args.value('oldest'), args.value('newest')];
  const oldestNs = oldest === undefined ? undefined : parseTimeNs(oldest, 'oldest');
  const newestNs = newest === undefined ? undefined : parseTimeNs(newest, 'newest');
  if (oldestNs !== undefined && newestNs !== undefined && oldestNs > newestNs) {
    throw new UsageError('--oldest must be before --newest');
  }
  const patterns = patternsOf(args);
  const { PathQuery } = await import('../../repository/path-query.ts');
  const query = new PathQuery({ patterns, oldestNs, newestNs });
  return async () => ({ query, wanted: { data: [], tree: [] } });
}

function patternsOf(args: FindArguments): PatternList {
  if (args.operands.includes('')) {
    throw new UsageError('a pattern is empty', { advice: "write '*' to find everything" });
  }
  if (args.operands.every((pattern) => pattern.startsWith('!'))) {
    throw new UsageError('the patterns can match nothing', {
      where: args.operands.join(' '),
      advice: 'a pattern with ! in front takes back what others found; write \\! for a name that begins so',
    });
  }
  return compilePatterns(args.operands, { caseInsensitive: args.flag('ignore-case') });
}

interface Run extends Search {
  readonly repository: Repository;
  readonly index: LoadedIndex;
  readonly selected: SnapshotList;
  readonly args: FindArguments;
  readonly context: CommandContext;
  readonly signal: AbortSignal;
}

async function run(work: Run): Promise<number> {
  const { repository, index, query, wanted, selected, args, signal } = work;
  const { output } = work.context;
  const { SnapshotSearch } = await import('../../repository/snapshot-search.ts');
  const search = new SnapshotSearch(repository, index, query, signal);
  const report = new FindReport(output, {
    long: args.flag('long'),
    humanReadable: args.flag('human-readable'),
    locate: args.flag('show-pack-id') ? (kind, id) => index.locate(kind, id) : undefined,
  });
  const direction = args.flag('reverse') ? 1 : -1;
  const byTime = selected.snapshots.toSorted((a, b) => direction * Number(a.timeNs - b.timeNs));
  let hits = 0;
  for (const snapshot of byTime) {
    for await (const event of search.search(snapshot)) {
      report.add(snapshot, event);
      if (++hits % batchHits === 0) await output.drained(signal);
    }
  }
  report.finish(wanted);
  const damaged = reportDamaged('snapshots', selected.damaged, 'find', output);
  return damaged === exitCode.done ? report.exitCode : damaged;
}

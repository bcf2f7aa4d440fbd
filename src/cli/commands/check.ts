import { UsageError } from '../../base/errors.ts';
import type { CheckProgress, CheckReport } from '../../repository/check.ts';
import type { Arguments } from '../arguments.ts';
import { formatBytes } from '../byte-size.ts';
import { defineCommand } from '../command.ts';
import { readOptions, repositoryOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';
import { readRepository } from '../open-repository.ts';
import type { Output } from '../output.ts';
import { safeText } from '../safe-text.ts';

const options = {
  'read-data': { kind: 'flag', help: 'read every pack and hash every blob' },
  'read-data-subset': {
    kind: 'value',
    placeholder: 'SUBSET',
    help: 'read a part of the packs: n/t (the nth of t parts), 2.5% or 10G chosen at random',
  },
  ...readOptions,
  ...repositoryOptions,
} as const;

export const command = defineCommand({
  name: 'check',
  summary: 'check that everything in the repository is there and fits together',
  operands: [],
  description: [
    'Errors mean that something cannot be restored, and name the snapshots and paths concerned.',
    'Hints lose nothing: packs that an interrupted pass left behind, for one.',
    'Others may stage into the repository meanwhile.',
  ],
  options,
  examples: [
    { command: 'tranship check -r /srv/replica', does: 'checks the structure' },
    { command: 'tranship check -r /srv/replica --read-data', does: 'also reads every byte' },
    {
      command: 'tranship check -r /srv/replica --read-data-subset 1/7',
      does: 'reads a seventh, a different one each day',
    },
  ],
  exitCodes: { 1: 'failed, or the repository has errors' },
  run: async (args, context) => {
    const { output } = context;
    args.refuseOperands();
    const readData = await readDataOf(args);
    return readRepository(args, context, async (repository, signal) => {
      const { checkRepository } = await import('../../repository/check.ts');
      const report = await checkRepository(repository, {
        readData,
        signal,
        onProgress: (progress) => output.showProgress(progressText(progress)),
      });
      output.clearProgress();
      printReport(report, output);
      return report.errorCount === 0 ? exitCode.done : exitCode.failed;
    });
  },
});

async function readDataOf(args: Arguments<typeof options>) {
  const subset = args.value('read-data-subset');
  if (subset === undefined) return args.flag('read-data') ? 'all' : 'none';
  if (args.flag('read-data')) throw new UsageError('--read-data and --read-data-subset exclude each other');
  const { parseReadDataSubset } = await import('../../repository/check.ts');
  return parseReadDataSubset(subset);
}

function progressText({ phase, done, total }: CheckProgress): string {
  if (phase === 'data') return `reading packs: ${formatBytes(done)} / ${formatBytes(total)}`;
  const names = { index: 'reading the index', packs: 'packs', trees: 'snapshots' } as const;
  return phase === 'index' ? names.index : `checking ${names[phase]}: ${done} / ${total}`;
}

function printReport(report: CheckReport, output: Output): void {
  const { errors, errorCount, hints, hintCount, affectedSnapshots, counts } = report;
  for (const { kind, where, message, affects } of errors) {
    const place =
      affects === undefined
        ? ''
        : `, in snapshot ${affects.snapshotId.slice(0, 8)}: ${safeText(affects.path)}`;
    output.itemError(`${safeText(where)}: ${safeText(message)}${place}`, {
      message_type: 'error',
      kind,
      error: { message },
      during: 'check',
      item: where,
      ...(affects === undefined ? {} : { snapshot_id: affects.snapshotId, path: affects.path }),
    });
  }
  if (errorCount > errors.length) output.warn(`${errorCount - errors.length} more errors are not listed`);
  for (const { where, message } of hints.slice(0, output.verbosity > 0 ? hints.length : 5)) {
    output.info(`hint: ${safeText(where)}: ${safeText(message)}`);
  }
  if (hintCount > 5 && output.verbosity === 0) output.info(`hint: ${hintCount - 5} more are shown with -v`);
  output.info(
    `checked ${counts.snapshots} snapshots, ${counts.trees} trees, ${counts.blobs} blobs in ${counts.packs} packs, ` +
      `${counts.indexFiles} index files; read ${counts.packsRead} packs (${formatBytes(counts.bytesRead)})`,
  );
  for (const id of affectedSnapshots) output.print(`snapshot ${id.slice(0, 8)} cannot be restored whole`);
  if (hintCount > 0) output.info(`${hintCount} hints, none of which loses anything`);
  output.print(errorCount === 0 ? 'no errors were found' : `${errorCount} errors were found`);
  output.message(summaryMessage(report));
}

/** restic's members first; the rest is ours. */
function summaryMessage(report: CheckReport): object {
  const { errors, errorCount, hints, hintCount, affectedSnapshots, counts } = report;
  const kinds = new Set<string>(errors.map(({ kind }) => kind));
  const broken = errors
    .filter(({ kind }) => kind.startsWith('pack-'))
    .map(({ where }) => where.replace(/^.*\//, ''));
  return {
    message_type: 'summary',
    num_errors: errorCount,
    broken_packs: broken.length === 0 ? null : [...new Set(broken)],
    suggest_repair_index: kinds.has('index-damaged') || kinds.has('index-conflict') || kinds.has('pack-size'),
    suggest_prune: hints.some(({ kind }) => kind === 'orphan-pack'),
    num_hints: hintCount,
    hints,
    affected_snapshots: affectedSnapshots,
    snapshots: counts.snapshots,
    packs: counts.packs,
    blobs: counts.blobs,
    packs_read: counts.packsRead,
    bytes_read: counts.bytesRead,
  };
}

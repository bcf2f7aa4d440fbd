import { encodeSnapshot } from '../../repository/format/snapshot.ts';
import type { StoredSnapshot } from '../../repository/snapshots.ts';
import { formatBytes } from '../byte-size.ts';
import { defineCommand } from '../command.ts';
import { filterOptions, readOptions, repositoryOptions } from '../common-options.ts';
import { reportDamaged } from '../damaged-files.ts';
import { formatLocalTime } from '../local-time.ts';
import { readRepository } from '../open-repository.ts';
import type { Output } from '../output.ts';
import { safeText } from '../safe-text.ts';
import { snapshotFilter } from '../snapshot-filter.ts';
import { textTable } from '../text-table.ts';

export const command = defineCommand({
  name: 'snapshots',
  summary: 'list snapshots',
  operands: [{ name: '[SNAPSHOT...]', help: 'only these: ids, the beginnings of some, or latest' }],
  options: {
    latest: { kind: 'value', placeholder: 'N', help: 'only the last N of each host and paths' },
    ...filterOptions,
    ...readOptions,
    ...repositoryOptions,
  },
  examples: [
    { command: 'tranship snapshots -r /srv/replica', does: 'lists all, oldest first' },
    {
      command: 'tranship snapshots -r /srv/replica --tag volume=data --latest 1 --json',
      does: 'the last pass of a volume',
    },
  ],
  exitCodes: { 3: 'a snapshot file is damaged, and was named' },
  run: async (args, context) => {
    const latest = args.integer('latest', 1);
    return readRepository(args, context, async (repository, signal) => {
      const { selectSnapshots } = await import('../../repository/snapshot-selection.ts');
      const filter = snapshotFilter(args);
      const { snapshots, damaged } = await selectSnapshots(repository, args.operands, filter, signal);
      const shown = latest === undefined ? snapshots : latestOfEach(snapshots, latest);
      print(shown, context.output);
      return reportDamaged('snapshots', damaged, 'snapshots', context.output);
    });
  },
});

/** Of snapshots that stand oldest first. */
function latestOfEach(snapshots: readonly StoredSnapshot[], count: number): StoredSnapshot[] {
  const seen = new Map<string, number>();
  return snapshots
    .toReversed()
    .filter(({ hostname, paths }) => {
      const group = JSON.stringify([hostname, paths.toSorted()]);
      seen.set(group, (seen.get(group) ?? 0) + 1);
      return (seen.get(group) ?? 0) <= count;
    })
    .toReversed();
}

function print(snapshots: readonly StoredSnapshot[], output: Output): void {
  if (output.json) {
    output.raw(`[${snapshots.map((snapshot) => snapshotJson(snapshot)).join(',')}]`);
    return;
  }
  if (snapshots.length === 0) return output.print('there are no snapshots');
  const rows = snapshots.map((snapshot) => [
    [snapshot.id.slice(0, 8)],
    [formatLocalTime(Number(snapshot.timeNs / 1_000_000n))],
    [safeText(snapshot.hostname ?? '')],
    (snapshot.tags ?? []).map(safeText),
    snapshot.paths.map(safeText),
    [snapshot.summary === undefined ? '' : formatBytes(snapshot.summary.totalBytesProcessed)],
  ]);
  const heading = ['ID', 'Time', 'Host', 'Tags', 'Paths', 'Size'];
  const footer = ['times are in local time', `${snapshots.length} snapshots`];
  for (const line of textTable(heading, rows, footer)) output.print(line);
}

/** The snapshot's own JSON, so that what other programs wrote into it is handed on, with restic's two ids. */
export function snapshotJson(snapshot: StoredSnapshot, more = ''): string {
  const own = encodeSnapshot(snapshot).toString('utf8').slice(0, -1);
  return `${own},"id":"${snapshot.id}","short_id":"${snapshot.id.slice(0, 8)}"${more}}`;
}

import type { Statistics, StatisticsMode } from '../../repository/statistics.ts';
import { formatBytes } from '../byte-size.ts';
import { defineCommand } from '../command.ts';
import { filterOptions, readOptions, repositoryOptions } from '../common-options.ts';
import { reportDamaged } from '../damaged-files.ts';
import { readRepository } from '../open-repository.ts';
import type { Output } from '../output.ts';
import { snapshotFilter } from '../snapshot-filter.ts';

const modes = [
  'restore-size',
  'files-by-contents',
  'blobs-per-file',
  'raw-data',
] as const satisfies readonly StatisticsMode[];

export const command = defineCommand({
  name: 'stats',
  summary: 'count what snapshots hold',
  operands: [{ name: '[SNAPSHOT...]', help: 'only these: ids, the beginnings of some, or latest' }],
  description: [
    'Modes, as restic has them: restore-size counts everything as it would be restored;',
    'files-by-contents counts equal files once;',
    'blobs-per-file counts the blobs of those files, under each path once;',
    'raw-data counts each blob of the snapshots once, as it is stored.',
  ],
  options: {
    mode: {
      kind: 'value',
      placeholder: 'MODE',
      default: 'restore-size',
      choices: modes,
      help: 'what to count: restore-size, files-by-contents, blobs-per-file, raw-data',
    },
    ...filterOptions,
    ...readOptions,
    ...repositoryOptions,
  },
  examples: [
    { command: 'tranship stats -r /srv/replica latest', does: 'the size of the last snapshot when restored' },
    {
      command: 'tranship stats -r /srv/replica --mode raw-data --json',
      does: 'what all snapshots take in the repository, and how far they are compressed',
    },
  ],
  exitCodes: { 3: 'a snapshot file is damaged, and was named' },
  run: async (args, context) => {
    const { output } = context;
    const mode = args.choice('mode', modes) ?? 'restore-size';
    return readRepository(args, context, async (repository, signal) => {
      const { computeStatistics } = await import('../../repository/statistics.ts');
      const { selectSnapshots } = await import('../../repository/snapshot-selection.ts');
      const filter = snapshotFilter(args);
      const { snapshots, damaged } = await selectSnapshots(repository, args.operands, filter, signal);
      const statistics = await computeStatistics(repository, snapshots, {
        mode,
        signal,
        onProgress: ({ snapshots: done, totalSnapshots, entries }) =>
          output.showProgress(`counted ${done} / ${totalSnapshots} snapshots, ${entries} entries`),
      });
      output.clearProgress();
      print(statistics, mode, output);
      return reportDamaged('snapshots', damaged, 'stats', output);
    });
  },
});

function print(statistics: Statistics, mode: StatisticsMode, output: Output): void {
  const { snapshots, totalBytes, files, blobs, compression } = statistics;
  const { uncompressedBytes = 0, ratio = 0, progressPercent = 0, spaceSavingPercent = 0 } = compression ?? {};
  const line = (title: string, isShown: boolean, value: string): void => {
    if (isShown) output.print(`${title.padStart(24)}:  ${value}`);
  };
  output.print(`Stats in ${mode} mode:`);
  line('Snapshots processed', true, String(snapshots));
  line('Total Blob Count', blobs > 0, String(blobs));
  line('Total File Count', files > 0, String(files));
  line('Total Uncompressed Size', uncompressedBytes > 0, formatBytes(uncompressedBytes));
  line('Total Size', true, formatBytes(totalBytes));
  line('Compression Progress', progressPercent > 0, `${progressPercent.toFixed(2)}%`);
  line('Compression Ratio', ratio > 0, `${ratio.toFixed(2)}x`);
  line('Compression Space Saving', spaceSavingPercent > 0, `${spaceSavingPercent.toFixed(2)}%`);
  // Members that are 0 are left out, and the message has no type, as restic has it.
  const optional = {
    total_uncompressed_size: uncompressedBytes,
    compression_ratio: ratio,
    compression_progress: progressPercent,
    compression_space_saving: spaceSavingPercent,
    total_file_count: files,
    total_blob_count: blobs,
  };
  const shown = Object.entries(optional).filter(([, value]) => value !== 0);
  output.message({ total_size: totalBytes, ...Object.fromEntries(shown), snapshots_count: snapshots });
}

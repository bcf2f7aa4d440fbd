import { UsageError } from '../../base/errors.ts';
import { defineCommand } from '../command.ts';
import { filterOptions, readOptions, repositoryOptions } from '../common-options.ts';
import { readRepository } from '../open-repository.ts';
import { DiffReport } from '../reports/diff-report.ts';
import { snapshotFilter } from '../snapshot-filter.ts';

/** Events between two looks at whether the reader keeps up. */
const batchEvents = 256;

export const command = defineCommand({
  name: 'diff',
  summary: 'show what differs between two snapshots',
  operands: [
    {
      name: 'SNAPSHOT[:/PATH]',
      help: 'what was before: an id, the beginning of one, or latest; with a path, only that folder',
    },
    { name: 'SNAPSHOT[:/PATH]', help: 'what came after' },
  ],
  description: [
    'The first characters of a line say what became of an item:',
    '+ it was added, - removed, M its contents changed, T its type, U only its metadata (with --metadata);',
    'M? its contents changed while all its metadata is the same, which is a sign of damage.',
    'At the end it counts what was added and removed; with --quiet it prints nothing else.',
  ],
  options: {
    metadata: { kind: 'flag', help: 'also what differs in metadata alone' },
    ...filterOptions,
    ...readOptions,
    ...repositoryOptions,
  },
  examples: [
    { command: 'tranship diff -r /srv/replica 40dc1520 latest', does: 'what changed since a snapshot' },
    {
      command: 'tranship diff -r /srv/replica 40dc1520:/data/etc latest:/data/etc --metadata',
      does: 'what changed in one folder, owners, modes and times included',
    },
  ],
  exitCodes: { 3: 'a folder could not be read, and was named' },
  run: async (args, context) => {
    const [before, after, ...more] = args.operands;
    if (before === undefined || after === undefined) {
      throw new UsageError('two snapshots are compared: give two ids, or one and latest');
    }
    if (more.length > 0) throw new UsageError('too many arguments', { where: more.join(' ') });
    return readRepository(args, context, async (repository, signal) => {
      const { diffSnapshots } = await import('../../repository/snapshot-diff.ts');
      const report = new DiffReport(context.output, { before, after });
      let events = 0;
      for await (const event of diffSnapshots(repository, {
        before,
        after,
        filter: snapshotFilter(args),
        metadata: args.flag('metadata'),
        signal,
      })) {
        report.onEvent(event);
        if (++events % batchEvents === 0) await context.output.drained(signal);
      }
      return report.exitCode;
    });
  },
});

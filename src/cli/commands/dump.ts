import { UsageError } from '../../base/errors.ts';
import { printableName } from '../../base/byte-name.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Arguments } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import type { CommandContext } from '../command.ts';
import { filterOptions, readOptions, repositoryOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';
import { readRepository } from '../open-repository.ts';
import { snapshotFilter } from '../snapshot-filter.ts';
import { writeTarget } from '../target-file.ts';

const options = {
  archive: {
    kind: 'value',
    short: 'a',
    placeholder: 'FORMAT',
    default: 'tar',
    choices: ['tar'],
    help: 'the form of a folder: tar',
  },
  target: {
    kind: 'value',
    short: 't',
    placeholder: 'FILE',
    default: 'standard output',
    help: 'where to write',
  },
  ...filterOptions,
  ...readOptions,
  ...repositoryOptions,
} as const;

export const command = defineCommand({
  name: 'dump',
  summary: 'write a file of a snapshot, or a folder as an archive',
  operands: [
    {
      name: 'SNAPSHOT[:/PATH]',
      help: 'an id, the beginning of one, or latest; with a path, the names in the archive begin below it',
    },
    { name: '[FILE]', help: 'the path of a file or folder, below that of the snapshot; / is everything' },
  ],
  description: [
    'The bytes of a file, or all below a folder as a tar archive with owners, modes, times, extended attributes, ACLs,',
    'hard links, FIFOs and devices.',
    'To extract all of that: tar -xp --xattrs --xattrs-include=* --acls.',
  ],
  options,
  examples: [
    { command: 'tranship dump -r /srv/replica latest /etc/hosts', does: 'prints a file' },
    {
      command: 'tranship dump -r /srv/replica latest:/data --target data.tar',
      does: 'writes what a volume holds into an archive',
    },
    {
      command: 'tranship dump -r /srv/replica latest / | ssh host tar -xpC /mnt',
      does: 'restores everything on a machine that only has tar',
    },
  ],
  exitCodes: { 3: 'partial: the archive lacks something, which was named' },
  run: async (args, context) => {
    // Other forms that restic knows are refused here.
    args.choice('archive', ['tar']);
    const wanted = dumpedPath(args.operands);
    return readRepository(args, context, (repository, signal) =>
      dump(repository, wanted, args, context, signal),
    );
  },
});

/** Where the names in an archive begin, and what is dumped below that. */
interface DumpedPath {
  readonly base: string;
  readonly names: readonly string[];
}

function dumpedPath(operands: readonly string[]): DumpedPath {
  const [base, file, ...more] = operands;
  if (base === undefined) throw new UsageError('no snapshot was given: an id, or latest');
  if (more.length > 0) throw new UsageError('too many arguments', { where: more.join(' ') });
  if (file === undefined && !base.includes(':')) {
    throw new UsageError('no file was given', { advice: 'name a file or folder of the snapshot; / is all' });
  }
  return { base, names: (file ?? '').split('/').filter((name) => name !== '') };
}

async function dump(
  repository: Repository,
  { base, names }: DumpedPath,
  args: Arguments<typeof options>,
  { output }: CommandContext,
  signal: AbortSignal,
): Promise<number> {
  const { openDumped } = await import('../../copy/dump.ts');
  let warnings = 0;
  const path = names.map((name) => `/${name}`).join('');
  const { type, contents } = await openDumped(
    repository,
    {
      snapshot: `${base}${base.includes(':') ? '' : ':'}${path}`,
      filter: snapshotFilter(args),
      wanted: 'a file or a folder',
      prefix: Buffer.from(names.join('/')),
      onWarning: (item, message) => {
        warnings++;
        output.warn(`${printableName(item)}: ${message}`);
      },
    },
    signal,
  );
  const target = args.value('target');
  if (type === 'folder' && target === undefined && output.isTerminal) {
    throw new UsageError('an archive is not for a terminal', { advice: 'redirect it, or use --target' });
  }
  await (target === undefined ? output.writeAll(contents, signal) : writeTarget(target, contents));
  return warnings === 0 ? exitCode.done : exitCode.partial;
}

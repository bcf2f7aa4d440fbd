import { UsageError } from '../../base/errors.ts';
import type { TaggedSnapshot } from '../../repository/tag-snapshots.ts';
import type { Arguments } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import { filterOptions, lockOptions, repositoryOptions } from '../common-options.ts';
import { reportDamaged } from '../damaged-files.ts';
import { openRepository, retryLockMs } from '../open-repository.ts';
import type { Output } from '../output.ts';
import { safeText } from '../safe-text.ts';
import { snapshotFilter } from '../snapshot-filter.ts';
import { tagList } from '../tags.ts';

const options = {
  set: {
    kind: 'list',
    placeholder: 'TAG,...',
    help: 'the tags to have, in place of those that are there; empty for none',
  },
  add: { kind: 'list', placeholder: 'TAG,...', help: 'tags to add' },
  remove: { kind: 'list', placeholder: 'TAG,...', help: 'tags to take away' },
  'dry-run': { kind: 'flag', short: 'n', help: 'say what would change, write nothing' },
  ...filterOptions,
  ...lockOptions,
  ...repositoryOptions,
} as const;

export const command = defineCommand({
  name: 'tag',
  summary: 'change the tags of snapshots',
  operands: [{ name: '[SNAPSHOT...]', help: 'only these: ids, the beginnings of some, or latest' }],
  description: [
    'Without a snapshot all that match --host, --tag and --path are changed.',
    'A changed snapshot has another id; the id of its first version stays in it as its original.',
    'A snapshot that has the tags already is left alone.',
  ],
  options,
  examples: [
    { command: 'tranship tag -r /srv/replica --add keep 40dc1520', does: 'adds a tag to one snapshot' },
    {
      command: 'tranship tag -r /srv/replica --host node-1 --tag old --remove old --dry-run',
      does: 'shows which snapshots would lose a tag',
    },
    { command: 'tranship tag -r /srv/replica --set "" latest', does: 'takes all tags away' },
  ],
  exitCodes: { 3: 'a snapshot file is damaged, and was named; the others were changed' },
  run: async (args, context) => {
    const { output } = context;
    const dryRun = args.flag('dry-run');
    const change = tagChange(args);
    const repository = await openRepository(args, context);
    const { tagSnapshots } = await import('../../repository/tag-snapshots.ts');
    const { changed, damaged } = await tagSnapshots(repository, {
      ...change,
      snapshots: args.operands,
      filter: snapshotFilter(args),
      dryRun,
      retryLockMs: retryLockMs(args),
      signal: context.signal,
      onChange: (snapshot) => printChange(snapshot, output),
    });
    const code = reportDamaged('snapshots', damaged, 'tag', output);
    output.print(
      changed.length === 0
        ? 'no snapshots were modified'
        : `${dryRun ? 'would modify' : 'modified'} ${changed.length} snapshots`,
    );
    output.message({
      message_type: 'summary',
      changed_snapshots: changed.length,
      ...(dryRun ? { dry_run: true } : {}),
    });
    return code;
  },
});

/** What the options ask for; what was not given must stay undefined, since `--set ''` means no tags. */
function tagChange(args: Arguments<typeof options>) {
  const given = args.list('set');
  const set = tagList(given);
  if (set.length === 0 && given.some((text) => text !== '')) {
    throw new UsageError('--set names no tag', {
      where: JSON.stringify(given.join(' ')),
      advice: "write --set '' to take all tags away",
    });
  }
  return {
    set: given.length === 0 ? undefined : set,
    add: tagList(args.list('add')),
    remove: tagList(args.list('remove')),
  };
}

function printChange({ oldId, newId, tags }: TaggedSnapshot, output: Output): void {
  const names = tags.length === 0 ? 'no tags' : tags.map(safeText).join(', ');
  if (output.verbosity > 0 || newId === undefined) {
    const now = newId === undefined ? '' : ` is now ${newId.slice(0, 8)}`;
    output.info(`snapshot ${oldId.slice(0, 8)}${now}: ${names}`);
  }
  output.message({
    message_type: 'changed',
    old_snapshot_id: oldId,
    ...(newId === undefined ? {} : { new_snapshot_id: newId }),
  });
}

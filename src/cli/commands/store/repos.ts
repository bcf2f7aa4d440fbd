import { openStore } from '../../../providers/objects/open.ts';
import type { FoundRepository } from '../../../repository/found-folder.ts';
import type { RepositorySearch } from '../../../repository/repository-search.ts';
import { formatBytes } from '../../byte-size.ts';
import { defineCommand } from '../../command.ts';
import { commonOptions, storeOptions } from '../../common-options.ts';
import { exitCode } from '../../exit-code.ts';
import { formatLocalTime } from '../../local-time.ts';
import { storeOpening } from '../../open-store.ts';
import type { Output } from '../../output.ts';
import { storeLocation } from '../../repository-location.ts';
import { safeText } from '../../safe-text.ts';
import { textTable } from '../../text-table.ts';

export const command = defineCommand({
  name: 'store repos',
  summary: 'list the repositories in a bucket or folder',
  operands: [{ name: '[LOCATION]', help: 'a bucket, a prefix or a folder; default TRANSHIP_REPOSITORY' }],
  description: [
    'Finds repositories of restic’s format and kopia’s, in folders of any depth, and opens none of them.',
    'Whether one of restic’s format has version 1 or 2 is sealed with its password.',
  ],
  options: {
    sizes: { kind: 'flag', help: 'list every object, so that sizes are known' },
    ...storeOptions,
    ...commonOptions,
  },
  examples: [
    { command: 'tranship store repos s3://velero', does: 'shows what Velero has left in a bucket' },
    {
      command: 'tranship store repos /srv --sizes --json',
      does: 'the same of a folder, with sizes, as an array',
    },
  ],
  run: async (args, context) => {
    const location = await storeLocation(args.operands, context.environment);
    const store = await openStore(location, {
      ...(await storeOpening(location, args, context)),
      readOnly: true,
    });
    const { findRepositories } = await import('../../../repository/repository-search.ts');
    try {
      const sizes = args.flag('sizes');
      print(await findRepositories(store, { sizes, signal: context.signal }), context.output);
    } finally {
      await store.close();
    }
    return exitCode.done;
  },
});

function print({ repositories, passedOver, objects }: RepositorySearch, output: Output): void {
  for (const folder of passedOver) {
    output.warn(`many objects and no sign of a repository, the rest was passed over: ${safeText(folder)}`);
  }
  if (output.json) {
    output.raw(JSON.stringify(repositories.map(jsonOf)));
    return;
  }
  if (repositories.length === 0) return output.print(`no repository among ${objects} objects`);
  const rows = repositories.map((found) => [
    [found.path === '' ? '/' : safeText(found.path)],
    [found.canBeOpened ? found.program : `${found.program}, cannot be opened`],
    [found.createdMs === undefined ? '' : formatLocalTime(found.createdMs)],
    [found.lastChangeMs === undefined ? '' : formatLocalTime(found.lastChangeMs)],
    [found.snapshots === undefined ? '' : String(found.snapshots)],
    [found.locks === undefined ? '' : String(found.locks)],
    [found.sizeBytes === undefined ? '' : formatBytes(found.sizeBytes)],
  ]);
  const heading = ['Path', 'Format', 'Created', 'Last snapshot', 'Snapshots', 'Locks', 'Size'];
  const footer = ['times are in local time', `${repositories.length} repositories`];
  for (const line of textTable(heading, rows, footer)) output.print(line);
}

function jsonOf(found: FoundRepository): object {
  const time = (epochMs: number | undefined): string | null =>
    epochMs === undefined ? null : new Date(epochMs).toISOString();
  return {
    path: found.path,
    format: found.program,
    can_be_opened: found.canBeOpened,
    created: time(found.createdMs),
    last_change: time(found.lastChangeMs),
    snapshots: found.snapshots ?? null,
    locks: found.locks ?? null,
    keys: found.keys ?? null,
    size: found.sizeBytes ?? null,
  };
}

import { parseTimestamp } from '../../../repository/format/timestamp.ts';
import type { StoredKey } from '../../../repository/repository-keys.ts';
import { defineCommand } from '../../command.ts';
import { readOptions, repositoryOptions } from '../../common-options.ts';
import { reportDamaged } from '../../damaged-files.ts';
import { formatLocalTime } from '../../local-time.ts';
import { readRepository } from '../../open-repository.ts';
import type { Output } from '../../output.ts';
import { safeText } from '../../safe-text.ts';
import { textTable } from '../../text-table.ts';

export const command = defineCommand({
  name: 'key list',
  summary: 'list the keys of the repository',
  operands: [],
  description: ['An asterisk marks the key that opened the repository for this command.'],
  options: { ...readOptions, ...repositoryOptions },
  examples: [
    { command: 'tranship key list -r /srv/replica', does: 'lists all, oldest first' },
    { command: 'tranship key list -r /srv/replica --json', does: 'the same, as restic’s array' },
  ],
  exitCodes: { 3: 'a key file is damaged, and was named' },
  run: async (args, context) => {
    args.refuseOperands();
    return readRepository(args, context, async (repository, signal) => {
      const { listKeys } = await import('../../../repository/repository-keys.ts');
      const { keys, damaged } = await listKeys(repository, signal);
      print(keys, context.output);
      return reportDamaged('keys', damaged, 'key list', context.output);
    });
  },
});

function print(keys: readonly StoredKey[], output: Output): void {
  const created = (key: StoredKey): string =>
    formatLocalTime(Number(parseTimestamp(key.created) / 1_000_000n));
  if (output.json) {
    const shown = keys.map((key) => ({
      current: key.isCurrent,
      id: key.id,
      userName: key.username,
      hostName: key.hostname,
      created: created(key),
    }));
    output.raw(JSON.stringify(shown));
    return;
  }
  const rows = keys.map((key) => [
    [`${key.isCurrent ? '*' : ' '}${key.id.slice(0, 8)}`],
    [safeText(key.username)],
    [safeText(key.hostname)],
    [created(key)],
  ]);
  for (const line of textTable([' ID', 'User', 'Host', 'Created'], rows, [])) output.print(line);
}

import { defineCommand } from '../command.ts';
import { repositoryOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';
import { openRepository } from '../open-repository.ts';

export const command = defineCommand({
  name: 'unlock',
  summary: 'remove locks of processes that are gone',
  operands: [],
  description: [
    'A lock is removed when its process is proven to be gone, or when it has not been refreshed for 30 minutes.',
    'With --remove-all also the locks of processes that are at work, whose results others may then damage.',
  ],
  options: {
    'remove-all': { kind: 'flag', help: 'remove every lock, whoever holds it' },
    ...repositoryOptions,
  },
  examples: [{ command: 'tranship unlock -r /srv/replica', does: 'removes stale locks' }],
  run: async (args, context) => {
    const { output, signal } = context;
    args.refuseOperands();
    const repository = await openRepository(args, context);
    const { unlock } = await import('../../repository/locks.ts');
    const removed = await unlock(repository, { removeAll: args.flag('remove-all'), signal });
    output.info(removed.length === 0 ? 'there was no lock to remove' : `removed ${removed.length} locks`);
    output.message({ message_type: 'summary', locks_removed: removed.map(({ id }) => id) });
    return exitCode.done;
  },
});

import { UsageError } from '../../../base/errors.ts';
import { defineCommand } from '../../command.ts';
import { lockOptions, repositoryOptions } from '../../common-options.ts';
import { exitCode } from '../../exit-code.ts';
import { openRepository, retryLockMs } from '../../open-repository.ts';

export const command = defineCommand({
  name: 'key remove',
  summary: 'remove a key',
  operands: [{ name: 'ID', help: 'the id of a key, or the beginning of one' }],
  description: ['The key that opens the repository for this command is never removed, so that one stays.'],
  options: { ...lockOptions, ...repositoryOptions },
  examples: [
    {
      command: 'tranship key remove -r /srv/replica 40dc1520',
      does: 'its password no longer opens the repository',
    },
  ],
  run: async (args, context) => {
    const [id, ...more] = args.operands;
    if (id === undefined) throw new UsageError('no key was named', { advice: 'see `tranship key list`' });
    if (more.length > 0) throw new UsageError('too many arguments', { where: more.join(' ') });
    const repository = await openRepository(args, context);
    const { removeKey } = await import('../../../repository/repository-keys.ts');
    const removed = await removeKey(repository, id, {
      retryLockMs: retryLockMs(args),
      signal: context.signal,
    });
    context.output.print(`removed key ${removed}`);
    context.output.message({ message_type: 'summary', key_removed: removed });
    return exitCode.done;
  },
});

import { defineCommand } from '../../command.ts';
import { lockOptions, repositoryOptions } from '../../common-options.ts';
import { exitCode } from '../../exit-code.ts';
import { newKeyEnvironment, newKeyOptions, newKeyOptionsOf } from '../../new-key-options.ts';
import { openRepository } from '../../open-repository.ts';

export const command = defineCommand({
  name: 'key passwd',
  summary: 'change the password',
  operands: [],
  description: [
    'Adds a key for the new password, reads it back and tries it, and then removes the key that was used.',
    'However it is interrupted, one of the two passwords opens the repository.',
    'Keys of other passwords stay.',
  ],
  options: { ...newKeyOptions, ...lockOptions, ...repositoryOptions },
  environment: newKeyEnvironment,
  examples: [
    {
      command: 'tranship key passwd -r /srv/replica',
      does: 'asks for the old password, then for the new one, twice',
    },
    {
      command: 'tranship key passwd -r /srv/replica -p key --new-password-command "pass tranship"',
      does: 'takes the new one from a program',
    },
  ],
  run: async (args, context) => {
    args.refuseOperands();
    const repository = await openRepository(args, context);
    const { changePassword } = await import('../../../repository/repository-keys.ts');
    const change = await changePassword(repository, await newKeyOptionsOf(args, context));
    context.output.print(`saved new key with ID ${change.addedKeyId}`);
    context.output.info(`removed key ${change.removedKeyId.slice(0, 8)}`);
    context.output.message({
      message_type: 'summary',
      key_added: change.addedKeyId,
      key_removed: change.removedKeyId,
    });
    return exitCode.done;
  },
});

import { defineCommand } from '../../command.ts';
import { lockOptions, repositoryOptions } from '../../common-options.ts';
import { exitCode } from '../../exit-code.ts';
import { newKeyEnvironment, newKeyOptions, newKeyOptionsOf } from '../../new-key-options.ts';
import { openRepository } from '../../open-repository.ts';

export const command = defineCommand({
  name: 'key add',
  summary: 'add a key for another password',
  operands: [],
  description: [
    'The new key is read back and tried before it counts as added.',
    'A repository takes 20 keys: no program tries more of them.',
  ],
  options: { ...newKeyOptions, ...lockOptions, ...repositoryOptions },
  environment: newKeyEnvironment,
  examples: [
    {
      command: 'tranship key add -r /srv/replica --user audit',
      does: 'asks for the password, then for the new one, twice',
    },
    {
      command: 'tranship key add -r /srv/replica -p key --new-password-file key2',
      does: 'takes both from files',
    },
  ],
  run: async (args, context) => {
    args.refuseOperands();
    const repository = await openRepository(args, context);
    const { addKey } = await import('../../../repository/repository-keys.ts');
    const id = await addKey(repository, await newKeyOptionsOf(args, context));
    context.output.print(`saved new key with ID ${id}`);
    context.output.message({ message_type: 'summary', key_added: id });
    return exitCode.done;
  },
});

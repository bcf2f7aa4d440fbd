import { defineCommand } from '../command.ts';
import { repositoryOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';
import { accessRepository } from '../open-repository.ts';
import { weakScryptCost } from '../weak-scrypt.ts';

const chunkers = ['fastcdc', 'rabin'] as const;

export const command = defineCommand({
  name: 'init',
  summary: 'create a repository',
  operands: [],
  description: [
    'The repository has format version 2, which restic 0.14 and newer and rustic read.',
    'Keep the password: without it nobody can read anything in the repository.',
  ],
  options: {
    chunker: {
      kind: 'value',
      placeholder: 'NAME',
      default: 'fastcdc',
      choices: chunkers,
      help: 'how files are cut: fastcdc, or rabin when restic or rustic will stage into the repository too',
    },
    ...repositoryOptions,
  },
  examples: [
    {
      command: 'tranship init -r /srv/replica',
      does: 'creates a repository and asks for its password, twice',
    },
    {
      command: 'tranship init -r /srv/replica --chunker rabin --password-file key',
      does: 'creates one in which restic deduplicates against our passes',
    },
  ],
  run: async (args, context) => {
    args.refuseOperands();
    const chunker = args.choice('chunker', chunkers);
    const { store, location, password } = await accessRepository(args, context, { newPassword: true });
    const { Repository } = await import('../../repository/repository.ts');
    const { config } = await Repository.init(store, {
      password,
      chunker,
      scryptCost: weakScryptCost(context),
      logger: context.logger,
      signal: context.signal,
    });
    context.output.print(`created repository ${config.id.slice(0, 10)} at ${location}`);
    context.output.info('Keep the password: without it, what is in the repository is lost.');
    context.output.message({ message_type: 'initialized', id: config.id, repository: location });
    return exitCode.done;
  },
});

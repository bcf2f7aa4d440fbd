import type { Repository as OpenRepository } from '../../repository/repository.ts';
import type { Arguments } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import type { CommandContext } from '../command.ts';
import { repositoryOptions, sourceOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';
import { accessRepository, openSource } from '../open-repository.ts';
import { weakScryptCost } from '../weak-scrypt.ts';

const chunkers = ['fastcdc', 'rabin'] as const;

const sourceOptionNames = [
  'from-repository',
  'from-repository-file',
  'from-password-file',
  'from-password-command',
  'from-profile',
  'from-credentials-file',
] as const;

const options = {
  chunker: {
    kind: 'value',
    placeholder: 'NAME',
    default: 'fastcdc',
    choices: chunkers,
    help: 'how files are cut: fastcdc, or rabin when restic or rustic will stage into the repository too',
  },
  'copy-chunker-params': {
    kind: 'flag',
    help: 'cut files as the source repository does, from which snapshots will be copied',
  },
  ...sourceOptions,
  ...repositoryOptions,
} as const;

export const command = defineCommand({
  name: 'init',
  summary: 'create a repository',
  operands: [],
  description: [
    'The repository has format version 2, which restic 0.14 and newer and rustic read.',
    'Keep the password: without it nobody can read anything in the repository.',
  ],
  options,
  examples: [
    {
      command: 'tranship init -r /srv/replica',
      does: 'creates a repository and asks for its password, twice',
    },
    {
      command: 'tranship init -r /srv/replica --chunker rabin --password-file key',
      does: 'creates one in which restic deduplicates against our passes',
    },
    {
      command: 'tranship init -r s3://bucket/replica --from-repo /srv/replica --copy-chunker-params',
      does: 'creates one for copies of snapshots in another, and for passes that go on from there',
    },
  ],
  run: async (args, context) => {
    args.refuseOperands();
    const chunker = args.choice('chunker', chunkers);
    const chunkerOf = await chunkerModel(args, context);
    const { store, location, password } = await accessRepository(args, context, { newPassword: true });
    const { Repository } = await import('../../repository/repository.ts');
    const { config } = await Repository.init(store, {
      password,
      chunker,
      chunkerOf,
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

/** The repository that files are to be cut like, where there is to be one. */
async function chunkerModel(
  args: Arguments<typeof options>,
  context: CommandContext,
): Promise<OpenRepository | undefined> {
  if (args.flag('copy-chunker-params')) {
    args.refuseOptions(['chunker'], 'with --copy-chunker-params');
    return openSource(args, context, true);
  }
  args.refuseOptions(sourceOptionNames, 'without --copy-chunker-params');
  return undefined;
}

import { UsageError } from '../../base/errors.ts';
import { defineCommand } from '../command.ts';
import { lockOptions, repositoryOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';
import { openRepository, retryLockMs } from '../open-repository.ts';

const upgrade = 'upgrade-v2';

export const command = defineCommand({
  name: 'migrate',
  summary: 'upgrade a version-1 repository to version 2',
  operands: [{ name: upgrade, help: 'the only migration there is; restic calls it upgrade_repo_v2' }],
  description: [
    'Only the config changes: what is stored stays as it is, and what is added may be compressed.',
    'The repository is checked first.',
    'Versions of restic before 0.14 can then no longer read it.',
  ],
  options: { ...lockOptions, ...repositoryOptions },
  examples: [{ command: 'tranship migrate upgrade-v2 -r /srv/velero', does: 'lets new data be compressed' }],
  run: async (args, context) => {
    const [name, ...more] = args.operands;
    if ((name !== upgrade && name !== 'upgrade_repo_v2') || more.length > 0) {
      throw new UsageError(name === undefined ? 'no migration was named' : 'unknown migration', {
        ...(name === undefined ? {} : { where: args.operands.join(' ') }),
        advice: `the only one is ${upgrade}`,
      });
    }
    const repository = await openRepository(args, context);
    const { underLock } = await import('../../repository/under-lock.ts');
    const { upgradeToVersion2 } = await import('../../repository/upgrade.ts');
    const locking = { exclusive: true, retryLockMs: retryLockMs(args), signal: context.signal };
    await underLock(repository, locking, (signal) => upgradeToVersion2(repository, { signal }));
    context.output.info('the repository has version 2 now');
    context.output.message({ message_type: 'summary', migration: upgrade, version: 2 });
    return exitCode.done;
  },
});

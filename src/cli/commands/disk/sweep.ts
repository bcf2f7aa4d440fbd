import { listDisks } from '../../../snapshot/list-disks.ts';
import { sweepDisks } from '../../../snapshot/sweep-disks.ts';
import { defineCommand } from '../../command.ts';
import { repositoryOptions } from '../../common-options.ts';
import { diskCloudOptions } from '../../disk-options.ts';
import { requiredPlaces } from '../../disk-places.ts';
import { diskProviders, withDisks } from '../../disk-settings.ts';
import { exitCode } from '../../exit-code.ts';
import { openRepository } from '../../open-repository.ts';
import { DiskProgress, printSwept } from '../../reports/disk-report.ts';

export const command = defineCommand({
  name: 'disk sweep',
  summary: 'remove what is left over in the cloud',
  operands: [],
  description: [
    'Removes snapshots that have expired, and what was made in vain. A snapshot that no document of the repository',
    'names goes when the time in its tag is over. A disk that was restored is never removed, nor one that is attached;',
    'one that no document names only with --unclaimed-disks.',
  ],
  options: {
    'dry-run': { kind: 'flag', short: 'n', help: 'say what would be removed, and remove nothing' },
    'unclaimed-disks': {
      kind: 'flag',
      help: 'remove also disks that no document names: not with an old copy of a repository',
    },
    provider: {
      kind: 'value',
      placeholder: 'PROVIDER',
      default: 'those that the repository names',
      choices: diskProviders,
      help: 'aws, azure or gcp',
    },
    ...diskCloudOptions,
    ...repositoryOptions,
  },
  examples: [
    { command: 'tranship disk sweep --dry-run', does: 'shows what would be removed, and why' },
    {
      command: 'tranship disk sweep --provider aws --region us-east-1',
      does: 'looks in one region, whatever the repository names',
    },
  ],
  exitCodes: { 3: 'something could not be removed, and was named' },
  run: async (args, context) => {
    args.refuseOperands();
    const { output, signal } = context;
    const provider = args.choice('provider', diskProviders);
    const dryRun = args.flag('dry-run');
    const repository = await openRepository(args, context, dryRun);
    const places = requiredPlaces(await listDisks(repository, { signal }), args, provider);
    let [removed, kept, failed] = [0, 0, 0];
    for (const place of places) {
      const result = await withDisks(place.provider, place.region, args, context, (driver) =>
        sweepDisks(repository, driver, {
          dryRun,
          region: place.region,
          unclaimedDisks: args.flag('unclaimed-disks'),
          onEvent: new DiskProgress(output).onEvent,
          signal,
        }),
      );
      printSwept(dryRun ? 'would remove' : 'removed', result.removed, output);
      printSwept('kept', result.kept, output);
      printSwept('could not remove', result.failed, output);
      removed += result.removed.length;
      kept += result.kept.length;
      failed += result.failed.length;
    }
    output.info(`${removed} ${dryRun ? 'to be removed' : 'removed'}, ${kept} kept, ${failed} failed`);
    output.message({ message_type: 'summary', dry_run: dryRun, removed, kept, failed });
    return failed === 0 ? exitCode.done : exitCode.partial;
  },
});

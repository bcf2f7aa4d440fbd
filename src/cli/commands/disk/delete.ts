import { UsageError } from '../../../base/errors.ts';
import { deleteDisk } from '../../../snapshot/delete-disk.ts';
import { regionOf } from '../../../snapshot/disk-document.ts';
import type { DiskDocument } from '../../../snapshot/disk-document.ts';
import { findDiskDocument } from '../../../snapshot/disk-documents.ts';
import { defineCommand } from '../../command.ts';
import { repositoryOptions } from '../../common-options.ts';
import { diskCloudOptions } from '../../disk-options.ts';
import { withDisks } from '../../disk-settings.ts';
import { exitCode } from '../../exit-code.ts';
import { openRepository } from '../../open-repository.ts';
import { DiskProgress } from '../../reports/disk-report.ts';

export const command = defineCommand({
  name: 'disk delete',
  summary: 'remove disk snapshots, or disks that were restored',
  operands: [{ name: 'ID...', help: 'as `tranship disk list` shows them, in full' }],
  description: [
    'What a snapshot was shared with is taken back first. A disk that is attached is not removed.',
    'A restored disk goes with all that is on it.',
  ],
  options: {
    'dry-run': { kind: 'flag', short: 'n', help: 'say what would be removed, and remove nothing' },
    ...diskCloudOptions,
    ...repositoryOptions,
  },
  examples: [
    {
      command: 'tranship disk delete tranship-0123456789abcdef01234567',
      does: 'removes a snapshot from the cloud and from the repository',
    },
  ],
  run: async (args, context) => {
    const { output, signal } = context;
    if (args.operands.length === 0)
      throw new UsageError('nothing was named', { advice: 'see `tranship disk list`' });
    const dryRun = args.flag('dry-run');
    const repository = await openRepository(args, context, dryRun);
    const chosen: DiskDocument[] = [];
    for (const where of args.operands) {
      const document = await findDiskDocument(repository, where, { signal });
      const advice = 'write it whole, as `tranship disk list` does';
      if (document === undefined)
        throw new UsageError('the repository has nothing of this id', { where, advice });
      chosen.push(document);
    }
    const progress = new DiskProgress(output);
    for (const document of chosen) {
      if (!dryRun) {
        await withDisks(document.provider, regionOf(document), args, context, (driver) =>
          deleteDisk(repository, driver, document.id, {
            region: regionOf(document),
            onEvent: progress.onEvent,
            signal,
          }),
        );
      }
      output.info(
        `${dryRun ? 'would remove' : 'removed'} ${document.kind} ${document.id} (${document.volume})`,
      );
      output.message({ message_type: 'removed', dry_run: dryRun, id: document.id, kind: document.kind });
    }
    return exitCode.done;
  },
});

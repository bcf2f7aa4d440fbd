import type { DiskDriver } from '../../../providers/disks/driver.ts';
import { regionOf } from '../../../snapshot/disk-document.ts';
import type { ListedDisk } from '../../../snapshot/list-disks.ts';
import { listDisks } from '../../../snapshot/list-disks.ts';
import { defineCommand } from '../../command.ts';
import { repositoryOptions } from '../../common-options.ts';
import { placesOf } from '../../disk-places.ts';
import { diskCloudOptions } from '../../disk-options.ts';
import { withDisks } from '../../disk-settings.ts';
import { exitCode } from '../../exit-code.ts';
import { openRepository } from '../../open-repository.ts';
import { printDocuments } from '../../reports/disk-report.ts';
import type { UnreadableDocument } from '../../reports/disk-report.ts';

export const command = defineCommand({
  name: 'disk list',
  summary: 'list disk snapshots, and the disks that were restored',
  operands: [],
  options: {
    plan: { kind: 'value', placeholder: 'NAME', help: 'only those of this plan' },
    now: { kind: 'flag', help: 'ask the cloud what it has of each now' },
    ...diskCloudOptions,
    ...repositoryOptions,
  },
  examples: [
    { command: 'tranship disk list -r /srv/replica', does: 'shows what the repository names' },
    { command: 'tranship disk list --plan shop --now --json', does: 'asks the cloud too, for a program' },
  ],
  exitCodes: { 3: 'a document could not be read, and was named' },
  run: async (args, context) => {
    args.refuseOperands();
    const { signal, output } = context;
    const repository = await openRepository(args, context, true);
    const plan = args.value('plan');
    const unreadable: UnreadableDocument[] = [];
    const onUnreadable = (id: string, error: Error): void => void unreadable.push({ id, error });
    const known = await listDisks(repository, { plan, onUnreadable, signal });
    const code = unreadable.length === 0 ? exitCode.done : exitCode.partial;
    if (!args.flag('now')) {
      printDocuments(known, unreadable, output);
      return code;
    }
    const now = new Map<string, string>();
    for (const { provider, region } of placesOf(known, args)) {
      const look = (driver: DiskDriver): Promise<ListedDisk[]> =>
        listDisks(repository, { plan, driver, onUnreadable: () => undefined, signal });
      for (const listed of await withDisks(provider, region, args, context, look)) {
        const { document } = listed;
        const isThere = region === undefined || regionOf(document) === region;
        if (listed.now !== undefined && isThere) now.set(document.id, listed.now);
      }
    }
    printDocuments(
      known.map(({ document }) => ({ document, now: now.get(document.id) })),
      unreadable,
      output,
    );
    return code;
  },
});

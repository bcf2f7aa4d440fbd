import { UsageError } from '../../../base/errors.ts';
import type { DiskDriver } from '../../../providers/disks/driver.ts';
import type { Repository } from '../../../repository/repository.ts';
import { findDiskDocument } from '../../../snapshot/disk-documents.ts';
import type { DiskSnapshotDocument } from '../../../snapshot/disk-document.ts';
import { listDisks } from '../../../snapshot/list-disks.ts';
import type { Arguments } from '../../arguments.ts';
import { defineCommand } from '../../command.ts';
import type { CommandContext } from '../../command.ts';
import { repositoryOptions } from '../../common-options.ts';
import {
  diskClusterOptions,
  diskCloudOptions,
  diskMappingOptions,
  diskTargetOptions,
  diskTimeOptions,
} from '../../disk-options.ts';
import { withDisks } from '../../disk-settings.ts';
import { mappingOf } from '../../disk-volumes.ts';
import { parseDurationMs } from '../../duration.ts';
import { exitCode } from '../../exit-code.ts';
import { openRepository } from '../../open-repository.ts';
import { DiskProgress, documentJson } from '../../reports/disk-report.ts';

const options = {
  'dry-run': { kind: 'flag', short: 'n', help: 'say what would be made, and make nothing' },
  'disk-name': {
    kind: 'value',
    placeholder: 'NAME',
    default: 'its zones',
    help: 'tells several disks of one snapshot apart',
  },
  copy: { kind: 'flag', help: 'copy the snapshot into --region first, and remove the copy afterwards' },
  claim: {
    kind: 'value',
    placeholder: 'NAMESPACE/NAME',
    help: 'print a PersistentVolume and this claim for the disk, as YAML; with --class',
  },
  class: diskClusterOptions.class,
  ...diskTargetOptions,
  ...diskTimeOptions,
  ...diskMappingOptions,
  ...diskCloudOptions,
  ...repositoryOptions,
} as const;

export const command = defineCommand({
  name: 'disk restore',
  summary: 'make a disk of a snapshot',
  operands: [{ name: 'SNAPSHOT', help: 'its id, or the beginning of it, as `tranship disk list` shows it' }],
  description: [
    'The disk has type, size, IOPS, throughput, encryption key, zones and labels of the source unless they are',
    'mapped; it is waited for until it can be attached. A second run finds the disk of the first.',
  ],
  options,
  examples: [
    {
      command: 'tranship disk restore tranship-01234567 --zone us-east-1b',
      does: 'makes the disk in another zone',
    },
    {
      command: 'tranship disk restore tranship-01234567 --claim shop/data --class fast > data.yaml',
      does: 'writes what the target cluster must be told',
    },
  ],
  run: async (args, context) => {
    const { signal } = context;
    const claim = claimOf(args);
    const mapping = { ...mappingOf(args), region: args.value('region') };
    const repository = await openRepository(args, context, args.flag('dry-run'));
    const source = await findSource(repository, args.operands, signal);
    const region = mapping.region ?? source.disk.region;
    if (args.flag('dry-run')) {
      const { type, sizeBytes, zones } = source.disk;
      const what = {
        type,
        size: sizeBytes,
        zones,
        ...given({ ...mapping, size: mapping.sizeBytes }),
        region,
      };
      context.output.print(`would make a disk of ${source.id}: ${JSON.stringify(what)}`);
      context.output.message({ message_type: 'summary', dry_run: true, snapshot: source.id, ...what });
      return exitCode.done;
    }
    return withDisks(source.provider, region, args, context, (driver) => {
      const work = (copyFrom?: DiskDriver): Promise<number> =>
        make(args, context, { repository, source, driver, copyFrom, claim, mapping });
      if (!args.flag('copy')) return work();
      return withDisks(source.provider, source.disk.region, args, context, work);
    });
  },
});

type RestoreArguments = Arguments<typeof options>;

interface Restoring {
  readonly repository: Repository;
  readonly source: DiskSnapshotDocument;
  readonly driver: DiskDriver;
  readonly copyFrom: DiskDriver | undefined;
  readonly claim: { readonly namespace: string; readonly name: string } | undefined;
  readonly mapping: ReturnType<typeof mappingOf>;
}

async function make(
  args: RestoreArguments,
  { output, signal }: CommandContext,
  { repository, source, driver, copyFrom, claim, mapping }: Restoring,
): Promise<number> {
  const { restoreDisk } = await import('../../../snapshot/restore-disk.ts');
  const progress = new DiskProgress(output);
  const document = await restoreDisk(repository, driver, {
    snapshot: source.id,
    name: args.value('disk-name'),
    mapping,
    copyFrom,
    deadlineMs: parseDurationMs(args.value('timeout') ?? '1h'),
    keepUnfinished: args.flag('keep-unfinished'),
    takeOver: args.flag('take-over'),
    onEvent: progress.onEvent,
    signal,
  });
  output.clearProgress();
  const { disk } = document;
  if (claim === undefined || disk === undefined) {
    output.print(`${document.id} ${document.volume}: ${disk?.id ?? ''}`);
    output.message({ message_type: 'summary', ...documentJson(document) });
    return exitCode.done;
  }
  const { diskManifests } = await import('../../../snapshot/manifests.ts');
  const manifests = diskManifests(disk, { ...source.use, claim, storageClass: args.value('class') ?? '' });
  if (!output.json) output.piece(manifests);
  output.message({ message_type: 'summary', ...documentJson(document), manifests });
  return exitCode.done;
}

function claimOf(args: RestoreArguments): Restoring['claim'] {
  const text = args.value('claim');
  if (text === undefined) {
    if (args.value('class') !== undefined) args.refuseOptions(['class'], 'without --claim');
    return undefined;
  }
  const [namespace = '', name = '', ...more] = text.split('/');
  if (namespace === '' || name === '' || more.length > 0) {
    throw new UsageError('not a claim', { where: text, advice: 'write --claim NAMESPACE/NAME' });
  }
  if (args.value('class') === undefined) {
    throw new UsageError('no storage class was named', { advice: 'use --class NAME' });
  }
  return { namespace, name };
}

async function findSource(
  repository: Repository,
  operands: readonly string[],
  signal: AbortSignal,
): Promise<DiskSnapshotDocument> {
  const [prefix, ...more] = operands;
  if (prefix === undefined || prefix === '') throw new UsageError('no snapshot was named');
  if (more.length > 0) throw new UsageError('too many arguments', { where: more.join(' ') });
  // Whatever else stands there: a whole id is read as it is.
  const named = await findDiskDocument(repository, prefix, { signal });
  if (named?.kind === 'snapshot') return named;
  const unreadable: string[] = [];
  const onUnreadable = (id: string): void => void unreadable.push(id);
  const found = (await listDisks(repository, { onUnreadable, signal })).flatMap(({ document }) =>
    document.kind === 'snapshot' && document.id.startsWith(prefix) ? [document] : [],
  );
  const hidden = unreadable.find((id) => id.startsWith(prefix));
  if (hidden !== undefined) await findDiskDocument(repository, hidden, { signal });
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  throw new UsageError(only === undefined ? 'no disk snapshot of this id' : 'several disk snapshots', {
    where: prefix,
    advice: 'see `tranship disk list`',
  });
}

function given(mapping: object): object {
  return Object.fromEntries(
    Object.entries(mapping).filter(([name, value]) => value !== undefined && name !== 'sizeBytes'),
  );
}

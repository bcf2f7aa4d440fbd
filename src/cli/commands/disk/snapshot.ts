import { UsageError } from '../../../base/errors.ts';
import type { DiskDriver } from '../../../providers/disks/driver.ts';
import type { Repository } from '../../../repository/repository.ts';
import type { VolumeFacts } from '../../../snapshot/cluster-objects.ts';
import type { VolumeUse } from '../../../snapshot/disk-document.ts';
import { snapshotDocumentId } from '../../../snapshot/disk-documents.ts';
import { preflightRules } from '../../../snapshot/preflight.ts';
import type { PreflightViolation } from '../../../snapshot/preflight.ts';
import type { Arguments } from '../../arguments.ts';
import { defineCommand } from '../../command.ts';
import type { CommandContext } from '../../command.ts';
import { repositoryOptions } from '../../common-options.ts';
import {
  diskClusterOptions,
  diskCloudOptions,
  diskMappingOptions,
  diskTimeOptions,
} from '../../disk-options.ts';
import { withDisks } from '../../disk-settings.ts';
import { readDiskPlan, violationsOf } from '../../disk-volumes.ts';
import type { DiskPlan } from '../../disk-volumes.ts';
import { formatDuration, parseDurationMs } from '../../duration.ts';
import { exitCode } from '../../exit-code.ts';
import { openRepository } from '../../open-repository.ts';
import { DiskProgress, documentJson, printViolations, warnViolations } from '../../reports/disk-report.ts';

const options = {
  plan: { kind: 'value', placeholder: 'NAME', help: 'what the snapshots are for; required' },
  pass: {
    kind: 'value',
    placeholder: 'NAME',
    default: 'final',
    help: 'tells snapshots of one volume apart: the same plan, volume and pass are the same snapshot',
  },
  expire: {
    kind: 'value',
    placeholder: 'DURATION',
    default: '7d',
    help: 'how long until a sweep may remove them',
  },
  'dry-run': { kind: 'flag', short: 'n', help: 'check only, and make nothing' },
  allow: {
    kind: 'list',
    placeholder: 'RULE',
    help: 'only warn of a rule of the preflight, by its code; may be given again',
  },
  'full-copy': { kind: 'flag', help: 'Azure: full snapshots instead of incremental ones' },
  'storage-location': {
    kind: 'value',
    placeholder: 'REGION',
    help: 'Google Cloud: region or multi-region that keeps them',
  },
  'resource-group': {
    kind: 'value',
    placeholder: 'NAME',
    default: 'that of each disk',
    help: 'Azure: where the snapshots are made',
  },
  ...diskTimeOptions,
  ...diskClusterOptions,
  ...diskMappingOptions,
  ...diskCloudOptions,
  ...repositoryOptions,
} as const;

export const command = defineCommand({
  name: 'disk snapshot',
  summary: 'take snapshots of the disks of volumes',
  operands: [{ name: 'VOLUME...', help: 'a volume handle; with --source also a PV, or NAMESPACE/CLAIM' }],
  description: [
    'Checks as `tranship disk preflight` does and refuses what could not work; waits until the snapshots can be',
    'restored from; all or none of them. Disks of one machine are snapshotted at one moment where the cloud can.',
  ],
  options,
  examples: [
    {
      command: 'tranship disk snapshot vol-0123456789abcdef0 --region us-east-1 --plan shop --quiesced',
      does: 'takes a snapshot of a disk that nothing writes to',
    },
    {
      command: 'tranship disk snapshot shop/data shop/log --plan shop --source from.yaml --target to.yaml',
      does: 'takes those of two claims as close together as the cloud can',
    },
  ],
  exitCodes: { 3: 'something speaks against it, and was named; nothing was made' },
  run: async (args, context) => {
    if (args.value('plan') === undefined)
      throw new UsageError('no plan was named', { advice: 'use --plan NAME' });
    const plan = await readDiskPlan(args);
    const { provider, region, targetRegion } = plan;
    const repository = await openRepository(args, context, args.flag('dry-run'));
    if (provider === undefined) return refuse(args, context, plan, repository, undefined);
    return withDisks(provider, region, args, context, (driver) =>
      withDisks(provider, targetRegion, args, context, async (targetDriver) => {
        const refused = await refuse(args, context, plan, repository, { driver, targetDriver });
        if (refused !== exitCode.done || args.flag('dry-run')) return refused;
        return take(args, context, plan, repository, driver);
      }),
    );
  },
});

type SnapshotArguments = Arguments<typeof options>;

/** Done where nothing but warnings speaks against it, which are told. */
async function refuse(
  args: SnapshotArguments,
  { output, signal }: CommandContext,
  plan: DiskPlan,
  repository: Repository,
  drivers: { readonly driver: DiskDriver; readonly targetDriver: DiskDriver } | undefined,
): Promise<number> {
  const allowed = args.list('allow');
  const unknown = allowed.find((code) => !preflightRules.some((rule) => rule.code === code));
  if (unknown !== undefined) throw new UsageError('no rule of the preflight', { where: unknown });
  const [purpose, pass] = [args.value('plan') ?? '', args.value('pass') ?? 'final'];
  const found = await violationsOf(plan, repository, args, {
    pass: pass === 'stage' ? 'stage' : 'final',
    documentOf: (volume) => snapshotDocumentId(repository, { plan: purpose, volume, pass }),
    drivers,
    signal,
  });
  const violations = found.map((violation): PreflightViolation => {
    return allowed.includes(violation.code) ? { ...violation, severity: 'warning' } : violation;
  });
  const isRefused = violations.some(({ severity }) => severity === 'error');
  if (isRefused || args.flag('dry-run')) printViolations(violations, plan.volumes.length, output);
  else warnViolations(violations, output);
  return isRefused ? exitCode.partial : exitCode.done;
}

async function take(
  args: SnapshotArguments,
  { output, signal }: CommandContext,
  plan: DiskPlan,
  repository: Repository,
  driver: DiskDriver,
): Promise<number> {
  const { snapshotDisks } = await import('../../../snapshot/snapshot-disks.ts');
  const progress = new DiskProgress(output);
  const result = await snapshotDisks(repository, driver, {
    plan: args.value('plan') ?? '',
    pass: args.value('pass'),
    volumes: plan.volumes.flatMap(({ name, handle, facts }) =>
      handle === undefined ? [] : [{ volume: name, diskId: handle.diskId, use: facts && useOf(facts) }],
    ),
    expireAfterMs: parseDurationMs(args.value('expire') ?? '7d'),
    deadlineMs: parseDurationMs(args.value('timeout') ?? '1h'),
    shareWith: args.list('share-with'),
    incremental: !args.flag('full-copy'),
    storageLocation: args.value('storage-location'),
    resourceGroup: args.value('resource-group'),
    keepUnfinished: args.flag('keep-unfinished'),
    takeOver: args.flag('take-over'),
    onEvent: progress.onEvent,
    signal,
  });
  output.clearProgress();
  const nowMs = repository.clock.nowMs();
  for (const document of result.documents) {
    const { id, volume, snapshot } = document;
    const isEarlier = result.earlier.includes(id);
    const ageMs = Math.max(0, nowMs - (snapshot?.createdMs ?? nowMs));
    const age = isEarlier ? ` (of an earlier run, ${formatDuration(ageMs)} old)` : '';
    output.print(`${id} ${volume}: ${snapshot?.id ?? ''}${age}`);
    output.message({
      message_type: 'snapshot',
      ...documentJson(document),
      earlier: isEarlier,
      age_seconds: Math.floor(ageMs / 1000),
    });
  }
  if (result.earlier.length > 0) {
    output.warn('what was written since is not in an earlier snapshot: name another pass to take a new one');
  }
  const { spreadMs, grouped } = result;
  if (result.documents.length > 1) output.info(`taken within ${spreadMs} ms`);
  output.message({
    message_type: 'summary',
    snapshots: result.documents.length,
    spread_ms: spreadMs,
    grouped,
  });
  return exitCode.done;
}

function useOf({ accessModes, volumeMode, fsType }: VolumeFacts): VolumeUse {
  return { accessModes, volumeMode, ...(fsType === undefined ? {} : { fsType }) };
}

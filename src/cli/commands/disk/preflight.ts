import { defineCommand } from '../../command.ts';
import { repositoryOptions } from '../../common-options.ts';
import { diskClusterOptions, diskCloudOptions, diskMappingOptions } from '../../disk-options.ts';
import { withDisks } from '../../disk-settings.ts';
import { readDiskPlan, violationsOf } from '../../disk-volumes.ts';
import { exitCode } from '../../exit-code.ts';
import { openRepository } from '../../open-repository.ts';
import { printViolations } from '../../reports/disk-report.ts';

export const command = defineCommand({
  name: 'disk preflight',
  summary: 'say what speaks against moving volumes by snapshots of their disks',
  operands: [{ name: 'VOLUME...', help: 'a volume handle; with --source also a PV, or NAMESPACE/CLAIM' }],
  description: [
    'Asks the cloud, and changes nothing. What is not known is not judged: name both clusters’ objects.',
    'Of earlier snapshots of a disk it sees those of this repository.',
  ],
  options: {
    pass: {
      kind: 'value',
      placeholder: 'PASS',
      default: 'final',
      choices: ['stage', 'final'],
      help: 'stage or final: disk snapshots are taken in the final pass',
    },
    ...diskClusterOptions,
    ...diskMappingOptions,
    ...diskCloudOptions,
    ...repositoryOptions,
  },
  examples: [
    {
      command: 'tranship disk preflight shop/data --source from.yaml --target to.yaml --class fast',
      does: 'checks one volume against both clusters',
    },
    {
      command: 'tranship disk preflight vol-0123456789abcdef0 --region us-east-1 --quiesced --json',
      does: 'checks what the handle alone tells, for a program',
    },
  ],
  exitCodes: { 3: 'something speaks against it, and was named' },
  run: async (args, context) => {
    const { output, signal } = context;
    const pass = args.choice('pass', ['stage', 'final']) ?? 'final';
    const plan = await readDiskPlan(args);
    const repository = await openRepository(args, context, true);
    const { provider, region, targetRegion, volumes } = plan;
    const violations =
      provider === undefined
        ? await violationsOf(plan, repository, args, { pass, drivers: undefined, signal })
        : await withDisks(provider, region, args, context, (driver) =>
            withDisks(provider, targetRegion, args, context, (targetDriver) =>
              violationsOf(plan, repository, args, { pass, drivers: { driver, targetDriver }, signal }),
            ),
          );
    printViolations(violations, volumes.length, output);
    return violations.length === 0 ? exitCode.done : exitCode.partial;
  },
});

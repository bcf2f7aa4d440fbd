import { UsageError } from '../base/errors.ts';
import type { SnapshotFilter } from '../repository/snapshots.ts';
import type { Arguments } from './arguments.ts';
import type { filterOptions } from './common-options.ts';
import { tagAlternatives } from './tags.ts';

/** What `--host`, `--tag` and `--path` ask for. */
export function snapshotFilter(args: Arguments<typeof filterOptions>): SnapshotFilter {
  return { hosts: args.list('host'), tags: tagAlternatives(args.list('tag')), paths: args.list('path') };
}

/** The one operand of a command that takes a snapshot. */
export function snapshotOperand(operands: readonly string[]): string {
  const [snapshot, ...more] = operands;
  if (snapshot === undefined) throw new UsageError('no snapshot was given: an id, or latest');
  if (more.length > 0) throw new UsageError('too many arguments', { where: more.join(' ') });
  return snapshot;
}

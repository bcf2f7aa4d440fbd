import { describeError } from '../base/errors.ts';
import type { SnapshotList } from '../repository/snapshots.ts';
import { exitCode } from './exit-code.ts';
import type { Output } from './output.ts';

/** Names the snapshot files that could not be read; returns the exit code of a command that did all else. */
export function reportDamaged(damaged: SnapshotList['damaged'], during: string, output: Output): number {
  for (const { id, error } of damaged) {
    const message = describeError(error);
    const item = `snapshots/${id}`;
    output.itemError(message, { message_type: 'error', error: { message }, during, item });
  }
  return damaged.length === 0 ? exitCode.done : exitCode.partial;
}

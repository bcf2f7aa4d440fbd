import { describeError } from '../base/errors.ts';
import type { RepositoryError } from '../base/errors.ts';
import { exitCode } from './exit-code.ts';
import type { Output } from './output.ts';

/** Names the files of a folder that could not be read; returns the exit code of a command that did all else. */
export function reportDamaged(
  folder: 'keys' | 'snapshots',
  damaged: readonly { readonly id: string; readonly error: RepositoryError }[],
  during: string,
  output: Output,
): number {
  for (const { id, error } of damaged) {
    const message = describeError(error);
    const item = `${folder}/${id}`;
    output.itemError(message, { message_type: 'error', error: { message }, during, item });
  }
  return damaged.length === 0 ? exitCode.done : exitCode.partial;
}

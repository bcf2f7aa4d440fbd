import { describeError } from '../../base/errors.ts';
import { printableName } from '../../base/byte-name.ts';
import type { RestoreResult } from '../../copy/restore.ts';
import { newRestoreCounts } from '../../copy/restore/restore-events.ts';
import type { RestoreCounts, RestoreEvent } from '../../copy/restore/restore-events.ts';
import { formatBytes, formatRate } from '../byte-size.ts';
import { formatDuration } from '../duration.ts';
import type { Output } from '../output.ts';
import { safeText } from '../safe-text.ts';
import { jsonPath } from './json-path.ts';
import { fractionDone, nonZero, progressText } from './progress.ts';
import type { Progress } from './progress.ts';

type ItemEvent = Extract<RestoreEvent, { type: 'item' }>;

/** Tells of a restore, as text or as restic's messages. */
export class RestoreReport {
  readonly #output: Output;
  readonly #startedMs = performance.now();
  #counts: Readonly<RestoreCounts> = newRestoreCounts();

  constructor(output: Output) {
    this.#output = output;
  }

  onEvent(event: RestoreEvent): void {
    switch (event.type) {
      case 'status':
        this.#counts = event.counts;
        return;
      case 'item':
        return this.#item(event);
      case 'error':
        return this.#error(event.path, event.error);
      case 'warning':
        return this.#output.warn(`${printableName(event.path)}: ${event.message}`);
    }
  }

  /** Shows how far the restore is. */
  draw(): void {
    const progress = this.#progress();
    if (!this.#output.json) return this.#output.showProgress(progressText(progress));
    const seconds = Math.floor(progress.elapsedMs / 1000);
    this.#output.message({
      message_type: 'status',
      ...nonZero('seconds_elapsed', seconds),
      percent_done: fractionDone(progress),
      ...countMembers(this.#counts),
    });
  }

  finish(result: RestoreResult, target: string, dryRun: boolean): void {
    const elapsedMs = performance.now() - this.#startedMs;
    this.#output.clearProgress();
    this.#output.message({
      message_type: 'summary',
      ...(dryRun ? { dry_run: true } : {}),
      ...nonZero('seconds_elapsed', Math.floor(elapsedMs / 1000)),
      ...countMembers(result.counts),
      ...nonZero('error_count', result.counts.errors),
      ...nonZero('warning_count', result.warnings),
      snapshot_id: result.snapshotId,
    });
    for (const line of summaryLines(result, target, dryRun, elapsedMs)) this.#output.info(line);
  }

  #progress(): Progress {
    const counts = this.#counts;
    return {
      elapsedMs: performance.now() - this.#startedMs,
      files: counts.filesRestored + counts.filesSkipped,
      bytes: counts.bytesRestored + counts.bytesSkipped,
      errors: counts.errors,
      totalFiles: counts.filesTotal === 0 ? undefined : counts.filesTotal,
      totalBytes: counts.filesTotal === 0 ? undefined : counts.bytesTotal,
    };
  }

  #item({ action, path, sizeBytes }: ItemEvent): void {
    const output = this.#output;
    if (output.json ? output.verbosity < 2 : output.verbosity < (action === 'unchanged' ? 2 : 1)) return;
    output.info(`${action.padEnd(9)} ${printableName(path)} (${formatBytes(sizeBytes)})`);
    output.message({ message_type: 'verbose_status', action, ...jsonPath('item', path), size: sizeBytes });
  }

  #error(path: Uint8Array, error: unknown): void {
    const message = describeError(error);
    this.#output.itemError(`${printableName(path)}: ${message}`, {
      message_type: 'error',
      error: { message },
      during: 'restore',
      ...jsonPath('item', path),
    });
  }
}

function countMembers(counts: Readonly<RestoreCounts>): object {
  return {
    ...nonZero('total_files', counts.filesTotal),
    ...nonZero('files_restored', counts.filesRestored),
    ...nonZero('files_skipped', counts.filesSkipped),
    ...nonZero('files_deleted', counts.deleted),
    ...nonZero('total_bytes', counts.bytesTotal),
    ...nonZero('bytes_restored', counts.bytesRestored),
    ...nonZero('bytes_skipped', counts.bytesSkipped),
  };
}

function summaryLines(result: RestoreResult, target: string, dryRun: boolean, elapsedMs: number): string[] {
  const { counts } = result;
  const bytes = counts.bytesRestored;
  const others = counts.directories + counts.othersRestored;
  return [
    `${dryRun ? 'would restore' : 'restored'} snapshot ${result.snapshotId.slice(0, 8)} to ${safeText(target)}`,
    `Files:   ${counts.filesRestored} restored, ${counts.filesSkipped} as they should be already`,
    `Others:  ${others} folders, links and devices`,
    ...(counts.deleted === 0 ? [] : [`Deleted: ${counts.deleted}`]),
    `${formatBytes(bytes)} in ${formatDuration(elapsedMs)}, ${formatRate(bytes, elapsedMs)}`,
    ...(result.warnings === 0 ? [] : [`${result.warnings} items do not have all of their metadata`]),
  ];
}

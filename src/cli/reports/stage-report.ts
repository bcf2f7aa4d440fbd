import { describeError } from '../../base/errors.ts';
import { printableName } from '../../base/byte-name.ts';
import type { ScanTotals } from '../../copy/source/scan.ts';
import type { StageResult } from '../../copy/stage.ts';
import type { StageCounts, StageEvent } from '../../copy/stage/stage-events.ts';
import { formatTimestamp } from '../../repository/format/timestamp.ts';
import { formatBytes, formatDedup, formatRatio, formatRate } from '../byte-size.ts';
import { formatDuration } from '../duration.ts';
import type { Output } from '../output.ts';
import { jsonPath } from './json-path.ts';
import { progressText, statusMessage } from './progress.ts';
import type { Progress } from './progress.ts';

const slash = Buffer.from('/');
type ItemEvent = Extract<StageEvent, { type: 'item' }>;
const resticActions = { new: 'new', changed: 'modified', unchanged: 'unchanged' } as const;

/** Tells of a stage pass, as text or as restic's messages. */
export class StageReport {
  readonly #output: Output;
  readonly #startedMs = performance.now();
  #counts: Readonly<StageCounts> | undefined;
  #current: Uint8Array | undefined;
  #totals: ScanTotals | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  onEvent(event: StageEvent): void {
    switch (event.type) {
      case 'status':
        this.#counts = event.counts;
        this.#current = event.current.at(-1);
        return;
      case 'item':
        return this.#item(event);
      case 'excluded':
        return this.#excluded(event.path);
      case 'error':
        return this.#error(event.path, event.error);
      case 'warning':
        return this.#output.warn(`${printableName(event.path)}: ${event.message}`);
    }
  }

  scanned(totals: ScanTotals): void {
    this.#totals = totals;
    if (this.#output.verbosity < 2) return;
    const duration = (performance.now() - this.#startedMs) / 1000;
    this.#output.message({
      message_type: 'verbose_status',
      action: 'scan_finished',
      item: '',
      duration,
      data_size: totals.bytes,
      data_size_in_repo: 0,
      metadata_size: 0,
      metadata_size_in_repo: 0,
      total_files: totals.files,
    });
  }

  /** Shows how far the pass is. */
  draw(): void {
    const progress = this.#progress();
    if (this.#output.json) this.#output.message(statusMessage(progress));
    else this.#output.showProgress(progressText(progress));
  }

  finish(result: StageResult, dryRun: boolean): void {
    this.#output.clearProgress();
    if (this.#output.json) this.#output.message(summaryMessage(result, dryRun));
    else for (const line of summaryLines(result, dryRun)) this.#output.info(line);
  }

  #progress(): Progress {
    const counts = this.#counts;
    const files = counts === undefined ? 0 : filesOf(counts);
    const added = counts?.dataAdded ?? 0;
    const bytes = counts?.bytesProcessed ?? 0;
    return {
      elapsedMs: performance.now() - this.#startedMs,
      files,
      bytes,
      errors: counts?.errors ?? 0,
      totalFiles: this.#totals?.files,
      totalBytes: this.#totals?.bytes,
      detail: added === 0 ? undefined : `dedup ${formatDedup(bytes, added)}`,
      current: this.#current === undefined ? undefined : printableName(this.#current),
    };
  }

  #item(event: ItemEvent): void {
    const { action, isDirectory, sizeBytes, addedBytes } = event;
    const output = this.#output;
    const level = action === 'unchanged' || isDirectory ? 2 : 1;
    if (output.json ? output.verbosity < 2 : output.verbosity < level) return;
    // Only now: it is made when it is asked for.
    const { path } = event;
    const item = isDirectory ? Buffer.concat([path, slash]) : path;
    const text = `${resticActions[action].padEnd(9)} ${printableName(item)}`;
    output.info(action === 'unchanged' || isDirectory ? text : `${text} (${formatBytes(addedBytes)} added)`);
    output.message({
      message_type: 'verbose_status',
      action: resticActions[action],
      ...jsonPath('item', item),
      duration: 0,
      data_size: action === 'unchanged' ? 0 : sizeBytes,
      data_size_in_repo: addedBytes,
      metadata_size: 0,
      metadata_size_in_repo: 0,
      total_files: 0,
    });
  }

  #excluded(path: Uint8Array): void {
    if (this.#output.verbosity < 2) return;
    this.#output.info(`excluded  ${printableName(path)}`);
    this.#output.message({ message_type: 'excluded_item', ...jsonPath('item', path) });
  }

  #error(path: Uint8Array, error: unknown): void {
    const message = describeError(error);
    this.#output.itemError(`${printableName(path)}: ${message}`, {
      message_type: 'error',
      error: { message },
      during: 'archival',
      ...jsonPath('item', path),
    });
  }
}

function filesOf(counts: Readonly<StageCounts>): number {
  return counts.filesNew + counts.filesChanged + counts.filesUnmodified;
}

function summaryMessage(result: StageResult, dryRun: boolean): object {
  const { counts, startedMs, endedMs } = result;
  return {
    message_type: 'summary',
    ...(dryRun ? { dry_run: true } : {}),
    files_new: counts.filesNew,
    files_changed: counts.filesChanged,
    files_unmodified: counts.filesUnmodified,
    dirs_new: counts.dirsNew,
    dirs_changed: counts.dirsChanged,
    dirs_unmodified: counts.dirsUnmodified,
    data_blobs: counts.dataBlobs,
    tree_blobs: counts.treeBlobs,
    data_added: counts.dataAdded,
    data_added_packed: counts.dataAddedPacked,
    total_files_processed: filesOf(counts),
    total_bytes_processed: counts.bytesProcessed,
    total_duration: (endedMs - startedMs) / 1000,
    backup_start: formatTimestamp(BigInt(startedMs) * 1_000_000n),
    backup_end: formatTimestamp(BigInt(endedMs) * 1_000_000n),
    ...(result.snapshotId === undefined ? {} : { snapshot_id: result.snapshotId }),
    ...(counts.errors === 0 ? {} : { error_count: counts.errors }),
  };
}

function summaryLines(result: StageResult, dryRun: boolean): string[] {
  const { counts, startedMs, endedMs, parentId } = result;
  const { bytesProcessed: bytes, dataAdded: added, dataAddedPacked: stored } = counts;
  const elapsedMs = endedMs - startedMs;
  const count = (value: number): string => String(value).padStart(5);
  const row = (name: string, fresh: number, changed: number, unmodified: number): string =>
    `${name}${count(fresh)} new, ${count(changed)} changed, ${count(unmodified)} unmodified`;
  return [
    ...(parentId === undefined ? [] : [`parent snapshot ${parentId.slice(0, 8)}`]),
    row('Files:       ', counts.filesNew, counts.filesChanged, counts.filesUnmodified),
    row('Dirs:        ', counts.dirsNew, counts.dirsChanged, counts.dirsUnmodified),
    `${dryRun ? 'Would add' : 'Added'} to the repository: ${formatBytes(added)} (${formatBytes(stored)} stored)`,
    `dedup ${formatDedup(bytes, added)}, compression ${formatRatio(added, stored)}, ${formatRate(bytes, elapsedMs)}`,
    '',
    `processed ${filesOf(counts)} files, ${formatBytes(bytes)} in ${formatDuration(elapsedMs)}`,
    ...(result.snapshotId === undefined
      ? [dryRun ? 'dry run: nothing was written' : 'nothing changed: no snapshot was written']
      : [`snapshot ${result.snapshotId.slice(0, 8)} saved`]),
  ];
}

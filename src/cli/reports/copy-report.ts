import { describeError } from '../../base/errors.ts';
import type { CopyResult } from '../../copy/copy-snapshots.ts';
import type { CopyCounts, CopyEvent } from '../../copy/copy-snapshots/copy-events.ts';
import type { StoredSnapshot } from '../../repository/snapshots.ts';
import { formatBytes, formatRate } from '../byte-size.ts';
import { formatDuration } from '../duration.ts';
import type { Output } from '../output.ts';
import { safeText } from '../safe-text.ts';
import { nonZero } from './progress.ts';

/** What a copy prints while it runs and at its end. */
export class CopyReport {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  onEvent(event: CopyEvent): void {
    const output = this.#output;
    switch (event.type) {
      case 'status':
        this.#status(event.counts, event.elapsedMs);
        return;
      case 'copied':
        output.info(copiedText(event.snapshot, event.targetId));
        output.message({
          message_type: 'copied',
          source_snapshot_id: event.snapshot.id,
          ...(event.targetId === undefined ? {} : { snapshot_id: event.targetId }),
        });
        return;
      case 'skipped':
        if (output.verbosity > 0) {
          const copy = event.targetId.slice(0, 8);
          output.info(`${nameOf(event.snapshot)} was copied before, to ${copy}`);
        }
        output.message({
          message_type: 'skipped',
          source_snapshot_id: event.snapshot.id,
          snapshot_id: event.targetId,
        });
        return;
      case 'failed':
        this.#failed(event.snapshot, event.error);
        return;
      case 'warning':
        output.warn(event.message);
    }
  }

  finish({ copied, skipped, failed, counts }: CopyResult, dryRun: boolean): void {
    const { dataBlobs, treeBlobs, bytesFound, bytesAdded } = counts;
    const verb = dryRun ? 'would copy' : 'copied';
    const amount = dryRun
      ? `${formatBytes(bytesFound)} of data`
      : `${formatBytes(bytesFound)} of data, ${formatBytes(bytesAdded)} added`;
    this.#output.print(
      `${verb} ${copied.length} snapshots (${dataBlobs + treeBlobs} blobs, ${amount}); ` +
        `${skipped.length} were copied before${failed.length === 0 ? '' : `; ${failed.length} failed`}`,
    );
    this.#output.message({
      message_type: 'summary',
      copied_snapshots: copied.length,
      skipped_snapshots: skipped.length,
      failed_snapshots: failed.length,
      data_blobs: dataBlobs,
      tree_blobs: treeBlobs,
      bytes_found: bytesFound,
      data_added_packed: bytesAdded,
      ...(dryRun ? { dry_run: true } : {}),
    });
  }

  #status(counts: Readonly<CopyCounts>, elapsedMs: number): void {
    if (!this.#output.showsStatus) return;
    const { snapshots, snapshotsDone, bytesFound, bytesCopied } = counts;
    const parts = [
      `[${formatDuration(elapsedMs)}]`,
      `${snapshotsDone} / ${snapshots} snapshots`,
      `${formatBytes(bytesCopied)} / ${formatBytes(bytesFound)} found`,
      formatRate(bytesCopied, elapsedMs),
    ];
    this.#output.showProgress(parts.join('  '));
    this.#output.message({
      message_type: 'status',
      ...nonZero('seconds_elapsed', Math.floor(elapsedMs / 1000)),
      total_snapshots: snapshots,
      ...nonZero('snapshots_done', snapshotsDone),
      ...nonZero('bytes_found', bytesFound),
      ...nonZero('bytes_done', bytesCopied),
    });
  }

  #failed(snapshot: StoredSnapshot, error: Error): void {
    const message = describeError(error);
    const item = `snapshots/${snapshot.id}`;
    this.#output.itemError(`${nameOf(snapshot)} was not copied: ${message}`, {
      message_type: 'error',
      error: { message },
      during: 'copy',
      item,
    });
  }
}

function nameOf({ id, hostname = '', paths }: StoredSnapshot): string {
  return `snapshot ${id.slice(0, 8)} of ${paths.map(safeText).join(', ')} at ${safeText(hostname)}`;
}

function copiedText(snapshot: StoredSnapshot, targetId: string | undefined): string {
  return targetId === undefined
    ? `${nameOf(snapshot)} would be copied`
    : `${nameOf(snapshot)} is now ${targetId.slice(0, 8)}`;
}

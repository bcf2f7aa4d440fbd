import { printableName } from '../../base/byte-name.ts';
import type { VerifyResult } from '../../copy/verify.ts';
import type { Difference, VerifyCounts, VerifyEvent } from '../../copy/verify/verify-events.ts';
import { formatBytes, formatRate } from '../byte-size.ts';
import { formatDuration } from '../duration.ts';
import type { Output } from '../output.ts';
import { safeText } from '../safe-text.ts';
import { jsonPath } from './json-path.ts';
import { nonZero, progressText } from './progress.ts';

/** Tells how a target compares with a snapshot. restic has no such command: the messages are ours, in its manner. */
export class VerifyReport {
  readonly #output: Output;
  readonly #startedMs = performance.now();
  #counts: Readonly<VerifyCounts> | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  onEvent(event: VerifyEvent): void {
    if (event.type === 'status') this.#counts = event.counts;
    else this.#difference(event.difference);
  }

  draw(): void {
    const { files = 0, bytesCompared: bytes = 0, differences: errors = 0 } = this.#counts ?? {};
    const elapsedMs = performance.now() - this.#startedMs;
    const detail = errors === 0 ? undefined : `${errors} differences`;
    this.#output.showProgress(progressText({ elapsedMs, files, bytes, errors: 0, detail }));
    this.#output.message({
      message_type: 'status',
      ...nonZero('seconds_elapsed', Math.floor(elapsedMs / 1000)),
      ...nonZero('files_done', files),
      ...nonZero('bytes_done', bytes),
      ...nonZero('differences', errors),
    });
  }

  finish({ snapshotId, counts, isEqual }: VerifyResult): void {
    const elapsedMs = performance.now() - this.#startedMs;
    this.#output.clearProgress();
    this.#output.message({
      message_type: 'summary',
      ...nonZero('seconds_elapsed', Math.floor(elapsedMs / 1000)),
      files: counts.files,
      directories: counts.directories,
      others: counts.others,
      bytes_compared: counts.bytesCompared,
      differences: counts.differences,
      equal: isEqual,
      snapshot_id: snapshotId,
    });
    this.#output.info(
      `compared ${counts.files} files, ${counts.directories} folders and ${counts.others} others with snapshot ` +
        `${snapshotId.slice(0, 8)}: ${formatBytes(counts.bytesCompared)} in ${formatDuration(elapsedMs)}, ` +
        formatRate(counts.bytesCompared, elapsedMs),
    );
    this.#output.info(isEqual ? 'the target is equal to the snapshot' : `${counts.differences} differences`);
  }

  #difference({ path, kind, expected, found }: Difference): void {
    this.#output.print(
      `${printableName(path)}: ${kind}: expected ${safeText(expected) || '-'}, found ${safeText(found) || '-'}`,
    );
    this.#output.message({ message_type: 'difference', ...jsonPath('item', path), kind, expected, found });
  }
}

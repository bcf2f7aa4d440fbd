import { printableName } from '../../base/byte-name.ts';
import { describeError } from '../../base/errors.ts';
import type { DiffEvent, DiffStatistics, DiffTotals } from '../../repository/snapshot-diff.ts';
import { formatBytes } from '../byte-size.ts';
import { exitCode } from '../exit-code.ts';
import type { Output } from '../output.ts';
import { jsonPath } from './json-path.ts';

/** How a line's mark is set off from its path. */
const markColumns = 5;

/** Tells what differs between two snapshots, as restic's diff does. */
export class DiffReport {
  readonly #output: Output;
  readonly #names: { readonly before: string; readonly after: string };
  #isPartial = false;

  /** The snapshots as they were asked for. */
  constructor(output: Output, names: { readonly before: string; readonly after: string }) {
    this.#output = output;
    this.#names = names;
  }

  get exitCode(): number {
    return this.#isPartial ? exitCode.partial : exitCode.done;
  }

  onEvent(event: DiffEvent): void {
    switch (event.type) {
      case 'start':
        this.#output.info(`comparing snapshot ${event.before.slice(0, 8)} to ${event.after.slice(0, 8)}:\n`);
        break;
      case 'change':
        this.#change(event.mark, event.path);
        break;
      case 'error':
        this.#error(event.path, event.error);
        break;
      case 'statistics':
        this.#statistics(event);
        break;
    }
  }

  #change(mark: string, path: Buffer): void {
    if (this.#output.quiet) return;
    this.#output.print(`${mark.padEnd(markColumns)}${printableName(path)}`);
    this.#output.message({ message_type: 'change', ...jsonPath('path', path), modifier: mark });
  }

  #error(path: Buffer | undefined, error: Error): void {
    this.#isPartial = true;
    const reason = describeError(error);
    const message = path === undefined ? reason : `${printableName(path)}: ${reason}`;
    const item = path === undefined ? {} : jsonPath('item', path);
    this.#output.itemError(message, {
      message_type: 'error',
      error: { message: reason },
      during: 'diff',
      ...item,
    });
  }

  #statistics({ added, removed, changedFiles }: DiffStatistics): void {
    const output = this.#output;
    const line = (title: string, key: keyof DiffTotals, more = ''): void => {
      const counts = `${column(added[key])} new, ${column(removed[key])} removed`;
      output.print(`${title.padEnd(12)} ${counts}${more}`);
    };
    output.print('');
    line('Files:', 'files', `, ${column(changedFiles)} changed`);
    line('Dirs:', 'directories');
    line('Others:', 'others');
    line('Data Blobs:', 'dataBlobs');
    line('Tree Blobs:', 'treeBlobs');
    output.print(`  Added:   ${formatBytes(added.bytes).padEnd(5)}`);
    output.print(`  Removed: ${formatBytes(removed.bytes).padEnd(5)}`);
    output.message({
      message_type: 'statistics',
      source_snapshot: this.#names.before,
      target_snapshot: this.#names.after,
      changed_files: changedFiles,
      added: totalsJson(added),
      removed: totalsJson(removed),
    });
  }
}

function column(count: number): string {
  return String(count).padStart(5);
}

function totalsJson(totals: DiffTotals): object {
  return {
    files: totals.files,
    dirs: totals.directories,
    others: totals.others,
    data_blobs: totals.dataBlobs,
    tree_blobs: totals.treeBlobs,
    bytes: totals.bytes,
  };
}

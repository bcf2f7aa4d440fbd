import { FileSystemError, RepositoryError } from '../../base/errors.ts';
import type { RestoreCounts, RestoreEvent } from './restore-events.ts';
import { plannedPath } from './restore-plan.ts';
import type { RestorePlan } from './restore-plan.ts';

/** Keeps the failures of single entries apart from those that end the run, and tells of both by name. */
export class RestoreReport {
  readonly counts: RestoreCounts;
  readonly #plan: RestorePlan;
  readonly #onEvent: (event: RestoreEvent) => void;

  constructor(plan: RestorePlan, counts: RestoreCounts, onEvent: (event: RestoreEvent) => void) {
    this.#plan = plan;
    this.counts = counts;
    this.#onEvent = onEvent;
  }

  /** Runs one step of one entry; true when it succeeded. Its failure is that entry's, unless the target is full. */
  guard(directory: number, name: Buffer, step: () => void): boolean {
    try {
      step();
      return true;
    } catch (error) {
      this.failed(directory, name, error);
      return false;
    }
  }

  /** Throws what no entry is to blame for. */
  failed(directory: number, name: Buffer, error: unknown): void {
    if (!(error instanceof FileSystemError || error instanceof RepositoryError)) throw error;
    if (error.code === 'no-space') throw error;
    this.counts.errors++;
    this.#onEvent({ type: 'error', path: plannedPath(this.#plan, directory, name), error });
  }

  warn(directory: number, name: Buffer, faults: readonly string[]): void {
    if (faults.length === 0) return;
    const path = plannedPath(this.#plan, directory, name);
    this.#onEvent({ type: 'warning', path, message: faults.join('; ') });
  }

  item(
    action: Extract<RestoreEvent, { type: 'item' }>['action'],
    directory: number,
    name: Buffer,
    sizeBytes: number,
  ): void {
    this.#onEvent({ type: 'item', action, path: plannedPath(this.#plan, directory, name), sizeBytes });
  }
}

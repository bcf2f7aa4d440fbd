import { lstat, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { throwIfAborted } from '../../../base/errors.ts';
import { systemClock } from '../../../base/system-clock.ts';
import type { AbortableOptions } from '../driver.ts';
import { localError, systemCodeOf } from './local-error.ts';
import { isTemporaryName } from './temporary-name.ts';

const DEFAULT_AGE_MS = 24 * 60 * 60_000;

export interface SweepOptions extends AbortableOptions {
  /** Files changed since are left alone: their writer may be at work. Default 24 hours. */
  readonly olderThanMs?: number | undefined;
  /** Default: the system's clock, which the file server's must agree with. */
  readonly clock?: Clock | undefined;
}

/**
 * Removes the temporary files that killed writers left below the root; returns how many. Links are not followed.
 * For commands that delete anyway (prune, unlock with removal) while they hold the repository's exclusive lock.
 */
export async function sweepTemporaryFiles(root: string, options: SweepOptions = {}): Promise<number> {
  const { olderThanMs = DEFAULT_AGE_MS, clock = systemClock, signal } = options;
  const changedBeforeMs = clock.nowMs() - olderThanMs;
  const folders = [root];
  let removed = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    throwIfAborted(signal);
    for (const entry of await entriesOf(folder)) {
      throwIfAborted(signal);
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile() && isTemporaryName(entry.name) && (await removeOlder(path, changedBeforeMs))) {
        removed += 1;
      }
    }
  }
  return removed;
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw localError(error, 'sweep', folder);
  }
}

async function removeOlder(path: string, changedBeforeMs: number): Promise<boolean> {
  try {
    if ((await lstat(path)).mtimeMs >= changedBeforeMs) return false;
    await unlink(path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw localError(error, 'sweep', path);
  }
}

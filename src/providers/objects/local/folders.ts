import { constants } from 'node:fs';
import { open, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolders } from '../../../base/make-folders.ts';
import { systemCodeOf } from './local-error.ts';

const FOLDER_MODE = 0o700;
/** Answers of file systems that have no fsync for folders; they promise nothing that could be waited for. */
const NO_FOLDER_SYNC: ReadonlySet<string | undefined> = new Set([
  'EINVAL',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
]);
/** Makes folders and makes their entries durable, sharing the work of calls that come together. */
export class Folders {
  /** Those that were made here, deeper ones later. */
  readonly #made = new Set<string>();
  readonly #making = new Map<string, Promise<void>>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, Promise<void>>();

  /** Makes the folder and what is missing above it; resolves when all of it is durable. */
  make(folder: string): Promise<void> {
    const current = this.#making.get(folder);
    if (current !== undefined) return current;
    const making = this.#makeDurably(folder).finally(() => this.#making.delete(folder));
    this.#making.set(folder, making);
    return making;
  }

  /**
   * Makes the folder's entries durable, also the folder itself if this process is still making it. One fsync serves
   * every call that came before it began.
   */
  async sync(folder: string): Promise<void> {
    await Promise.all([this.#syncEntries(folder), this.#settleMaking()]);
  }

  /** Removes those that were made here; what is not empty any more, or is no longer there, is passed over. */
  async removeEmpty(): Promise<void> {
    const made = [...this.#made].toReversed();
    this.#made.clear();
    for (const folder of made) await rmdir(folder).catch(() => undefined);
  }

  /** A folder found in place may be one that another call has made a moment ago and not yet made durable. */
  async #settleMaking(): Promise<void> {
    if (this.#making.size > 0) await Promise.allSettled(this.#making.values());
  }

  #syncEntries(folder: string): Promise<void> {
    const waiting = this.#waiting.get(folder);
    if (waiting !== undefined) return waiting;
    const running = this.#running.get(folder);
    if (running === undefined) return this.#beginSync(folder);
    // The running fsync may have begun before the caller's change.
    const next = running
      .catch(() => {})
      .then(() => {
        this.#waiting.delete(folder);
        return this.#beginSync(folder);
      });
    this.#waiting.set(folder, next);
    return next;
  }

  #beginSync(folder: string): Promise<void> {
    const run: Promise<void> = syncFolder(folder).finally(() => {
      if (this.#running.get(folder) === run) this.#running.delete(folder);
    });
    this.#running.set(folder, run);
    return run;
  }

  async #makeDurably(folder: string): Promise<void> {
    const topmost = await makeFolders(folder, FOLDER_MODE);
    if (topmost === undefined) return;
    const above = dirname(topmost);
    const made: string[] = [];
    for (let each = folder; each !== above; each = dirname(each)) made.push(each);
    for (const each of made.toReversed()) this.#made.add(each);
    for (const each of made) await this.#syncEntries(dirname(each));
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    if (!NO_FOLDER_SYNC.has(systemCodeOf(error))) throw error;
  } finally {
    await handle.close();
  }
}

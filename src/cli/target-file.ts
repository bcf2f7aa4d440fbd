import { open, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { TranshipError, UsageError } from '../base/errors.ts';
import { systemError } from '../base/system-error.ts';

/** What comes out of a repository is for its owner: others get no access by default. */
const newFileMode = 0o600;

/** Writes all to a file that an option names. What is there is replaced; a failure leaves no new file. */
export async function writeTarget(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const { handle, isNew } = await openTarget(path);
  try {
    for await (const bytes of source) await guarded(path, () => handle.writeFile(bytes));
    await guarded(path, () => handle.close());
  } catch (error) {
    await handle.close().catch(() => {});
    if (isNew) await unlink(path).catch(() => {});
    throw error;
  }
}

async function openTarget(path: string): Promise<{ handle: FileHandle; isNew: boolean }> {
  try {
    return { handle: await open(path, 'wx', newFileMode), isNew: true };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
      throw asSystemError(error, path);
  }
  const status = await stat(path).catch(() => undefined);
  if (status?.isFIFO() === true) {
    // Opening one waits for a reader, and nothing ends that wait.
    throw new UsageError('a FIFO is no target', { where: path, advice: 'redirect standard output to it' });
  }
  return guarded(path, async () => ({ handle: await open(path, 'w', newFileMode), isNew: false }));
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asSystemError(error, path);
  }
}

function asSystemError(error: unknown, path: string): unknown {
  if (error instanceof TranshipError) return error;
  const errno = error instanceof Error && 'errno' in error ? error.errno : undefined;
  return typeof errno === 'number' ? systemError(-errno, 'write the file', path) : error;
}

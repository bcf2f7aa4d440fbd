import { link, lstat, open, rename, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { StoreError } from '../../../base/errors.ts';
import { systemCodeOf } from './local-error.ts';
import { claimPath } from './temporary-name.ts';

/** Answers of file systems without hard links. */
const NO_HARD_LINKS: ReadonlySet<string | undefined> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
]);

/** Moves the file to a path that must be free, atomically; EEXIST when it is taken. */
export async function publishNew(temporary: string, finalPath: string): Promise<void> {
  try {
    await link(temporary, finalPath);
  } catch (error) {
    if (!NO_HARD_LINKS.has(systemCodeOf(error))) throw error;
    await publishByClaim(temporary, finalPath);
    return;
  }
  await unlink(temporary).catch(() => {});
}

/**
 * As a hard link would, for file systems that have none: writers agree on one claim file, whose holder alone may look
 * and rename. A claim of a killed writer makes later writers fail with `unavailable` until a sweep removes it.
 */
export async function publishByClaim(temporary: string, finalPath: string): Promise<void> {
  const claim = claimPath(finalPath);
  const handle = await openClaim(claim);
  try {
    await refuseExisting(finalPath);
    await rename(temporary, finalPath);
  } finally {
    await handle.close();
    await unlink(claim).catch(() => {});
  }
}

async function openClaim(claim: string): Promise<FileHandle> {
  try {
    return await open(claim, 'wx', 0o600);
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
    throw new StoreError('unavailable', 'another writer is creating this object', {
      where: claim,
      advice: 'remove the file if its writer is gone',
      cause: error,
      retryable: true,
    });
  }
}

async function refuseExisting(path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return;
    throw error;
  }
  throw new StoreError('already-exists', 'the object exists already', { where: path });
}
